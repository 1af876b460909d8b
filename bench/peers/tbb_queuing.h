// SPDX-License-Identifier: MIT
/*
 * tbb_queuing: tbb::queuing_mutex, oneTBB's MCS lock: a queue of scoped locks, each thread spins on its own. Waiters
 * pause 1, 2, 4, 8, 16 times between two looks, and yield the CPU to another thread after each further one.
 *
 * Source: oneTBB, queuing_mutex.h and detail/_utils.h, after J. M. Mellor-Crummey, M. L. Scott, ACM TOCS 9(1), 1991;
 * all of it is inlined.
 * FIFO. Waiters spin. Context: the scoped lock; valid and in place from lock to the return of unlock.
 */
#ifndef LK_TBB_QUEUING_H
#define LK_TBB_QUEUING_H

#include <new>

#include <oneapi/tbb/queuing_mutex.h>

#include "peers/lk_peer.h"

enum { lk_tbb_queuing_traits = LK_FIFO | LK_SPINS | LK_PEER };

struct lk_tbb_queuing {
  tbb::queuing_mutex mutex;
  LK_CANARY_MEMBER
};

struct lk_tbb_queuing_ctx {
  tbb::queuing_mutex::scoped_lock node;
};

static inline bool lk_tbb_queuing_init(struct lk_tbb_queuing *lock, const struct lk_config *config) {
  (void)config;
  new (lock) lk_tbb_queuing;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_tbb_queuing_destroy(struct lk_tbb_queuing *lock) {
  LK_CANARY_CHECK(lock);
  lock->~lk_tbb_queuing();
}

static inline bool lk_tbb_queuing_ctx_init(struct lk_tbb_queuing *lock, struct lk_tbb_queuing_ctx *ctx,
                                           const struct lk_domain *domain) {
  (void)lock, (void)domain;
  new (ctx) lk_tbb_queuing_ctx;
  return true;
}

static inline void lk_tbb_queuing_ctx_destroy(struct lk_tbb_queuing *lock, struct lk_tbb_queuing_ctx *ctx) {
  (void)lock;
  ctx->~lk_tbb_queuing_ctx();
}

static inline void lk_tbb_queuing_lock(struct lk_tbb_queuing *lock, struct lk_tbb_queuing_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  ctx->node.acquire(lock->mutex);
}

static inline bool lk_tbb_queuing_trylock(struct lk_tbb_queuing *lock, struct lk_tbb_queuing_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  return ctx->node.try_acquire(lock->mutex);
}

static inline void lk_tbb_queuing_unlock(struct lk_tbb_queuing *lock, struct lk_tbb_queuing_ctx *ctx) {
  (void)lock;
  ctx->node.release();
}

#endif
