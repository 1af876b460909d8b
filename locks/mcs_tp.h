// SPDX-License-Identifier: MIT
/*
 * mcs_tp: MCS whose waiters publish the time while they spin. An unlock skips those whose time is old: they have lost
 * their CPU, and handing the lock to them would stall all waiters until they get it back.
 *
 * Source: B. He, W. N. Scherer III, M. L. Scott, "Preemption Adaptivity in Time-Published Queue-Based Spin Locks",
 * HiPC 2005 (MCS-TP).
 *
 *   lock.tail        the last node of the queue, NULL when free; swung by arrivals, cleared by the last owner
 *   lock.granted_ns  when the lock was last handed over; written by unlock
 *   ctx.next         the node behind this one; written by its successor
 *   ctx.seen_ns      when the waiter last ran; written by it, read by unlock
 *   ctx.state        WAITS -> GRANTED   by an unlock: inside
 *                    WAITS -> SKIPPED   by an unlock: out of the queue, the node is its thread's again
 *                    -> WAITS           by the node's thread, before it links itself, for the first time or again
 *
 * Invariants: as in mcs; a skipped node is not touched any more once it is SKIPPED.
 * FIFO: among those that run; a skipped one starts again at the end, so there is no bound. Waits: spins, and gives its
 * CPU away (sched_yield) while the owner seems to have lost its own: LONG_NS since the hand-over or the arrival.
 * Context: the node; in place from lock to the return of unlock.
 * Deviation: no time-out, hence no timed_out state and no compare-exchange on the state; the start of a section is
 * recorded by hand-overs only, to keep the clock out of the uncontended path; constants for today's machines.
 */
#ifndef LK_MCS_TP_H
#define LK_MCS_TP_H

#include <sched.h>

#include "lk.h"
#include "lk_clock.h"

enum { lk_mcs_tp_traits = LK_SPINS | LK_FREED_BY_LAST };

#ifndef LK_MCS_TP_POLLS
#define LK_MCS_TP_POLLS 16 /* between two looks at the clock, which costs as much as a poll; a checker makes it 1 */
#endif

enum {
  LK_MCS_TP_STALE_NS = 20000, /* far above the 1 us or so between two stamps, far below a time slice */
  LK_MCS_TP_LONG_NS = 50000,
};

enum lk_mcs_tp_state { LK_MCS_TP_WAITS, LK_MCS_TP_GRANTED, LK_MCS_TP_SKIPPED };

struct lk_mcs_tp_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_mcs_tp_ctx *) next;
  LK_ATOMIC(uint64_t) seen_ns;
  LK_ATOMIC(uint32_t) state;
};

struct lk_mcs_tp {
  LK_ATOMIC(struct lk_mcs_tp_ctx *) tail;
  LK_ATOMIC(uint64_t) granted_ns;
  LK_CANARY_MEMBER
};

#define LK_MCS_TP_INIT                                                                                                 \
  { NULL, 0, LK_CANARY_INIT }

