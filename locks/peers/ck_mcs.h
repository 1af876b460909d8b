// SPDX-License-Identifier: MIT
/*
 * ck_mcs: Concurrency Kit's MCS lock: a queue of nodes, each thread spins on its own. As locks/mcs.h, but that unlock
 * looks at the tail before it tries to clear it.
 *
 * Source: Concurrency Kit, spinlock/mcs.h; all of it is inlined.
 * FIFO. Waiters spin. Context: the node; valid and in place from lock to the return of unlock.
 */
#ifndef LK_CK_MCS_H
#define LK_CK_MCS_H

#include <ck_spinlock.h>

#include "lk_peer.h"

enum { lk_ck_mcs_traits = LK_FIFO | LK_SPINS | LK_PEER };

struct lk_ck_mcs {
  ck_spinlock_mcs_t tail;
  LK_CANARY_MEMBER
};

struct lk_ck_mcs_ctx {
  ck_spinlock_mcs_context_t node;
};

static inline bool lk_ck_mcs_init(struct lk_ck_mcs *lock, const struct lk_config *config) {
  (void)config;
  ck_spinlock_mcs_init(&lock->tail);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_mcs_destroy(struct lk_ck_mcs *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_ck_mcs_ctx_init(struct lk_ck_mcs *lock, struct lk_ck_mcs_ctx *ctx,
                                      const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain; /* lock and trylock set the whole node */
  return true;
}

static inline void lk_ck_mcs_ctx_destroy(struct lk_ck_mcs *lock, struct lk_ck_mcs_ctx *ctx) { (void)lock, (void)ctx; }

static inline void lk_ck_mcs_lock(struct lk_ck_mcs *lock, struct lk_ck_mcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  ck_spinlock_mcs_lock(&lock->tail, &ctx->node);
}

static inline bool lk_ck_mcs_trylock(struct lk_ck_mcs *lock, struct lk_ck_mcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  return ck_spinlock_mcs_trylock(&lock->tail, &ctx->node);
}

static inline void lk_ck_mcs_unlock(struct lk_ck_mcs *lock, struct lk_ck_mcs_ctx *ctx) {
  ck_spinlock_mcs_unlock(&lock->tail, &ctx->node);
}

#endif
