// SPDX-License-Identifier: MIT
/*
 * counter: a baseline, not a lock. One fetch_add on a shared word per operation: the least that a lock does which
 * keeps its state in one place. With several threads only a lock that hoards can beat it: one whose owner takes it
 * again before the line has moved.
 *
 * Source: none; the shared counter of any lock benchmark.
 * Invariants: none. It excludes no thread, and the sums of the shared state are not checked.
 */
#ifndef LK_COUNTER_H
#define LK_COUNTER_H

#include "lk.h"

enum { lk_counter_traits = LK_BASELINE };

struct lk_counter {
  LK_ATOMIC(uint32_t) n_operations;
  LK_CANARY_MEMBER
};

#define lk_counter_no_ctx 1
struct lk_counter_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_counter_init(struct lk_counter *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->n_operations, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_counter_destroy(struct lk_counter *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_counter_ctx_init(struct lk_counter *lock, struct lk_counter_ctx *ctx,
                                       const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_counter_ctx_destroy(struct lk_counter *lock, struct lk_counter_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_counter_lock(struct lk_counter *lock, struct lk_counter_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire, as a lock has: it pairs with nothing; it keeps the section after the count in the code. */
  atomic_fetch_add_explicit(&lock->n_operations, 1, memory_order_acquire);
}

static inline bool lk_counter_trylock(struct lk_counter *lock, struct lk_counter_ctx *ctx) {
  lk_counter_lock(lock, ctx);
  return true;
}

static inline void lk_counter_unlock(struct lk_counter *lock, struct lk_counter_ctx *ctx) {
  (void)lock, (void)ctx;
  atomic_signal_fence(memory_order_release); /* only for the compiler: the section ends here in the code */
}

#endif
