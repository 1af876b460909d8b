// SPDX-License-Identifier: MIT
/*
 * trylock: the first thread waits for the lock, the second tries and waits if it was in vain, all others try once. One
 * that was told that it has the lock has it; one that was not has changed nothing, and in the end a try is not in vain.
 */
#include "client.h"

static struct guarded guarded;
static unsigned n_sections[N];

static bool enter(int thread, ctx_type *ctx) {
  if (thread > 0 && try_acquire(guarded.lock, ctx)) return true;
  if (thread > 1) return false;
  acquire(guarded.lock, ctx);
  return true;
}

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const ctx = guarded_make_ctx(&guarded, (unsigned)index);
  for (int i = 0; i < sections_of(index); i++) {
    if (!enter(index, ctx)) continue;
    guarded_count(&guarded);
    release(guarded.lock, ctx);
    n_sections[index]++;
  }
  guarded_free_ctx(&guarded, ctx);
  return NULL;
}

int main(void) {
  guarded_init(&guarded);
  run_threads(thread);
  unsigned n = 0;
  for (int i = 0; i < N; i++) n += n_sections[i];
  assert(get(&guarded.first) == n);

  ctx_type *const ctx = guarded_make_ctx(&guarded, 0);
  const bool is_in = try_acquire(guarded.lock, ctx);
  assert(is_in);
  release(guarded.lock, ctx);
  guarded_free_ctx(&guarded, ctx);
  guarded_destroy(&guarded);
  return 0;
}
