// SPDX-License-Identifier: MIT
/*
 * clh: a queue in which no node knows its successor: each thread spins on the node of the one before it. A release
 * is one plain store, and arrival one exchange; it pays with nodes that change hands.
 *
 * Source: T. S. Craig, "Building FIFO and Priority-Queuing Spin Locks from Atomic Swap", University of Washington
 * TR 93-02-02, 1993; P. Magnusson, A. Landin, E. Hagersten, "Queue Locks on Cache Coherent Multiprocessors",
 * IPPS 1994 (their LH lock).
 *
 *   lock.tail    the node of the last arrival, of which the next one will wait for the end
 *   node.waits   true from its owner's arrival to its unlock; written by its owner only
 *   ctx.node     the node to arrive with next; while inside, the node that the successor watches
 *   ctx.previous the node that was waited for: no other thread watches it, so it becomes ctx.node at unlock
 *
 * Invariants: there is one node more than there are contexts; outside of lock..unlock each context owns one and the
 * tail the one left over. So contexts may go in any order: each frees the node that it has, and the lock the last.
 * FIFO by the order of the exchange on tail. Waiters spin. Context: two pointers to nodes on the heap; only its own
 * thread looks at it. The nodes live on without it. No deviation but where the nodes come from.
 */
#ifndef LK_CLH_H
#define LK_CLH_H

#include "lk.h"

enum { lk_clh_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

/* An arrival cannot be taken back, so a try would have to look at the tail's node before it arrives; but that node
   may have been left behind by then: in use for another arrival, or freed. */
#define lk_clh_no_trylock 1

struct lk_clh_node {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(bool) waits;
};
LK_STATIC_ASSERT(sizeof(struct lk_clh_node) == LK_LINE_BYTES, "one node, one line");

struct lk_clh {
  LK_ATOMIC(struct lk_clh_node *) tail;
  LK_CANARY_MEMBER
};

struct lk_clh_ctx {
  struct lk_clh_node *node, *previous;
};

static inline struct lk_clh_node *lk_clh_make_node(void) {
  struct lk_clh_node *node = (struct lk_clh_node *)LK_ALLOC(sizeof *node);
  if (node != NULL) atomic_init(&node->waits, false);
  return node;
}

#define lk_clh_ctx_is_any 1 /* which node it has does not matter */
#define lk_clh_has_heap 1
static inline size_t lk_clh_heap_bytes(const struct lk_config *config) {
  return (config->n_threads + (size_t)1) * sizeof(struct lk_clh_node);
}

static inline bool lk_clh_init(struct lk_clh *lock, const struct lk_config *config) {
  (void)config;
  struct lk_clh_node *const node = lk_clh_make_node();
  if (node == NULL) return false;
  atomic_init(&lock->tail, node);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_clh_destroy(struct lk_clh *lock) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: all threads are done with the lock, and the one that destroys it was told so. */
  LK_FREE(atomic_load_explicit(&lock->tail, memory_order_relaxed));
}

static inline bool lk_clh_ctx_init(struct lk_clh *lock, struct lk_clh_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->node = lk_clh_make_node();
  ctx->previous = NULL;
  return ctx->node != NULL;
}

static inline void lk_clh_ctx_destroy(struct lk_clh *lock, struct lk_clh_ctx *ctx) {
  (void)lock;
  LK_FREE(ctx->node);
}

static inline void lk_clh_lock(struct lk_clh *lock, struct lk_clh_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_clh_node *const node = ctx->node;
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&node->waits, true, memory_order_relaxed);
  /* Release: pairs with the acquire of our successor's exchange: it cannot see an older `waits` of our node.
     Acquire: the same with our predecessor. */
  struct lk_clh_node *const previous = atomic_exchange_explicit(&lock->tail, node, memory_order_acq_rel);
  ctx->previous = previous;
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (LK_UNLIKELY(atomic_load_explicit(&previous->waits, memory_order_acquire))) lk_pause();
}

static inline void lk_clh_unlock(struct lk_clh *lock, struct lk_clh_ctx *ctx) {
  (void)lock;
  struct lk_clh_node *const node = ctx->node;
  ctx->node = ctx->previous;
  /* Release: pairs with the acquire load in the successor's lock. */
  atomic_store_explicit(&node->waits, false, memory_order_release);
}

#endif
