// SPDX-License-Identifier: MIT
/*
 * test_lost_wake: the futex lock of futex.h, whose unlock takes two steps instead of one: it looks whether a thread
 * sleeps, then frees the lock. A waiter that goes to sleep between them is not woken. Made for tests: it excludes,
 * and a checker or a stress test must catch that it hangs.
 */
#ifndef LK_TEST_LOST_WAKE_H
#define LK_TEST_LOST_WAKE_H

#include "lk.h"
#include "lk_wait.h"

enum { lk_test_lost_wake_traits = LK_PARKS };

enum lk_test_lost_wake_state { LK_TEST_LOST_WAKE_FREE, LK_TEST_LOST_WAKE_HELD, LK_TEST_LOST_WAKE_CONTENDED };

struct lk_test_lost_wake {
  LK_ATOMIC(uint32_t) state; /* enum lk_test_lost_wake_state */
  LK_CANARY_MEMBER
};

#define lk_test_lost_wake_no_ctx 1
struct lk_test_lost_wake_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_lost_wake_init(struct lk_test_lost_wake *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, LK_TEST_LOST_WAKE_FREE);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_lost_wake_destroy(struct lk_test_lost_wake *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_lost_wake_ctx_init(struct lk_test_lost_wake *lock, struct lk_test_lost_wake_ctx *ctx,
                                              const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_lost_wake_ctx_destroy(struct lk_test_lost_wake *lock, struct lk_test_lost_wake_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_lost_wake_trylock(struct lk_test_lost_wake *lock, struct lk_test_lost_wake_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = LK_TEST_LOST_WAKE_FREE;
  /* Acquire: pairs with the release store in unlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->state, &free, LK_TEST_LOST_WAKE_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

LK_COLD static void lk_test_lost_wake_lock_slow(struct lk_test_lost_wake *lock) {
  /* Acquire: pairs with the release store in unlock. */
  while (atomic_exchange_explicit(&lock->state, LK_TEST_LOST_WAKE_CONTENDED, memory_order_acquire) !=
         LK_TEST_LOST_WAKE_FREE)
    lk_wait_sleep(&lock->state, LK_TEST_LOST_WAKE_CONTENDED);
}

static inline void lk_test_lost_wake_lock(struct lk_test_lost_wake *lock, struct lk_test_lost_wake_ctx *ctx) {
  if (LK_UNLIKELY(!lk_test_lost_wake_trylock(lock, ctx))) lk_test_lost_wake_lock_slow(lock);
}

LK_COLD static void lk_test_lost_wake_unlock_slow(struct lk_test_lost_wake *lock) { lk_wait_wake_one(&lock->state); }

static inline void lk_test_lost_wake_unlock(struct lk_test_lost_wake *lock, struct lk_test_lost_wake_ctx *ctx) {
  (void)ctx;
  /* Relaxed: too early in any order, which is the fault that this lock is made for. */
  const bool wakes = atomic_load_explicit(&lock->state, memory_order_relaxed) == LK_TEST_LOST_WAKE_CONTENDED;
  /* Release: pairs with the acquires in trylock and lock_slow. */
  atomic_store_explicit(&lock->state, LK_TEST_LOST_WAKE_FREE, memory_order_release);
  if (LK_UNLIKELY(wakes)) lk_test_lost_wake_unlock_slow(lock);
}

#endif
