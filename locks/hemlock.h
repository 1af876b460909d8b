// SPDX-License-Identifier: MIT
/*
 * hemlock: one word per lock and one per thread. As in CLH each thread waits at its predecessor's word, but the
 * words stay with their threads: a waiter answers that it has taken the grant, and only then does unlock return.
 *
 * Source: D. Dice, A. Kogan, "Hemlock: Compact and Scalable Mutual Exclusion", SPAA 2021, listing 1. A patent
 * exists: US 12124876.
 *
 *   lock.tail   the context of the last arrival; NULL when free; swung by every arrival, cleared by the last owner
 *   ctx.grant   NULL, but during a hand-over the lock's address: set by its owner, cleared by its successor
 *
 * Invariants: a grant is taken exactly once, by the one thread that got this context out of tail; it is NULL again
 * before its owner returns from unlock, so before the context can be seen in tail again.
 * FIFO by the order of the exchange on tail. Waiters spin: the successor on our grant, and we in unlock until it has
 * taken it, so unlock is not wait-free. Context: the word; valid and in place from lock to the return of unlock.
 * Deviation: the paper has one word per thread for all its locks, which is why it holds the lock's address, and why
 * several waiters may watch one word. Here a context belongs to one lock, and just one waits at each. The
 * paper's variants that read with a compare-and-swap, or let unlock return early, are left out.
 */
#ifndef LK_HEMLOCK_H
#define LK_HEMLOCK_H

#include "lk.h"

enum { lk_hemlock_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

struct lk_hemlock_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_hemlock *) grant;
};

struct lk_hemlock {
  LK_ATOMIC(struct lk_hemlock_ctx *) tail;
  LK_CANARY_MEMBER
};

#define LK_HEMLOCK_INIT                                                                                                \
  { NULL, LK_CANARY_INIT }

static inline bool lk_hemlock_init(struct lk_hemlock *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->tail, NULL);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_hemlock_destroy(struct lk_hemlock *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_hemlock_ctx_init(struct lk_hemlock *lock, struct lk_hemlock_ctx *ctx,
                                       const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->grant, NULL);
  return true;
}

static inline void lk_hemlock_ctx_destroy(struct lk_hemlock *lock, struct lk_hemlock_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_hemlock_lock(struct lk_hemlock *lock, struct lk_hemlock_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Release: our successor finds `grant` as ctx_init or our last unlock left it.
     Acquire: the same with our predecessor, and pairs with the release in unlock when it frees the lock. */
  struct lk_hemlock_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (LK_LIKELY(previous == NULL)) return;
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  while (atomic_load_explicit(&previous->grant, memory_order_acquire) != lock) lk_pause();
  /* Release: pairs with the acquire load in unlock: our last access to a context that may go now. */
  atomic_store_explicit(&previous->grant, NULL, memory_order_release);
}

static inline bool lk_hemlock_trylock(struct lk_hemlock *lock, struct lk_hemlock_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_hemlock_ctx *free = NULL;
  /* As the exchange in lock, but the acquire has only the freeing unlock to pair with. Relaxed on failure:
     nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed);
}

static inline void lk_hemlock_unlock(struct lk_hemlock *lock, struct lk_hemlock_ctx *ctx) {
  struct lk_hemlock_ctx *last = ctx;
  /* Release: pairs with the acquires in lock and trylock. Relaxed on failure: we learn nothing but that
     a thread waits at our word. */
  if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_release,
                                                        memory_order_relaxed)))
    return;
  /* Release: pairs with the acquire load in lock. */
  atomic_store_explicit(&ctx->grant, lock, memory_order_release);
  /* Acquire: pairs with the release store in lock. */
  while (atomic_load_explicit(&ctx->grant, memory_order_acquire) != NULL) lk_pause();
}

#endif
