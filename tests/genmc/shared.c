// SPDX-License-Identifier: MIT
/*
 * shared: the first -DWRITERS=<n> threads write and all others read, of a readers/writer lock. A reader sees no writer
 * half-way. With -DREADERS_TRY=1 or -DWRITERS_TRY=1 those try once instead of waiting.
 */
#include "client.h"

static struct guarded guarded;
static unsigned n_sections[N]; /* of writers */

static bool enter_exclusive(ctx_type *ctx) {
#if WRITERS_TRY
  return try_acquire(guarded.lock, ctx);
#else
  acquire(guarded.lock, ctx);
  return true;
#endif
}

static bool enter_shared(ctx_type *ctx) {
#if READERS_TRY
  return try_acquire_shared(guarded.lock, ctx);
#else
  acquire_shared(guarded.lock, ctx);
  return true;
#endif
}

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *ctx = guarded_make_ctx(&guarded, (unsigned)index);
  for (int i = 0; i < sections_of(index); i++) {
    if (i > 0) ctx = guarded_next_ctx(&guarded, ctx, (unsigned)index);
    if (index >= WRITERS) {
      if (!enter_shared(ctx)) continue;
      /* One look: the next would be the same as that of a reader that came later. */
      const unsigned first = get(&guarded.first), second = get(&guarded.second);
      /* False: what was read has changed meanwhile, and is to be read again. */
      if (release_shared(guarded.lock, ctx)) assert(first == second);
    } else if (enter_exclusive(ctx)) {
      guarded_count(&guarded);
      release(guarded.lock, ctx);
      n_sections[index]++;
    }
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
  guarded_destroy(&guarded);
  return 0;
}
