// SPDX-License-Identifier: MIT
/*
 * mcs_park: an MCS queue whose waiters spin for a while and then sleep, each on a futex word in its own node. FIFO
 * without burning CPUs; but the next in line must be woken before the lock can be used again, which costs as much as
 * hundreds of hand-offs between spinners.
 *
 * Source: after J. M. Mellor-Crummey, M. L. Scott, "Algorithms for Scalable Synchronization on Shared-Memory
 * Multiprocessors", ACM TOCS 9(1), 1991, algorithm 5; sleeping by Linux futex(2).
 *
 *   lock.tail   the last node of the queue, NULL when free; swung by every arrival, cleared by the last owner
 *   ctx.next    the node behind this one; written once per acquisition, by its owner's successor
 *   ctx.state   WAITS: set by its owner before it links itself; ASLEEP: set by its owner once, when it has spun enough;
 *               GRANTED: set by its predecessor, from either
 *
 * Invariants: as in mcs. Besides, the thread that exchanges GRANTED for ASLEEP owes a wake, and the sleeper sleeps only
 * while the state is ASLEEP: so no wake is lost.
 * FIFO by the order of the exchange on tail. Waits: spins at most spin_pauses, then parks. Context: the node; it must
 * stay valid and in place from lock to the return of unlock. After that no thread touches it, but the predecessor's
 * wake may still name its address: the kernel only looks whether a thread sleeps there, and one that sleeps on a futex
 * must stand a wake for no reason anyhow.
 */
#ifndef LK_MCS_PARK_H
#define LK_MCS_PARK_H

#include "lk.h"
#include "lk_wait.h"

enum { lk_mcs_park_traits = LK_FIFO | LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };

enum lk_mcs_park_state { LK_MCS_PARK_GRANTED, LK_MCS_PARK_WAITS, LK_MCS_PARK_ASLEEP };

struct lk_mcs_park_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_mcs_park_ctx *) next;
  LK_ATOMIC(uint32_t) state;
};

struct lk_mcs_park {
  LK_ATOMIC(struct lk_mcs_park_ctx *) tail;
  uint32_t spin_pauses;
  LK_CANARY_MEMBER
};

static inline bool lk_mcs_park_init(struct lk_mcs_park *lock, const struct lk_config *config) {
  atomic_init(&lock->tail, NULL);
  lock->spin_pauses = config->spin_pauses;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_mcs_park_destroy(struct lk_mcs_park *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_mcs_park_ctx_init(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx,
                                        const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->state, LK_MCS_PARK_GRANTED);
  return true;
}

static inline void lk_mcs_park_ctx_destroy(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx) {
  (void)lock, (void)ctx;
}

/* Spins for what the configuration allows, then sleeps, until the predecessor has granted the lock. */
LK_COLD static void lk_mcs_park_wait(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx) {
  for (uint32_t n = lock->spin_pauses; n != 0; n--) {
    /* Acquire: pairs with the exchange in hand_over: the last owner's section is seen. */
    if (atomic_load_explicit(&ctx->state, memory_order_acquire) == LK_MCS_PARK_GRANTED) return;
    lk_pause();
  }
  uint32_t state = LK_MCS_PARK_WAITS;
  /* Acquire on failure: it was granted, as above. On success relaxed would do, since nothing is published, but C11
     lets no failure be stronger than success. */
  if (!atomic_compare_exchange_strong_explicit(&ctx->state, &state, LK_MCS_PARK_ASLEEP, memory_order_acquire,
                                               memory_order_acquire))
    return;
  do {
    lk_wait_sleep(&ctx->state, LK_MCS_PARK_ASLEEP);
    /* Acquire: as above. */
  } while (atomic_load_explicit(&ctx->state, memory_order_acquire) != LK_MCS_PARK_GRANTED);
}

static inline void lk_mcs_park_lock(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
     Acquire: pairs with the release in unlock when it frees the lock, and with the release of the predecessor's own
     exchange (whose node we are about to write to). */
  struct lk_mcs_park_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (LK_LIKELY(previous == NULL)) return;
  /* Relaxed: ordered before the predecessor's grant by the link. */
  atomic_store_explicit(&ctx->state, LK_MCS_PARK_WAITS, memory_order_relaxed);
  /* Release: pairs with the acquire load of `next` in hand_over. */
  atomic_store_explicit(&previous->next, ctx, memory_order_release);
  lk_mcs_park_wait(lock, ctx);
}

static inline bool lk_mcs_park_trylock(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed); /* as in lock */
  struct lk_mcs_park_ctx *free = NULL;
  /* As the exchange in lock, but the acquire has only the freeing unlock to pair with. Relaxed on failure: nothing
     was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed);
}

/* To the successor, which has swung the tail and has linked itself, or will in a few instructions unless preempted. */
LK_COLD static void lk_mcs_park_hand_over(struct lk_mcs_park_ctx *ctx) {
  struct lk_mcs_park_ctx *next;
  /* Acquire: pairs with the release store of the link in lock. */
  while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause();
  /* Release: pairs with the acquires in wait. One exchange both grants and learns whether to wake: with two steps the
     successor could go to sleep between them. Once it is done the successor's node may be gone. */
  if (atomic_exchange_explicit(&next->state, LK_MCS_PARK_GRANTED, memory_order_release) == LK_MCS_PARK_ASLEEP)
    lk_wait_wake_one(&next->state);
}

static inline void lk_mcs_park_unlock(struct lk_mcs_park *lock, struct lk_mcs_park_ctx *ctx) {
  struct lk_mcs_park_ctx *last = ctx;
  /* Relaxed: only whether there is a link; hand_over reads it again.
     Release on success: pairs with the acquire of the next arrival's exchange. Relaxed on failure: the queue has
     grown, and what we need to know of it comes with the link. */
  if (LK_LIKELY(atomic_load_explicit(&ctx->next, memory_order_relaxed) == NULL &&
                atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_release,
                                                        memory_order_relaxed)))
    return;
  lk_mcs_park_hand_over(ctx);
}

#endif
