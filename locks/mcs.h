// SPDX-License-Identifier: MIT
/*
 * mcs: a queue of nodes, each thread spins on its own. A hand-off touches only the lines of the two
 * threads it concerns, however many wait: O(1) remote references per acquisition.
 *
 * Source: J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
 * Multiprocessors", ACM TOCS 9(1), 1991, algorithm 5.
 *
 *   lock.tail   the last node of the queue, NULL when free; swung by every arrival, cleared by the last owner
 *   ctx.next    the node behind this one; written once per acquisition, by its owner's successor
 *   ctx.waits   true until the predecessor hands over; set by its owner, cleared by its predecessor
 *
 * Invariants: the nodes from the owner's to the tail's form one chain, of which links may be late but
 * never missing for good; exactly the first node's owner is inside.
 * FIFO by the order of the exchange on tail. Waiters spin. Context: the node; it must stay valid and in
 * place from lock to the return of unlock, and after that no thread touches it.
 * The hazard that many versions leave unexplained: a waiter sets `waits`, then links itself; its predecessor
 * reads the link, then clears `waits`. The two writes must be ordered or the hand-off is overwritten and
 * lost: the release store and the acquire load of the *link* do that.
 */
#ifndef LK_MCS_H
#define LK_MCS_H

#include "lk.h"

enum { lk_mcs_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

struct lk_mcs_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_mcs_ctx *) next;
  LK_ATOMIC(bool) waits;
};

struct lk_mcs {
  LK_ATOMIC(struct lk_mcs_ctx *) tail;
  LK_CANARY_MEMBER
};

#define LK_MCS_INIT                                                                                                    \
  { NULL, LK_CANARY_INIT }

static inline bool lk_mcs_init(struct lk_mcs *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->tail, NULL);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_mcs_destroy(struct lk_mcs *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_mcs_ctx_init(struct lk_mcs *lock, struct lk_mcs_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->waits, false);
  return true;
}

static inline void lk_mcs_ctx_destroy(struct lk_mcs *lock, struct lk_mcs_ctx *ctx) { (void)lock, (void)ctx; }

static inline void lk_mcs_lock(struct lk_mcs *lock, struct lk_mcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
     Acquire: pairs with the release in unlock when it frees the lock (no predecessor), and with the
     release of the predecessor's own exchange (whose node we are about to write to). */
  struct lk_mcs_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (LK_LIKELY(previous == NULL)) return;
  /* Relaxed: ordered before the predecessor's clearing by the link, see the head. */
  atomic_store_explicit(&ctx->waits, true, memory_order_relaxed);
  /* Release: pairs with the acquire loads of `next` in unlock. */
  atomic_store_explicit(&previous->next, ctx, memory_order_release);
  /* Acquire: pairs with the release store of `waits` in unlock: the last owner's section is seen. */
  while (atomic_load_explicit(&ctx->waits, memory_order_acquire)) lk_pause();
}

static inline bool lk_mcs_trylock(struct lk_mcs *lock, struct lk_mcs_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed); /* as in lock */
  struct lk_mcs_ctx *free = NULL;
  /* As the exchange in lock, but the acquire has only the freeing unlock to pair with. Relaxed on failure:
     nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed);
}

static inline void lk_mcs_unlock(struct lk_mcs *lock, struct lk_mcs_ctx *ctx) {
  /* Acquire: pairs with the release store of the link in lock. */
  struct lk_mcs_ctx *next = atomic_load_explicit(&ctx->next, memory_order_acquire);
  if (next == NULL) {
    struct lk_mcs_ctx *last = ctx;
    /* Release: pairs with the acquire of the next arrival's exchange. Relaxed on failure: the queue has
       grown, and what we need to know of it comes with the link. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_release,
                                                          memory_order_relaxed)))
      return;
    /* A successor has swung the tail and is about to link itself: a few instructions, unless preempted. */
    while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause(); /* as above */
  }
  /* Release: pairs with the acquire load in the successor's lock. */
  atomic_store_explicit(&next->waits, false, memory_order_release);
}

#endif
