// SPDX-License-Identifier: MIT
/*
 * malthusian: an MCS queue that is kept as short as keeps the lock busy. Each unlock sets one surplus waiter aside,
 * where it soon sleeps; few threads then go round quickly, with their data still in the caches and CPUs left for
 * others. Those set aside come back when the queue runs dry, the latest first, or by turn, the oldest first.
 *
 * Source: D. Dice, "Malthusian Locks", EuroSys 2017 (MCSCR).
 *
 *   lock.tail     the last node of the queue, NULL when free; swung by arrivals, and by the owner when it leaves
 *   lock.newest, oldest, n_unlocks   the list of those set aside; read and changed by the owner only
 *   ctx.next      the node behind this one in the queue; written by its successor, or by the owner that puts it back
 *   ctx.newer, older                 its neighbours among those set aside; likewise the owner's
 *   ctx.state     WAITS: set by its thread before it links itself; ASLEEP: set by its thread once, when it has spun
 *                 enough; GRANTED: set by the lock's owner, from either
 *
 * Invariants: a waiter is in the queue or set aside, and need not know which. The queue is empty only if no thread
 * is set aside. One that is set aside had a successor, so its node is never the tail.
 * FIFO: no. Bounded bypass: when EVERY unlocks have passed while a thread was set aside, the oldest of these gets the
 * lock; so none is overtaken more than n_threads x (EVERY + 2) times. Waits: spins at most spin_pauses, then parks.
 * Context: the node; in place from lock to the return of unlock. A wake may still name its address afterwards, as in
 * mcs_park. Deviation: the paper brings the oldest back at random, once in 1000 unlocks, which bounds nothing; we
 * count.
 */
#ifndef LK_MALTHUSIAN_H
#define LK_MALTHUSIAN_H

#include "lk.h"
#include "lk_wait.h"

enum { lk_malthusian_traits = LK_BOUNDED | LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };

#ifndef LK_MALTHUSIAN_EVERY
#define LK_MALTHUSIAN_EVERY 1000 /* a checker, whose threads come once or twice, makes it 1 or 2 */
#endif

#define lk_malthusian_is_bounded 1
static inline uint64_t lk_malthusian_bypass(const struct lk_config *config) {
  return (uint64_t)config->n_threads * (LK_MALTHUSIAN_EVERY + 2);
}

enum lk_malthusian_state { LK_MALTHUSIAN_GRANTED, LK_MALTHUSIAN_WAITS, LK_MALTHUSIAN_ASLEEP };

struct lk_malthusian_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_malthusian_ctx *) next;
  LK_ATOMIC(uint32_t) state;
  struct lk_malthusian_ctx *newer, *older;
};

struct lk_malthusian {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_malthusian_ctx *) tail;
  uint32_t spin_pauses;
  LK_CANARY_MEMBER
  LK_ALIGNED(LK_LINE_BYTES) struct lk_malthusian_ctx *newest; /* the owner's, away from the arrivals' line */
  struct lk_malthusian_ctx *oldest;
  unsigned n_unlocks; /* while a thread is set aside, since one was last brought back by its turn */
};

