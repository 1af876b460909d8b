// SPDX-License-Identifier: MIT
/*
 * shared: the first -DWRITERS=<n> threads write and all others read, of a readers/writer lock. A reader sees no writer
 * half-way; with -DTRIES=1 readers try once instead of waiting.
 */
#include "client.h"

static struct guarded guarded;

static bool enter_shared(ctx_type *ctx) {
#if TRIES
  return FN(tryrdlock)(guarded.lock, ctx);
#else
  FN(rdlock)(guarded.lock, ctx);
  return true;
#endif
}

/* False: what was read has changed meanwhile, and is to be read again. */
static bool leave_shared(ctx_type *ctx) {
#if FN(retries)
  return FN(rdvalidate)(guarded.lock, ctx);
#else
  FN(rdunlock)(guarded.lock, ctx);
  return true;
#endif
}

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const ctx = guarded_make_ctx(&guarded, (unsigned)index);
  for (int i = 0; i < sections_of(index); i++) {
    if (index < WRITERS) {
      acquire(guarded.lock, ctx);
      guarded_count(&guarded);
      release(guarded.lock, ctx);
    } else if (enter_shared(ctx)) {
      /* One look: the next would be the same as that of a reader that came later. */
      const unsigned first = get(&guarded.first), second = get(&guarded.second);
      if (leave_shared(ctx)) assert(first == second);
    }
  }
  guarded_free_ctx(&guarded, ctx);
  return NULL;
}

int main(void) {
  guarded_init(&guarded);
  run_threads(thread);
  assert(get(&guarded.first) == WRITERS + (WRITERS > 0 && AGAIN));
  guarded_destroy(&guarded);
  return 0;
}
