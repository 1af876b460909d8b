// SPDX-License-Identifier: MIT
/*
 * timed: the last thread waits with a deadline, which may come at any moment, all others without one. Who gives up has
 * changed nothing and keeps nobody else waiting: it takes no wake-up with it.
 */
#include "client.h"

static struct guarded guarded;
static unsigned n_sections[N];

static bool enter(int thread, ctx_type *ctx) {
  if (thread == N - 1) return timed_acquire(guarded.lock, ctx, 1);
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
  assert(n >= N - 1 + AGAIN);
  guarded_destroy(&guarded);
  return 0;
}
