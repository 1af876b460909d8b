// SPDX-License-Identifier: MIT
/*
 * futex: one word, three states; a thread that finds it taken sleeps in the kernel at once. A free lock costs one
 * atomic to take and one to give back, and no system call.
 *
 * Source: U. Drepper, "Futexes Are Tricky", 2011, mutex2 (section 6).
 *
 *   FREE       no thread holds it
 *   HELD       held, and no thread has to be woken: set only by an arrival that found it FREE
 *   CONTENDED  held, and a thread may sleep: set by a waiter before it sleeps and when it wakes up,
 *              because it cannot know whether others sleep still; cleared by the owner's unlock
 *
 * Invariants: while a thread sleeps the word is CONTENDED, or FREE with a wake on its way. So an owner
 * that finds HELD at unlock has no thread to wake, and none is left asleep.
 * FIFO: no; an arrival may overtake those that sleep, without bound. Waits: parks. Context: none. A waiter that gives
 * up leaves CONTENDED behind: a wake too many. It took none from others, since the kernel tells who slept in vain.
 */
#ifndef LK_FUTEX_H
#define LK_FUTEX_H

#include "lk.h"
#include "lk_wait.h"

#define lk_futex_is_timed 1

enum { lk_futex_traits = LK_PARKS | LK_FREED_BY_LAST };

enum lk_futex_state { LK_FUTEX_FREE, LK_FUTEX_HELD, LK_FUTEX_CONTENDED };

struct lk_futex {
  LK_ATOMIC(uint32_t) state;
  LK_CANARY_MEMBER
};

#define LK_FUTEX_INIT                                                                                                  \
  { LK_FUTEX_FREE, LK_CANARY_INIT }

#define lk_futex_no_ctx 1
struct lk_futex_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_futex_init(struct lk_futex *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, LK_FUTEX_FREE);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_futex_destroy(struct lk_futex *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_futex_ctx_init(struct lk_futex *lock, struct lk_futex_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_futex_ctx_destroy(struct lk_futex *lock, struct lk_futex_ctx *ctx) { (void)lock, (void)ctx; }

static inline bool lk_futex_trylock(struct lk_futex *lock, struct lk_futex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = LK_FUTEX_FREE;
  /* Acquire: pairs with the release exchange in unlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->state, &free, LK_FUTEX_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

LK_COLD static void lk_futex_lock_slow(struct lk_futex *lock) {
  /* Acquire: pairs with the release exchange in unlock when it finds FREE. It takes the lock as CONTENDED:
     others may sleep, and a wake too many is cheaper than one too few. */
  while (atomic_exchange_explicit(&lock->state, LK_FUTEX_CONTENDED, memory_order_acquire) != LK_FUTEX_FREE)
    lk_wait_sleep(&lock->state, LK_FUTEX_CONTENDED);
}

static inline void lk_futex_lock(struct lk_futex *lock, struct lk_futex_ctx *ctx) {
  if (LK_UNLIKELY(!lk_futex_trylock(lock, ctx))) lk_futex_lock_slow(lock);
}

LK_COLD static bool lk_futex_timedlock_slow(struct lk_futex *lock, uint64_t deadline_ns) {
  /* Acquire: as in lock_slow. */
  while (atomic_exchange_explicit(&lock->state, LK_FUTEX_CONTENDED, memory_order_acquire) != LK_FUTEX_FREE)
    if (!lk_wait_sleep_until(&lock->state, LK_FUTEX_CONTENDED, deadline_ns)) return false;
  return true;
}

static inline bool lk_futex_timedlock(struct lk_futex *lock, struct lk_futex_ctx *ctx, uint64_t deadline_ns) {
  return LK_LIKELY(lk_futex_trylock(lock, ctx)) || lk_futex_timedlock_slow(lock, deadline_ns);
}

LK_COLD static void lk_futex_unlock_slow(struct lk_futex *lock) { lk_wait_wake_one(&lock->state); }

static inline void lk_futex_unlock(struct lk_futex *lock, struct lk_futex_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquires in trylock and lock_slow. One exchange both frees the lock and learns
     whether a thread sleeps: with two steps a waiter could go to sleep between them, unseen. */
  if (LK_UNLIKELY(atomic_exchange_explicit(&lock->state, LK_FUTEX_FREE, memory_order_release) == LK_FUTEX_CONTENDED))
    lk_futex_unlock_slow(lock);
}

#endif
