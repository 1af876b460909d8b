// SPDX-License-Identifier: MIT
/*
 * qspinlock: an MCS lock in four bytes. The owner needs no node, so that nothing has to be kept from lock to unlock,
 * and the first waiter needs none either: it sets a pending bit and watches the word. From the second on they queue.
 *
 * Source: W. Long, P. Zijlstra, "qspinlock", Linux 4.2, 2014-2015; the queue after J. M. Mellor-Crummey, M. L. Scott,
 * "Algorithms for Scalable Synchronization on Shared-Memory Multiprocessors", ACM TOCS 9(1), 1991.
 *
 *   word (tail, pending, locked); transitions are written so in the code, * for any and n for our own
 *     locked   held; set by who enters, cleared by the owner
 *     pending  the first waiter is about to enter; set by arrivals that saw neither tail nor pending, cleared by who
 *              set it, at once if it had been mistaken
 *     tail     1 + index of the last waiter's node, 0 if none; swung by arrivals, cleared by the last waiter
 *   node.next, node.waits   as in mcs; the first node's owner watches the word, and leaves the queue when it enters
 *
 * Invariants: locked is set by who finds the word 0; by who set pending when there was neither it nor a tail; and by
 * the first of the queue once both are clear, so never by two at once. Who sets pending by mistake always joins the
 * queue: so the first of the queue, if it finds the word changed under its last step, has a successor coming.
 * FIFO: in the order of setting pending or tail; there is no bound on the few steps before. Waiters spin: the first two
 * on the word, all others on their nodes. Context: the index of a node in the lock's array, for as long as it lives.
 * Deviations: a node per context, not four per CPU. C11 has no name for a byte of an atomic word, so unlock is a
 * subtraction instead of a store (a locked instruction more on x86), and tail is swung by compare-and-swap.
 */
#ifndef LK_QSPINLOCK_H
#define LK_QSPINLOCK_H

#include <stdlib.h>

#include "lk.h"

enum { lk_qspinlock_traits = LK_FIFO | LK_SPINS };

enum {
  LK_QSPINLOCK_LOCKED = 1,
  LK_QSPINLOCK_PENDING = 1 << 8,
  LK_QSPINLOCK_TAIL_SHIFT = 16,
  LK_QSPINLOCK_NO_TAIL = (1 << LK_QSPINLOCK_TAIL_SHIFT) - 1, /* the mask of all but tail */
};

enum { LK_QSPINLOCK_PENDING_TRIES = 16 }; /* how long to wait for a pending waiter that is about to enter */

struct lk_qspinlock_node {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_qspinlock_node *) next;
  LK_ATOMIC(bool) waits;
  LK_ATOMIC(bool) is_taken; /* by a context */
};

struct lk_qspinlock {
  LK_ATOMIC(uint32_t) word;
  uint32_t n_nodes;                /* constant */
  struct lk_qspinlock_node *nodes; /* constant */
  LK_CANARY_MEMBER
};

struct lk_qspinlock_ctx {
  uint32_t index;
};

static inline bool lk_qspinlock_init(struct lk_qspinlock *lock, const struct lk_config *config) {
  if (config->n_threads > UINT16_MAX) return false;
  atomic_init(&lock->word, 0);
  lock->n_nodes = config->n_threads;
  lock->nodes = (struct lk_qspinlock_node *)aligned_alloc(LK_LINE_BYTES, lock->n_nodes * sizeof *lock->nodes);
  if (lock->nodes == NULL) return false;
  for (uint32_t i = 0; i < lock->n_nodes; i++) {
    atomic_init(&lock->nodes[i].next, NULL);
    atomic_init(&lock->nodes[i].waits, false);
    atomic_init(&lock->nodes[i].is_taken, false);
  }
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_qspinlock_destroy(struct lk_qspinlock *lock) {
  LK_CANARY_CHECK(lock);
  free(lock->nodes);
}

static inline bool lk_qspinlock_ctx_init(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx,
                                         const struct lk_domain *domain) {
  (void)domain;
  uint32_t i = 0;
  /* Round and round, since a node that was passed may have come free when the last one is taken. Acquire: pairs with
     the release store in ctx_destroy: the node's last user is done with it, and what others did to it, it has seen. */
  while (atomic_exchange_explicit(&lock->nodes[i].is_taken, true, memory_order_acquire)) i = (i + 1) % lock->n_nodes;
  ctx->index = i;
  return true;
}

static inline void lk_qspinlock_ctx_destroy(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  /* Release: pairs with the acquire exchange in ctx_init. */
  atomic_store_explicit(&lock->nodes[ctx->index].is_taken, false, memory_order_release);
}

static inline bool lk_qspinlock_trylock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = 0;
  /* (0,0,0) -> (0,0,1). Acquire: pairs with the release in unlock; all changes of the word since are
     read-modify-writes, which keep it visible. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->word, &free, LK_QSPINLOCK_LOCKED, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* The first waiter: true if it took the lock as such, false if there are others and it has to queue. */
static inline bool lk_qspinlock_wait_pending(struct lk_qspinlock *lock) {
  /* Relaxed, here and below: it only chooses the way; the first access that decides acquires. */
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  for (int i = 0; word == LK_QSPINLOCK_PENDING && i < LK_QSPINLOCK_PENDING_TRIES; i++) {
    lk_pause(); /* (0,1,0): that one enters in a moment, and we can be the next pending */
    word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  }
  if ((word & ~(uint32_t)LK_QSPINLOCK_LOCKED) != 0) return false;
  /* (0,0,*) -> (0,1,*). Relaxed: the loads below acquire, or those of the queue. */
  word = atomic_fetch_or_explicit(&lock->word, LK_QSPINLOCK_PENDING, memory_order_relaxed);
  if ((word & ~(uint32_t)LK_QSPINLOCK_LOCKED) != 0) {
    /* (n,1,*) -> (n,0,*), if we set it. Relaxed: it takes back what nobody may have relied on. */
    if (!(word & LK_QSPINLOCK_PENDING))
      atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_PENDING, memory_order_relaxed);
    return false;
  }
  /* Acquire: pairs with the release in unlock, so the last owner's section is seen. */
  while (atomic_load_explicit(&lock->word, memory_order_acquire) & LK_QSPINLOCK_LOCKED) lk_pause();
  /* (*,1,0) -> (*,0,1), in one step. Relaxed: acquired above. */
  atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_PENDING - LK_QSPINLOCK_LOCKED, memory_order_relaxed);
  return true;
}

