// SPDX-License-Identifier: MIT
/*
 * k42: MCS without a node in the interface. A waiter's node lies on the stack of lock() and is left behind there:
 * the lock itself is the owner's node, so that unlock needs nothing from its caller.
 *
 * Source: M. A. Auslander, D. J. Edelsohn, O. Y. Krieger, B. S. Rosenburg, R. W. Wisniewski, "Enhancement to the MCS
 * Lock for Increased Functionality and Improved Programmability", US patent application 20030200457, 2003 (abandoned);
 * M. L. Scott, "Shared-Memory Synchronization", 2013, chapter 4.
 *
 *   lock.tail   NULL when free; the lock's own node when held without a waiter; else the last waiter's node
 *   lock.next   the node behind the owner; written by that waiter, or by the owner when it moves in
 *   node.next   the node behind this one; written once, by its owner's successor
 *   node.waits  true until the predecessor hands over; cleared by it
 *
 * Invariants: the queue runs from the lock's node over the waiters' to the tail's, with links that may be late. An
 * owner that had to wait moves its link, or the tail that points to it, to the lock's node before it enters: after
 * that no thread knows its node. While the lock is free, and when its node becomes the tail, lock.next is NULL.
 * FIFO by the order of the exchange on tail. Waiters spin. Context: none.
 * Deviation: an arrival that finds it held joins with an exchange, not in a loop of compare-and-swap, so that it
 * has its place after a bounded number of steps. If it was freed meanwhile, it moves in as if handed over to.
 */
#ifndef LK_K42_H
#define LK_K42_H

#include "lk.h"

enum { lk_k42_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

struct lk_k42_node {
  LK_ATOMIC(struct lk_k42_node *) next;
  LK_ATOMIC(bool) waits; /* of the lock's own node: unused */
};

struct lk_k42 {
  LK_ATOMIC(struct lk_k42_node *) tail;
  struct lk_k42_node own;
  LK_CANARY_MEMBER
};

#define LK_K42_INIT                                                                                                    \
  { NULL, {NULL, false}, LK_CANARY_INIT }

#define lk_k42_no_ctx 1
struct lk_k42_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_k42_init(struct lk_k42 *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->tail, NULL);
  atomic_init(&lock->own.next, NULL);
  atomic_init(&lock->own.waits, false);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_k42_destroy(struct lk_k42 *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_k42_ctx_init(struct lk_k42 *lock, struct lk_k42_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_k42_ctx_destroy(struct lk_k42 *lock, struct lk_k42_ctx *ctx) { (void)lock, (void)ctx; }

static inline bool lk_k42_trylock(struct lk_k42 *lock, struct lk_k42_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  struct lk_k42_node *free = NULL;
  /* Acquire: pairs with the release in unlock when it frees the lock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, &lock->own, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* The successor of a node that is not the tail any more: a few instructions away, unless preempted. */
static inline struct lk_k42_node *lk_k42_successor(struct lk_k42_node *node) {
  struct lk_k42_node *next;
  /* Acquire: pairs with the release store of the link in lock_slow: see the hazard in the head of mcs.h. */
  while ((next = atomic_load_explicit(&node->next, memory_order_acquire)) == NULL) lk_pause();
  return next;
}

/* Not inlined: the node would widen the frame of a caller that does not wait. */
LK_COLD static void lk_k42_lock_slow(struct lk_k42 *lock) {
  struct lk_k42_node node;
  atomic_init(&node.next, NULL);
  atomic_init(&node.waits, true);
  /* Release: our successor and, through the link, our predecessor see the node as made above.
     Acquire: pairs with the release of the predecessor's own exchange, whose node we write to, and with that in
     unlock when it frees the lock. */
  struct lk_k42_node *const previous = atomic_exchange_explicit(&lock->tail, &node, memory_order_acq_rel);
  if (previous != NULL) {
    /* Release: pairs with the acquire loads in successor, unlock and below. */
    atomic_store_explicit(&previous->next, &node, memory_order_release);
    /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
    while (atomic_load_explicit(&node.waits, memory_order_acquire)) lk_pause();
  }
  /* Now move in. Acquire: as in successor. */
  struct lk_k42_node *next = atomic_load_explicit(&node.next, memory_order_acquire);
  if (next == NULL) {
    /* Relaxed: the owner's own until the release below makes it the tail, and so visible to the next arrival. */
    atomic_store_explicit(&lock->own.next, NULL, memory_order_relaxed);
    struct lk_k42_node *last = &node;
    /* Release: see above. Relaxed on failure: the queue has grown, and the link tells what we need. */
    if (atomic_compare_exchange_strong_explicit(&lock->tail, &last, &lock->own, memory_order_release,
                                                memory_order_relaxed))
      return;
    next = lk_k42_successor(&node);
  }
  /* Relaxed: only the owner reads it. */
  atomic_store_explicit(&lock->own.next, next, memory_order_relaxed);
}

static inline void lk_k42_lock(struct lk_k42 *lock, struct lk_k42_ctx *ctx) {
  if (LK_UNLIKELY(!lk_k42_trylock(lock, ctx))) lk_k42_lock_slow(lock);
}

static inline void lk_k42_unlock(struct lk_k42 *lock, struct lk_k42_ctx *ctx) {
  (void)ctx;
  /* Acquire: pairs with the release store of the link in lock_slow. */
  struct lk_k42_node *next = atomic_load_explicit(&lock->own.next, memory_order_acquire);
  if (next == NULL) {
    struct lk_k42_node *last = &lock->own;
    /* Release: pairs with the acquires in trylock and lock_slow. Relaxed on failure: the link tells the rest. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_release,
                                                          memory_order_relaxed)))
      return;
    next = lk_k42_successor(&lock->own);
  }
  /* Release: pairs with the acquire load in the successor's lock_slow. */
  atomic_store_explicit(&next->waits, false, memory_order_release);
}

#endif
