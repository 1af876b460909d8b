// SPDX-License-Identifier: MIT
/*
 * test_hangs: a lock whose thousandth unlock is lost, so that all wait for ever. Made for tests: a trial of
 * it must be killed and become a row `timeout`.
 */
#ifndef LK_TEST_HANGS_H
#define LK_TEST_HANGS_H

#include "lk.h"

enum { lk_test_hangs_traits = LK_SPINS };

struct lk_test_hangs {
  LK_ATOMIC(bool) is_held;
  uint32_t n_unlocks; /* changed by the owner only */
  LK_CANARY_MEMBER
};

#define lk_test_hangs_no_ctx 1
struct lk_test_hangs_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_hangs_init(struct lk_test_hangs *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->is_held, false);
  lock->n_unlocks = 0;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_hangs_destroy(struct lk_test_hangs *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_hangs_ctx_init(struct lk_test_hangs *lock, struct lk_test_hangs_ctx *ctx,
                                          const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_hangs_ctx_destroy(struct lk_test_hangs *lock, struct lk_test_hangs_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_hangs_trylock(struct lk_test_hangs *lock, struct lk_test_hangs_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in unlock. */
  return !atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);
}

static inline void lk_test_hangs_lock(struct lk_test_hangs *lock, struct lk_test_hangs_ctx *ctx) {
  while (!lk_test_hangs_trylock(lock, ctx)) lk_pause();
}

static inline void lk_test_hangs_unlock(struct lk_test_hangs *lock, struct lk_test_hangs_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire in trylock. */
  if (++lock->n_unlocks != 1000) atomic_store_explicit(&lock->is_held, false, memory_order_release);
}

#endif