static inline void lk_qspinlock_wait_queued(struct lk_qspinlock *lock, uint32_t index) {
  struct lk_qspinlock_node *const node = &lock->nodes[index];
  /* Relaxed: nobody sees the node before the exchange below publishes it. */
  atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
  atomic_store_explicit(&node->waits, true, memory_order_relaxed);
  const uint32_t tail = (index + 1) << LK_QSPINLOCK_TAIL_SHIFT;
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed); /* a guess for the exchange */
  /* (*,*,*) -> (n,*,*). Release: our successor writes to our `next`, after our clearing of it; and what our
     predecessor knows of our node it knows through the link. Acquire: the former, from our predecessor. */
  while (!atomic_compare_exchange_weak_explicit(&lock->word, &word, (word & LK_QSPINLOCK_NO_TAIL) | tail,
                                                memory_order_acq_rel, memory_order_relaxed))
    ;
  if (word >> LK_QSPINLOCK_TAIL_SHIFT != 0) {
    struct lk_qspinlock_node *const previous = &lock->nodes[(word >> LK_QSPINLOCK_TAIL_SHIFT) - 1];
    /* Release: pairs with the acquire load of `next` below: see the hazard in the head of mcs.h. */
    atomic_store_explicit(&previous->next, node, memory_order_release);
    /* Acquire: pairs with the release store of `waits` below: our predecessor has left the queue. */
    while (atomic_load_explicit(&node->waits, memory_order_acquire)) lk_pause();
  }
  /* Acquire: pairs with the release in unlock, so the last owner's section is seen. */
  while ((word = atomic_load_explicit(&lock->word, memory_order_acquire)) & LK_QSPINLOCK_NO_TAIL) lk_pause();
  /* (n,0,0) -> (0,0,1). Relaxed: acquired above. It fails if somebody came, or set pending and will. */
  if (word == tail && atomic_compare_exchange_strong_explicit(&lock->word, &word, LK_QSPINLOCK_LOCKED,
                                                              memory_order_relaxed, memory_order_relaxed))
    return;
  /* (*,*,0) -> (*,*,1). Relaxed: acquired above, and nobody else may set it. */
  atomic_fetch_or_explicit(&lock->word, LK_QSPINLOCK_LOCKED, memory_order_relaxed);
  struct lk_qspinlock_node *next;
  /* Acquire: pairs with the release store of the link above. */
  while ((next = atomic_load_explicit(&node->next, memory_order_acquire)) == NULL) lk_pause();
  /* Release: pairs with the acquire load of `waits` above. */
  atomic_store_explicit(&next->waits, false, memory_order_release);
}

/* Not inlined: it is long, and whoever comes here waits. */
LK_COLD static void lk_qspinlock_lock_slow(struct lk_qspinlock *lock, uint32_t index) {
  if (!lk_qspinlock_wait_pending(lock)) lk_qspinlock_wait_queued(lock, index);
}

static inline void lk_qspinlock_lock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  if (LK_UNLIKELY(!lk_qspinlock_trylock(lock, ctx))) lk_qspinlock_lock_slow(lock, ctx->index);
}

static inline void lk_qspinlock_unlock(struct lk_qspinlock *lock, struct lk_qspinlock_ctx *ctx) {
  (void)ctx;
  /* (*,*,1) -> (*,*,0). Release: pairs with the acquires in trylock, wait_pending and wait_queued. */
  atomic_fetch_sub_explicit(&lock->word, LK_QSPINLOCK_LOCKED, memory_order_release);
}

#endif
