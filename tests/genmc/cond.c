// SPDX-License-Identifier: MIT
/*
 * cond: threads that wait at a condition until one signals. Compiled as client.h says, and with
 *   -DLATE=1       the wait has a time limit, which may be over at any moment; then the thread comes again without one
 *   -DBROADCAST=1  one broadcast for all instead of a signal for each
 *   -DOUTSIDE=1    those that wait are taken inside and woken after the unlock
 *
 * A broadcaster frees the condition at once, and without a broadcast the last that was served: no waiter may touch it
 * after it was signalled.
 */
#include "client.h"

#include "lk_cond.h"

#ifndef LATE
#define LATE 0
#endif
#ifndef BROADCAST
#define BROADCAST 0
#endif
#ifndef OUTSIDE
#define OUTSIDE 0
#endif

#define COND(x) LK_COND(x)
COND(LK);

static struct guarded guarded;
static struct lk_cond *cond; /* on the heap, so that its use after its end is seen */
static unsigned n_tokens;    /* what is waited for; guarded by the mutex, as the next */
static unsigned n_served;

static void take_token(ctx_type *ctx) {
  if (LATE && n_tokens == 0) (void)FN(cond_wait_until)(guarded.lock, ctx, cond, 1);
  while (n_tokens == 0) FN(cond_wait)(guarded.lock, ctx, cond);
  n_tokens--;
  if (++n_served == N - 1 && !BROADCAST) free(cond);
}

/* One for each of the others. GenMC 0.10.3 breaks down on a loop here. */
static void give_signals(void) {
  if (N > 1) lk_cond_signal(cond);
  if (N > 2) lk_cond_signal(cond);
  if (N > 3) lk_cond_signal(cond);
}

/* Each of the others gets a token. No other is to come then, so the condition may go, though they still sleep. */
static void give_tokens(ctx_type *ctx) {
  struct lk_cond_waiter *taken = NULL;
  acquire(guarded.lock, ctx);
  n_tokens += N - 1;
  if (BROADCAST && OUTSIDE)
    taken = lk_cond_take_all(cond);
  else if (BROADCAST)
    lk_cond_broadcast(cond);
  else
    give_signals();
  if (BROADCAST) free(cond); /* of those that come later none waits */
  release(guarded.lock, ctx);
  lk_cond_wake(taken);
}

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const ctx = guarded_make_ctx(&guarded, (unsigned)index);
  if (index == 0) {
    give_tokens(ctx);
  } else {
    acquire(guarded.lock, ctx);
    take_token(ctx);
    release(guarded.lock, ctx);
  }
  guarded_free_ctx(&guarded, ctx);
  return NULL;
}

int main(void) {
  guarded_init(&guarded);
  cond = malloc(sizeof *cond);
  lk_cond_init(cond);
  run_threads(thread);
  assert(n_tokens == 0);
  guarded_destroy(&guarded);
  return 0;
}
