// SPDX-License-Identifier: MIT
/*
 * futex_handoff: fast as long as no thread suffers. Arrivals take a free lock past those that wait (barging), but
 * a thread that has waited for 1 ms is handed the lock, in the order of arrival.
 *
 * Source: Go's sync.Mutex since 1.9, normal and starvation mode.
 *
 *   word, HELD      a thread is inside; set by the one that gets in, cleared by unlock
 *   word, ASLEEP    the head sleeps on the word; set by the head, cleared by the unlock that then wakes it
 *   word, STARVES   the head has waited too long; set by the head, answered by the next unlock with HANDED
 *   word, HANDED    the lock is the head's, though no thread is inside; set with HELD by unlock, cleared by the head
 *   lock.tail       the queue of waiters, as in mcs; its first node is the head, alone tries for the word, and stays
 *                   head while its thread is inside
 *   ctx.state       of the others in the queue. WAITS, or ASLEEP once it sleeps: set by its thread; HEAD: it is head
 *                   now, or OWNER: and has the lock too: set by the head's unlock
 *
 * Invariants: ASLEEP, STARVES and HANDED are set only for a head that waits; so while a head is inside the word is HELD
 * alone, and only it changes it.
 * FIFO: in the queue; an arrival may barge past it, for 1 ms and a section. Waits: spins at most spin_pauses, then
 * parks. Context: the node, in place from lock to the return of unlock; a wake may name its address later, as in
 * mcs_park. Deviation: Go's queue is its runtime's; ours has a head, so that waking needs no bit ("woken"), and no mode
 * but each unlock's decision. Beware: threads that cannot all be served in 1 ms wait in line, and sleep, from then on.
 */
#ifndef LK_FUTEX_HANDOFF_H
#define LK_FUTEX_HANDOFF_H

#include "lk.h"
#include "lk_clock.h"
#include "lk_wait.h"

enum { lk_futex_handoff_traits = LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };

#ifndef LK_FUTEX_HANDOFF_PATIENCE_NS
#define LK_FUTEX_HANDOFF_PATIENCE_NS 1000000 /* Go's; a checker makes it 0, so that all are handed the lock */
#endif

enum lk_futex_handoff_word {
  LK_FUTEX_HANDOFF_HELD = 1,
  LK_FUTEX_HANDOFF_ASLEEP = 2,
  LK_FUTEX_HANDOFF_STARVES = 4,
  LK_FUTEX_HANDOFF_HANDED = 8,
};

enum lk_futex_handoff_node {
  LK_FUTEX_HANDOFF_NODE_WAITS,
  LK_FUTEX_HANDOFF_NODE_ASLEEP,
  LK_FUTEX_HANDOFF_NODE_HEAD,
  LK_FUTEX_HANDOFF_NODE_OWNER,
};

struct lk_futex_handoff_ctx {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(struct lk_futex_handoff_ctx *) next;
  LK_ATOMIC(uint32_t) state;
  bool has_queued;   /* got in, or is about to, through the queue; only its thread reads it */
  uint64_t start_ns; /* when it began to wait; constant while it is in the queue */
};

struct lk_futex_handoff {
  LK_ATOMIC(uint32_t) word;
  uint32_t spin_pauses;
  LK_ATOMIC(struct lk_futex_handoff_ctx *) tail;
  LK_CANARY_MEMBER
};