static inline bool lk_malthusian_init(struct lk_malthusian *lock, const struct lk_config *config) {
  atomic_init(&lock->tail, NULL);
  lock->spin_pauses = config->spin_pauses;
  lock->newest = lock->oldest = NULL;
  lock->n_unlocks = 0;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_malthusian_destroy(struct lk_malthusian *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_malthusian_ctx_init(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx,
                                          const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->state, LK_MALTHUSIAN_GRANTED);
  ctx->newer = ctx->older = NULL;
  return true;
}

static inline void lk_malthusian_ctx_destroy(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  (void)lock, (void)ctx;
}

/* Spins for what the configuration allows, then sleeps, until an owner has granted the lock. */
LK_COLD static void lk_malthusian_wait(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  for (uint32_t n = lock->spin_pauses; n != 0; n--) {
    /* Acquire: pairs with the exchange in grant: the last owner's section and its lists are seen. */
    if (atomic_load_explicit(&ctx->state, memory_order_acquire) == LK_MALTHUSIAN_GRANTED) return;
    lk_pause();
  }
  uint32_t state = LK_MALTHUSIAN_WAITS;
  /* Acquire on failure: it was granted, as above. On success relaxed would do, since nothing is published, but C11
     lets no failure be stronger than success. */
  if (!atomic_compare_exchange_strong_explicit(&ctx->state, &state, LK_MALTHUSIAN_ASLEEP, memory_order_acquire,
                                               memory_order_acquire))
    return;
  do {
    lk_wait_sleep(&ctx->state, LK_MALTHUSIAN_ASLEEP);
    /* Acquire: as above. */
  } while (atomic_load_explicit(&ctx->state, memory_order_acquire) != LK_MALTHUSIAN_GRANTED);
}

static inline void lk_malthusian_lock(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
     Acquire: pairs with the release in leave when it frees the lock or puts a node back, and with the release of the
     predecessor's own exchange (whose node we are about to write to). */
  struct lk_malthusian_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (LK_LIKELY(previous == NULL)) return;
  /* Relaxed: ordered before the grant by the link. */
  atomic_store_explicit(&ctx->state, LK_MALTHUSIAN_WAITS, memory_order_relaxed);
  /* Release: pairs with the acquire loads of `next` in pass_on. */
  atomic_store_explicit(&previous->next, ctx, memory_order_release);
  lk_malthusian_wait(lock, ctx);
}

static inline bool lk_malthusian_trylock(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed); /* as in lock */
  struct lk_malthusian_ctx *free = NULL;
  /* As the exchange in lock, but the acquire has only leave to pair with. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed);
}

static inline void lk_malthusian_set_aside(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  ctx->newer = NULL;
  ctx->older = lock->newest;
  *(lock->newest == NULL ? &lock->oldest : &lock->newest->newer) = ctx;
  lock->newest = ctx;
}

static inline void lk_malthusian_bring_back(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  *(ctx->newer == NULL ? &lock->newest : &ctx->newer->older) = ctx->older;
  *(ctx->older == NULL ? &lock->oldest : &ctx->older->newer) = ctx->newer;
}

static inline void lk_malthusian_grant(struct lk_malthusian_ctx *next) {
  /* Release: pairs with the acquires in wait. One exchange both grants and learns whether to wake: with two steps the
     waiter could go to sleep between them. Once it is done the waiter's node may be gone. */
  if (atomic_exchange_explicit(&next->state, LK_MALTHUSIAN_GRANTED, memory_order_release) == LK_MALTHUSIAN_ASLEEP)
    lk_wait_wake_one(&next->state);
}

/* Takes our node out of the queue, if it is the only one: `back`, or nothing, is left in its place. */
static inline bool lk_malthusian_dequeue(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx,
                                         struct lk_malthusian_ctx *back) {
  struct lk_malthusian_ctx *last = ctx;
  /* Release: pairs with the acquire of the next arrival's exchange. Relaxed on failure: the queue has grown, and what
     we need to know of it comes with the link. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &last, back, memory_order_release, memory_order_relaxed);
}

/* There is a successor, or one about to link itself, or a thread that was set aside. */
LK_COLD static void lk_malthusian_pass_on(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  const bool is_due = lock->oldest != NULL && ++lock->n_unlocks >= LK_MALTHUSIAN_EVERY;
  struct lk_malthusian_ctx *const back = is_due ? lock->oldest : lock->newest;
  if (is_due) lock->n_unlocks = 0;
  /* Relaxed: only whether there is a link. */
  if (back != NULL && atomic_load_explicit(&ctx->next, memory_order_relaxed) == NULL) {
    /* Relaxed: published by leave, and if that fails, not yet used. */
    atomic_store_explicit(&back->next, NULL, memory_order_relaxed);
    if (lk_malthusian_dequeue(lock, ctx, back)) {
      lk_malthusian_bring_back(lock, back);
      lk_malthusian_grant(back);
      return;
    }
  }
  /* Acquire: pairs with the release store of the link in lock. It may be late: its successor has swung the tail and
     will link itself in a few instructions, unless preempted. */
  struct lk_malthusian_ctx *next;
  while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause();
  if (is_due) {
    lk_malthusian_bring_back(lock, back);
    /* Relaxed: published by the grant, to the only thread that reads it. */
    atomic_store_explicit(&back->next, next, memory_order_relaxed);
    lk_malthusian_grant(back);
    return;
  }
  /* Acquire: as above. Without it the grant might come before the waiter's own WAITS and be lost, as in mcs. */
  struct lk_malthusian_ctx *const second = atomic_load_explicit(&next->next, memory_order_acquire);
  if (second != NULL) lk_malthusian_set_aside(lock, next);
  lk_malthusian_grant(second != NULL ? second : next);
}

static inline void lk_malthusian_unlock(struct lk_malthusian *lock, struct lk_malthusian_ctx *ctx) {
  /* Relaxed: only whether there is a link; pass_on reads it again. */
  if (LK_LIKELY(lock->newest == NULL && atomic_load_explicit(&ctx->next, memory_order_relaxed) == NULL &&
                lk_malthusian_dequeue(lock, ctx, NULL)))
    return;
  lk_malthusian_pass_on(lock, ctx);
}

#endif