static inline bool lk_mcs_tp_init(struct lk_mcs_tp *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->tail, NULL);
  atomic_init(&lock->granted_ns, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_mcs_tp_destroy(struct lk_mcs_tp *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_mcs_tp_ctx_init(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx,
                                      const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->seen_ns, 0);
  atomic_init(&ctx->state, LK_MCS_TP_WAITS);
  return true;
}

static inline void lk_mcs_tp_ctx_destroy(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) { (void)lock, (void)ctx; }

/* Joins the queue; the predecessor, or NULL if the lock is ours. */
static inline struct lk_mcs_tp_ctx *lk_mcs_tp_join(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) {
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it.
     Acquire: pairs with the release in unlock when it frees the lock, and with the release of the predecessor's own
     exchange (whose node we are about to write to). */
  return atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
}

/* Until the lock is granted or we are skipped; true if granted. */
static inline bool lk_mcs_tp_wait(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx, uint64_t start_ns) {
  for (;;) {
    for (int n = 0; n < LK_MCS_TP_POLLS; n++) {
      /* Acquire: pairs with the release stores in unlock_slow: the last owner's section is seen, or its last touch of
         our node. */
      const uint32_t state = atomic_load_explicit(&ctx->state, memory_order_acquire);
      if (state != LK_MCS_TP_WAITS) return state == LK_MCS_TP_GRANTED;
      lk_pause();
    }
    const uint64_t now_ns = lk_clock_ns();
    /* Relaxed, here and below: stamps are hints, and wrong ones cost time only. */
    const uint64_t granted_ns = atomic_load_explicit(&lock->granted_ns, memory_order_relaxed);
    const bool is_long = (int64_t)(now_ns - (granted_ns > start_ns ? granted_ns : start_ns)) > LK_MCS_TP_LONG_NS;
    /* A thread that yields says so: with a fresh stamp it would be granted the lock while it has no CPU. */
    atomic_store_explicit(&ctx->seen_ns, is_long ? 0 : now_ns, memory_order_relaxed);
    if (is_long) sched_yield();
  }
}

LK_COLD static void lk_mcs_tp_lock_slow(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx,
                                        struct lk_mcs_tp_ctx *previous) {
  const uint64_t start_ns = lk_clock_ns();
  uint64_t now_ns = start_ns;
  for (;;) {
    /* Relaxed, both: the link orders them before the predecessor's reading and writing. */
    atomic_store_explicit(&ctx->seen_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&ctx->state, LK_MCS_TP_WAITS, memory_order_relaxed);
    /* Release: pairs with the acquire loads of `next` in next. */
    atomic_store_explicit(&previous->next, ctx, memory_order_release);
    if (lk_mcs_tp_wait(lock, ctx, start_ns)) return;
    previous = lk_mcs_tp_join(lock, ctx);
    if (previous == NULL) return;
    now_ns = lk_clock_ns();
  }
}

static inline void lk_mcs_tp_lock(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  struct lk_mcs_tp_ctx *const previous = lk_mcs_tp_join(lock, ctx);
  if (LK_UNLIKELY(previous != NULL)) lk_mcs_tp_lock_slow(lock, ctx, previous);
}

static inline bool lk_mcs_tp_trylock(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed); /* as in join */
  struct lk_mcs_tp_ctx *free = NULL;
  /* As the exchange in join, but the acquire has only the freeing unlock to pair with. Relaxed on failure: nothing
     was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->tail, &free, ctx, memory_order_acq_rel, memory_order_relaxed);
}

/* The node behind this one, or NULL and the queue is empty and the lock free. */
static inline struct lk_mcs_tp_ctx *lk_mcs_tp_next(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) {
  /* Acquire: pairs with the release store of the link in lock_slow. */
  struct lk_mcs_tp_ctx *next = atomic_load_explicit(&ctx->next, memory_order_acquire);
  if (next == NULL) {
    struct lk_mcs_tp_ctx *last = ctx;
    /* Release: pairs with the acquire of the next arrival's exchange. Relaxed on failure: the queue has grown, and
       what we need to know of it comes with the link. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_release,
                                                          memory_order_relaxed)))
      return NULL;
    /* A successor has swung the tail and is about to link itself: a few instructions, unless preempted. */
    while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause(); /* as above */
  }
  return next;
}

LK_COLD static void lk_mcs_tp_unlock_slow(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *next) {
  const uint64_t now_ns = lk_clock_ns();
  atomic_store_explicit(&lock->granted_ns, now_ns, memory_order_relaxed); /* a hint, see wait */
  while (next != NULL) {
    /* Relaxed: a hint. It may be later than now_ns, hence the signed difference. */
    const bool is_stale =
        (int64_t)(now_ns - atomic_load_explicit(&next->seen_ns, memory_order_relaxed)) > LK_MCS_TP_STALE_NS;
    struct lk_mcs_tp_ctx *const waiter = next;
    next = is_stale ? lk_mcs_tp_next(lock, waiter) : NULL;
    /* Release: pairs with the acquire load in wait: our section, or our reading of the node, comes before. */
    atomic_store_explicit(&waiter->state, is_stale ? LK_MCS_TP_SKIPPED : LK_MCS_TP_GRANTED, memory_order_release);
  }
}

static inline void lk_mcs_tp_unlock(struct lk_mcs_tp *lock, struct lk_mcs_tp_ctx *ctx) {
  struct lk_mcs_tp_ctx *const next = lk_mcs_tp_next(lock, ctx);
  if (LK_UNLIKELY(next != NULL)) lk_mcs_tp_unlock_slow(lock, next);
}

#endif