static inline bool lk_futex_handoff_init(struct lk_futex_handoff *lock, const struct lk_config *config) {
  atomic_init(&lock->word, 0);
  atomic_init(&lock->tail, NULL);
  lock->spin_pauses = config->spin_pauses;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_futex_handoff_destroy(struct lk_futex_handoff *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_futex_handoff_ctx_init(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx,
                                             const struct lk_domain *domain) {
  (void)lock, (void)domain;
  atomic_init(&ctx->next, NULL);
  atomic_init(&ctx->state, LK_FUTEX_HANDOFF_NODE_HEAD);
  ctx->has_queued = false;
  ctx->start_ns = 0;
  return true;
}

static inline void lk_futex_handoff_ctx_destroy(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_futex_handoff_trylock(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = 0;
  /* Acquire: pairs with the releases of the word in unlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->word, &free, LK_FUTEX_HANDOFF_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

/* Behind others in the queue: spins for what the configuration allows, then sleeps, until head. Returns HEAD or OWNER.
 */
static inline uint32_t lk_futex_handoff_wait(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  uint32_t state = LK_FUTEX_HANDOFF_NODE_WAITS;
  for (uint32_t n = lock->spin_pauses; n != 0; n--) {
    /* Acquire: pairs with the exchange in advance: the last owner's section is seen. */
    state = atomic_load_explicit(&ctx->state, memory_order_acquire);
    if (state != LK_FUTEX_HANDOFF_NODE_WAITS) return state;
    lk_pause();
  }
  /* Acquire on failure: it was changed, as above. On success relaxed would do, since nothing is published, but C11 lets
     no failure be stronger than success. */
  if (!atomic_compare_exchange_strong_explicit(&ctx->state, &state, LK_FUTEX_HANDOFF_NODE_ASLEEP, memory_order_acquire,
                                               memory_order_acquire))
    return state;
  do {
    lk_wait_sleep(&ctx->state, LK_FUTEX_HANDOFF_NODE_ASLEEP);
    state = atomic_load_explicit(&ctx->state, memory_order_acquire); /* as above */
  } while (state == LK_FUTEX_HANDOFF_NODE_ASLEEP);
  return state;
}

/* As head: tries for the word, against arrivals; asks to be woken when it has spun enough, and to be handed the lock
   when it starves. */
static inline void lk_futex_handoff_contend(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  uint32_t left = lock->spin_pauses, distance = 1; /* looks at growing distances: each takes the line from the owner */
  /* Relaxed, here and below: a guess, which the compare-exchange checks. */
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed);
  for (;;) {
    if (!(word & LK_FUTEX_HANDOFF_HELD) || word & LK_FUTEX_HANDOFF_HANDED) {
      /* Acquire: pairs with the releases of the word in unlock. Relaxed on failure: a guess again. */
      if (atomic_compare_exchange_weak_explicit(&lock->word, &word, LK_FUTEX_HANDOFF_HELD, memory_order_acquire,
                                                memory_order_relaxed))
        return;
    } else if (left != 0) {
      if (distance > left) distance = left;
      for (uint32_t i = 0; i < distance; i++) lk_pause();
      left -= distance;
      distance *= 2;
      word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    } else {
      const bool starves = lk_clock_ns() - ctx->start_ns >= LK_FUTEX_HANDOFF_PATIENCE_NS;
      const uint32_t wanted = word | LK_FUTEX_HANDOFF_ASLEEP | (starves ? LK_FUTEX_HANDOFF_STARVES : 0);
      /* Relaxed: it only asks; nothing is published or acquired by it. */
      if (!atomic_compare_exchange_weak_explicit(&lock->word, &word, wanted, memory_order_relaxed,
                                                 memory_order_relaxed))
        continue;
      lk_wait_sleep(&lock->word, wanted);
      left = lock->spin_pauses, distance = 1;
      word = atomic_load_explicit(&lock->word, memory_order_relaxed);
    }
  }
}

LK_COLD static void lk_futex_handoff_lock_slow(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  ctx->start_ns = lk_clock_ns();
  ctx->has_queued = true;
  /* Relaxed: no other thread sees the node before the exchange below publishes it. */
  atomic_store_explicit(&ctx->next, NULL, memory_order_relaxed);
  /* Release: a successor that finds us in `tail` writes to our `next`, after our clearing of it. Acquire: pairs with
     the release of the predecessor's own exchange, whose node we are about to write to. */
  struct lk_futex_handoff_ctx *const previous = atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);
  if (previous != NULL) {
    /* Relaxed: ordered before the predecessor's change by the link. */
    atomic_store_explicit(&ctx->state, LK_FUTEX_HANDOFF_NODE_WAITS, memory_order_relaxed);
    /* Release: pairs with the acquire loads of `next` in advance. */
    atomic_store_explicit(&previous->next, ctx, memory_order_release);
    if (lk_futex_handoff_wait(lock, ctx) == LK_FUTEX_HANDOFF_NODE_OWNER) return;
  }
  lk_futex_handoff_contend(lock, ctx);
}

static inline void lk_futex_handoff_lock(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  if (LK_UNLIKELY(!lk_futex_handoff_trylock(lock, ctx))) lk_futex_handoff_lock_slow(lock, ctx);
}

/* Frees the word, or hands it to a head that starves. */
static inline void lk_futex_handoff_release(struct lk_futex_handoff *lock) {
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t word = atomic_load_explicit(&lock->word, memory_order_relaxed), wanted;
  do {
    wanted = word & LK_FUTEX_HANDOFF_STARVES ? LK_FUTEX_HANDOFF_HELD | LK_FUTEX_HANDOFF_HANDED : 0;
    /* Release: pairs with the acquires in trylock and contend. Relaxed on failure: a guess again. */
  } while (
      !atomic_compare_exchange_weak_explicit(&lock->word, &word, wanted, memory_order_release, memory_order_relaxed));
  if (word & LK_FUTEX_HANDOFF_ASLEEP) lk_wait_wake_one(&lock->word);
}

/* By an owner that came through the queue: the next is head now, and owner if it starves. */
static inline void lk_futex_handoff_advance(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  struct lk_futex_handoff_ctx *last = ctx, *next;
  /* Relaxed, all: only whether there is a link; and the arrival that finds the queue empty touches no node of ours, and
     gets in by the word. */
  if (atomic_load_explicit(&ctx->next, memory_order_relaxed) == NULL &&
      atomic_compare_exchange_strong_explicit(&lock->tail, &last, NULL, memory_order_relaxed, memory_order_relaxed)) {
    lk_futex_handoff_release(lock);
    return;
  }
  /* Acquire: pairs with the release store of the link in lock_slow. It may be late: its successor has swung the tail
     and will link itself in a few instructions, unless preempted. */
  while ((next = atomic_load_explicit(&ctx->next, memory_order_acquire)) == NULL) lk_pause();
  const bool starves = lk_clock_ns() - next->start_ns >= LK_FUTEX_HANDOFF_PATIENCE_NS;
  /* Release: pairs with the acquires in trylock and contend. A store will do, see the invariants. */
  if (!starves) atomic_store_explicit(&lock->word, 0, memory_order_release);
  /* Release: pairs with the acquires in wait. One exchange both tells and learns whether to wake: with two steps the
     waiter could go to sleep between them. Once it is done the waiter's node may be gone. */
  if (atomic_exchange_explicit(&next->state, starves ? LK_FUTEX_HANDOFF_NODE_OWNER : LK_FUTEX_HANDOFF_NODE_HEAD,
                               memory_order_release) == LK_FUTEX_HANDOFF_NODE_ASLEEP)
    lk_wait_wake_one(&next->state);
}

LK_COLD static void lk_futex_handoff_unlock_slow(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  if (!ctx->has_queued) {
    lk_futex_handoff_release(lock);
    return;
  }
  ctx->has_queued = false;
  lk_futex_handoff_advance(lock, ctx);
}

static inline void lk_futex_handoff_unlock(struct lk_futex_handoff *lock, struct lk_futex_handoff_ctx *ctx) {
  uint32_t held = LK_FUTEX_HANDOFF_HELD;
  /* Release: pairs with the acquires in trylock and contend. Relaxed on failure: the head has asked for something. */
  if (LK_LIKELY(!ctx->has_queued && atomic_compare_exchange_strong_explicit(&lock->word, &held, 0, memory_order_release,
                                                                            memory_order_relaxed)))
    return;
  lk_futex_handoff_unlock_slow(lock, ctx);
}

#endif
