// SPDX-License-Identifier: MIT
/*
 * empty: a baseline, not a lock. It excludes no thread, so what remains of a trial is the cost of the harness
 * and of the workload: the time that no lock can be blamed for.
 *
 * Source: none; the empty lock of any lock benchmark.
 * Invariants: none. Several threads race on the shared state, on purpose; their sums are not checked.
 * The two compiler fences are all it does: without them the compiler, seeing no lock, would keep the
 * shared state in registers across operations and the baseline would be too short.
 */
#ifndef LK_EMPTY_H
#define LK_EMPTY_H

#include "lk.h"

enum { lk_empty_traits = LK_BASELINE };

struct lk_empty {
  char unused; /* C has no empty struct */
  LK_CANARY_MEMBER
};

#define lk_empty_no_ctx 1
struct lk_empty_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_empty_init(struct lk_empty *lock, const struct lk_config *config) {
  (void)config;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_empty_destroy(struct lk_empty *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_empty_ctx_init(struct lk_empty *lock, struct lk_empty_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_empty_ctx_destroy(struct lk_empty *lock, struct lk_empty_ctx *ctx) { (void)lock, (void)ctx; }

static inline void lk_empty_lock(struct lk_empty *lock, struct lk_empty_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  atomic_signal_fence(memory_order_acq_rel); /* orders nothing between threads: see the head */
}

static inline bool lk_empty_trylock(struct lk_empty *lock, struct lk_empty_ctx *ctx) {
  lk_empty_lock(lock, ctx);
  return true;
}

static inline void lk_empty_unlock(struct lk_empty *lock, struct lk_empty_ctx *ctx) {
  (void)lock, (void)ctx;
  atomic_signal_fence(memory_order_acq_rel); /* as in lock */
}

#endif
