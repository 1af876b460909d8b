// SPDX-License-Identifier: MIT
/*
 * reciprocating: arrivals pile up on a stack; when the owner has no thread left to hand over to, it takes the whole
 * stack, and that segment is served from the top while the next one piles up. Arrival and release in constant time.
 *
 * Source: D. Dice, A. Kogan, "Reciprocating Locks", PPoPP 2025 (arXiv 2501.02380). A patent application exists:
 * US 20260050478, "Reciprocating Locks".
 *
 *   lock.arrivals  FREE, EMPTY (held, the stack is empty), or the address of the last arrival. Swung by arrivals; the
 *                  owner sets FREE, or EMPTY when it takes the stack
 *   ctx.gate       0 while its owner waits; then the end of the segment, which is what its predecessor hands over
 *   ctx.next, end  of an owner: the thread to hand over to, 0 if none; the end of the segment, or of the stack
 *
 * Invariants: the stack is linked by what each arrival got out of `arrivals`; its end is EMPTY, or the context that
 * found the lock FREE, which lies below the first segment, served already. An end is compared, never followed: its
 * owner may be long gone, or back on the next stack.
 * Bounded bypass: segments are FIFO, and LIFO inside. A thread overtakes a waiter at most once: when it comes back
 * it is in a later segment. Waiters spin, each on its gate. Context: the gate and two words
 * for unlock; in place from lock to unlock, since an end is known by its address: an arrival whose context lay at that
 * of the owner would take itself for the end, and wait for ever. No deviation known; the names of the states are ours.
 */
#ifndef LK_RECIPROCATING_H
#define LK_RECIPROCATING_H

#include "lk.h"

#define lk_reciprocating_is_bounded 1

enum { lk_reciprocating_traits = LK_BOUNDED | LK_SPINS | LK_FREED_BY_LAST };

enum { LK_RECIPROCATING_BYPASSES = 1 }; /* of a waiter by each other thread */

static inline uint64_t lk_reciprocating_bypass(const struct lk_config *config) {
  return (uint64_t)(config->n_threads - 1) * LK_RECIPROCATING_BYPASSES;
}

enum lk_reciprocating_state { LK_RECIPROCATING_FREE, LK_RECIPROCATING_EMPTY }; /* no context lies at these */

struct lk_reciprocating_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uintptr_t) gate;
  uintptr_t next, end; /* the owner's own */
};

struct lk_reciprocating {
  LK_ATOMIC(uintptr_t) arrivals; /* enum lk_reciprocating_state or a struct lk_reciprocating_ctx * */
  LK_CANARY_MEMBER
};

#define LK_RECIPROCATING_INIT                                                                                          \
  { LK_RECIPROCATING_FREE, LK_CANARY_INIT }

static inline bool lk_reciprocating_init(struct lk_reciprocating *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->arrivals, LK_RECIPROCATING_FREE);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_reciprocating_destroy(struct lk_reciprocating *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_reciprocating_ctx_init(struct lk_reciprocating *lock, struct lk_reciprocating_ctx *ctx,
                                             const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->gate, 0);
  ctx->next = ctx->end = 0;
  return true;
}

static inline void lk_reciprocating_ctx_destroy(struct lk_reciprocating *lock, struct lk_reciprocating_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_reciprocating_lock(struct lk_reciprocating *lock, struct lk_reciprocating_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Relaxed: no other thread writes to the gate before the exchange below publishes it. */
  atomic_store_explicit(&ctx->gate, 0, memory_order_relaxed);
  /* Release: the thread that hands over to us writes to our gate after our clearing of it.
     Acquire: the same with the one below us; and pairs with the release in unlock when it frees the lock. */
  const uintptr_t below = atomic_exchange_explicit(&lock->arrivals, (uintptr_t)ctx, memory_order_acq_rel);
  if (LK_LIKELY(below == LK_RECIPROCATING_FREE)) {
    ctx->next = 0;
    ctx->end = (uintptr_t)ctx; /* what `arrivals` still holds if no thread comes */
    return;
  }
  uintptr_t end;
  /* Acquire: pairs with the release stores in unlock, so the last owner's section is seen. */
  while ((end = atomic_load_explicit(&ctx->gate, memory_order_acquire)) == 0) lk_pause();
  /* The last of a segment goes on with the next stack, which piled up from EMPTY. */
  ctx->next = below == end ? 0 : below;
  ctx->end = below == end ? (uintptr_t)LK_RECIPROCATING_EMPTY : end;
}

static inline bool lk_reciprocating_trylock(struct lk_reciprocating *lock, struct lk_reciprocating_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  ctx->next = 0;
  ctx->end = (uintptr_t)ctx;
  uintptr_t free = LK_RECIPROCATING_FREE;
  /* Acquire: pairs with the release in unlock when it frees the lock. No release: as an end, our context is
     never followed. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->arrivals, &free, (uintptr_t)ctx, memory_order_acquire,
                                                 memory_order_relaxed);
}

static inline void lk_reciprocating_unlock(struct lk_reciprocating *lock, struct lk_reciprocating_ctx *ctx) {
  uintptr_t next = ctx->next;
  if (next == 0) {
    uintptr_t end = ctx->end;
    /* Release: pairs with the acquires in lock and trylock. Relaxed on failure: the stack is taken below. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->arrivals, &end, LK_RECIPROCATING_FREE,
                                                          memory_order_release, memory_order_relaxed)))
      return;
    /* Acquire: pairs with the release of the exchange of the last arrival, whose gate we write to. */
    next = atomic_exchange_explicit(&lock->arrivals, LK_RECIPROCATING_EMPTY, memory_order_acquire);
  }
  /* Release: pairs with the acquire load in lock. */
  atomic_store_explicit(&((struct lk_reciprocating_ctx *)next)->gate, ctx->end, memory_order_release);
}

#endif
