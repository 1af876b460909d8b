// SPDX-License-Identifier: MIT
/*
 * test_broken: a lock that lets every thread in at once. Made for tests: a trial of it with two threads or more must
 * become a row `broken`, and the conformance client must catch it.
 */
#ifndef LK_TEST_BROKEN_H
#define LK_TEST_BROKEN_H

#include "lk.h"

enum { lk_test_broken_traits = LK_SPINS };

struct lk_test_broken {
  char unused; /* C has no empty struct */
  LK_CANARY_MEMBER
};

#define lk_test_broken_no_ctx 1
struct lk_test_broken_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_broken_init(struct lk_test_broken *lock, const struct lk_config *config) {
  (void)config;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_broken_destroy(struct lk_test_broken *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_broken_ctx_init(struct lk_test_broken *lock, struct lk_test_broken_ctx *ctx,
                                           const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_broken_ctx_destroy(struct lk_test_broken *lock, struct lk_test_broken_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_test_broken_lock(struct lk_test_broken *lock, struct lk_test_broken_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  atomic_signal_fence(memory_order_acq_rel); /* keeps the section where it is in the code, and no thread out of it */
}

static inline bool lk_test_broken_trylock(struct lk_test_broken *lock, struct lk_test_broken_ctx *ctx) {
  lk_test_broken_lock(lock, ctx);
  return true;
}

static inline void lk_test_broken_unlock(struct lk_test_broken *lock, struct lk_test_broken_ctx *ctx) {
  (void)lock, (void)ctx;
  atomic_signal_fence(memory_order_acq_rel); /* as in lock */
}

#endif
