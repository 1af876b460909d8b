// SPDX-License-Identifier: MIT
/*
 * test_unfair: test-and-set that promises what it does not keep: that each other thread overtakes a waiter at most
 * once. Its waiters look whether it is free once in a millisecond, and one that comes meanwhile goes first. Made for
 * tests: the conformance client must catch it.
 */
#ifndef LK_TEST_UNFAIR_H
#define LK_TEST_UNFAIR_H

#include <time.h>

#include "lk.h"

#define lk_test_unfair_is_bounded 1

enum { lk_test_unfair_traits = LK_BOUNDED | LK_PARKS };

static inline uint64_t lk_test_unfair_bypass(const struct lk_config *config) { return config->n_threads - 1; }

#ifndef CLOCK_MONOTONIC /* which time.h hides from programs that ask for plain C11, and with it this */
extern int nanosleep(const struct timespec *wanted, struct timespec *left);
#endif

struct lk_test_unfair {
  LK_ATOMIC(bool) is_held;
  LK_CANARY_MEMBER
};

#define lk_test_unfair_no_ctx 1
struct lk_test_unfair_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_unfair_init(struct lk_test_unfair *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->is_held, false);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_unfair_destroy(struct lk_test_unfair *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_unfair_ctx_init(struct lk_test_unfair *lock, struct lk_test_unfair_ctx *ctx,
                                           const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_unfair_ctx_destroy(struct lk_test_unfair *lock, struct lk_test_unfair_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_unfair_trylock(struct lk_test_unfair *lock, struct lk_test_unfair_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in unlock. */
  return !atomic_exchange_explicit(&lock->is_held, true, memory_order_acquire);
}

static inline void lk_test_unfair_lock(struct lk_test_unfair *lock, struct lk_test_unfair_ctx *ctx) {
  while (!lk_test_unfair_trylock(lock, ctx)) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static inline void lk_test_unfair_unlock(struct lk_test_unfair *lock, struct lk_test_unfair_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire in trylock. */
  atomic_store_explicit(&lock->is_held, false, memory_order_release);
}

#endif
