// SPDX-License-Identifier: MIT
/*
 * ck_clh: Concurrency Kit's CLH lock: a queue in which each thread spins on the node of the one before it, and takes
 * that node over when it unlocks, as in locks/clh.h.
 *
 * Source: Concurrency Kit, spinlock/clh.h; all of it is inlined. The caller provides the nodes: here they come from
 * the heap, each on a line of its own, as in locks/clh.h.
 * Ownership: there is one node more than contexts; each context frees the one that it has, and the lock the last.
 * FIFO. Waiters spin. It has no trylock. Context: a pointer to the node; only its own thread looks at it.
 */
#ifndef LK_CK_CLH_H
#define LK_CK_CLH_H

#include <ck_spinlock.h>
#include <stdlib.h>

#include "lk_peer.h"

enum { lk_ck_clh_traits = LK_FIFO | LK_SPINS | LK_PEER };

#define lk_ck_clh_no_trylock 1

struct lk_ck_clh {
  ck_spinlock_clh_t *tail;
  LK_CANARY_MEMBER
};

struct lk_ck_clh_ctx {
  ck_spinlock_clh_t *node;
};

static inline ck_spinlock_clh_t *lk_ck_clh_make_node(void) {
  LK_STATIC_ASSERT(sizeof(ck_spinlock_clh_t) <= LK_LINE_BYTES, "one node, one line");
  ck_spinlock_clh_t *node = (ck_spinlock_clh_t *)aligned_alloc(LK_LINE_BYTES, LK_LINE_BYTES);
  return node;
}

#define lk_ck_clh_has_heap 1
static inline size_t lk_ck_clh_heap_bytes(const struct lk_config *config) {
  return (config->n_threads + (size_t)1) * LK_LINE_BYTES;
}

static inline bool lk_ck_clh_init(struct lk_ck_clh *lock, const struct lk_config *config) {
  (void)config;
  ck_spinlock_clh_t *const node = lk_ck_clh_make_node();
  if (node == NULL) return false;
  ck_spinlock_clh_init(&lock->tail, node);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_clh_destroy(struct lk_ck_clh *lock) {
  LK_CANARY_CHECK(lock);
  free(lock->tail);
}

static inline bool lk_ck_clh_ctx_init(struct lk_ck_clh *lock, struct lk_ck_clh_ctx *ctx,
                                      const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->node = lk_ck_clh_make_node();
  return ctx->node != NULL;
}

static inline void lk_ck_clh_ctx_destroy(struct lk_ck_clh *lock, struct lk_ck_clh_ctx *ctx) {
  (void)lock;
  free(ctx->node);
}

static inline void lk_ck_clh_lock(struct lk_ck_clh *lock, struct lk_ck_clh_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  ck_spinlock_clh_lock(&lock->tail, ctx->node);
}

static inline void lk_ck_clh_unlock(struct lk_ck_clh *lock, struct lk_ck_clh_ctx *ctx) {
  (void)lock;
  ck_spinlock_clh_unlock(&ctx->node);
}

#endif
