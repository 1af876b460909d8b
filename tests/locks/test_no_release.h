// SPDX-License-Identifier: MIT
/*
 * test_no_release: test-and-set without the release at unlock: the next owner need not see what the last one wrote.
 * Made for tests: a checker that knows weak memory must catch it. No stress test can on x86, where each store is a
 * release, unless under the thread sanitizer.
 */
#ifndef LK_TEST_NO_RELEASE_H
#define LK_TEST_NO_RELEASE_H

#include "lk.h"

enum { lk_test_no_release_traits = LK_SPINS };

struct lk_test_no_release {
  LK_ATOMIC(bool) is_held;
  LK_CANARY_MEMBER
};

#define lk_test_no_release_no_ctx 1
struct lk_test_no_release_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_no_release_init(struct lk_test_no_release *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->is_held, false);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_no_release_destroy(struct lk_test_no_release *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_no_release_ctx_init(struct lk_test_no_release *lock, struct lk_test_no_release_ctx *ctx,
                                               const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_no_release_ctx_destroy(struct lk_test_no_release *lock, struct lk_test_no_release_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_no_release_trylock(struct lk_test_no_release *lock, struct lk_test_no_release_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: it has nothing to pair with, see the head. */
  return !atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);
}

static inline void lk_test_no_release_lock(struct lk_test_no_release *lock, struct lk_test_no_release_ctx *ctx) {
  while (!lk_test_no_release_trylock(lock, ctx)) lk_pause();
}

static inline void lk_test_no_release_unlock(struct lk_test_no_release *lock, struct lk_test_no_release_ctx *ctx) {
  (void)ctx;
  /* Relaxed: the fault that this lock is made for. */
  atomic_store_explicit(&lock->is_held, false, memory_order_relaxed);
}

#endif
