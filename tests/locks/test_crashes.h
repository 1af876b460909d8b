// SPDX-License-Identifier: MIT
/*
 * test_crashes: a lock that dies of a segmentation fault at its thousandth unlock. Made for tests: a trial of it
 * must become a row `crashed`.
 */
#ifndef LK_TEST_CRASHES_H
#define LK_TEST_CRASHES_H

#include <signal.h>

#include "lk.h"

enum { lk_test_crashes_traits = LK_SPINS };

struct lk_test_crashes {
  LK_ATOMIC(bool) is_held;
  uint32_t n_unlocks; /* changed by the owner only */
  LK_CANARY_MEMBER
};

#define lk_test_crashes_no_ctx 1
struct lk_test_crashes_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_crashes_init(struct lk_test_crashes *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->is_held, false);
  lock->n_unlocks = 0;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_crashes_destroy(struct lk_test_crashes *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_crashes_ctx_init(struct lk_test_crashes *lock, struct lk_test_crashes_ctx *ctx,
                                            const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_crashes_ctx_destroy(struct lk_test_crashes *lock, struct lk_test_crashes_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_crashes_trylock(struct lk_test_crashes *lock, struct lk_test_crashes_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in unlock. */
  return !atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);
}

static inline void lk_test_crashes_lock(struct lk_test_crashes *lock, struct lk_test_crashes_ctx *ctx) {
  while (!lk_test_crashes_trylock(lock, ctx)) lk_pause();
}

static inline void lk_test_crashes_unlock(struct lk_test_crashes *lock, struct lk_test_crashes_ctx *ctx) {
  (void)ctx;
  /* Raised and not provoked: a compiler may make anything of a write through a null pointer. */
  if (++lock->n_unlocks == 1000) raise(SIGSEGV);
  /* Release: pairs with the acquire in trylock. */
  atomic_store_explicit(&lock->is_held, false, memory_order_release);
}

#endif
