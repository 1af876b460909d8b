// SPDX-License-Identifier: MIT
/*
 * ttas: test-and-test-and-set. One word; the thread that swaps HELD in and gets FREE out has the lock. Those that did
 * not only read it until it looks free, each from the copy in its own cache, and then try again.
 *
 * Source: T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors",
 * IEEE TPDS 1(1), 1990, "spin on read".
 *
 *   FREE   no thread holds it; set by the owner's unlock, and by nothing else
 *   HELD   one does; set by the exchange of any arrival, which changes nothing if it was HELD already
 *
 * Invariants: of all exchanges between two unlocks exactly one returns FREE; the thread that it returns to is
 * inside. So exclusion rests on the exchange alone; the reads in between only choose a good time for it.
 * FIFO: no; the first to swap after an unlock wins, and a waiter may lose without bound. The last owner's core has
 * the line at hand, so it wins most of the time. Waits: spins; on unlock all waiters fetch the line, and each then
 * swaps: O(n) transfers for one hand-off. Context: none.
 * Deviation: an arrival swaps before it reads. A lock found free then costs one transfer of the line instead of
 * two, the read's and the exchange's; one found held costs its owner a transfer at unlock, once per arrival.
 */
#ifndef LK_TTAS_H
#define LK_TTAS_H

#include "lk.h"
#include "lk_clock.h"

#define lk_ttas_is_timed 1

enum { lk_ttas_traits = LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

enum lk_ttas_state { LK_TTAS_FREE, LK_TTAS_HELD };

struct lk_ttas {
  LK_ATOMIC(uint32_t) state; /* enum lk_ttas_state */
  LK_CANARY_MEMBER
};

#define LK_TTAS_INIT                                                                                                   \
  { LK_TTAS_FREE, LK_CANARY_INIT }

#define lk_ttas_no_ctx 1
struct lk_ttas_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_ttas_init(struct lk_ttas *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, LK_TTAS_FREE);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ttas_destroy(struct lk_ttas *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_ttas_ctx_init(struct lk_ttas *lock, struct lk_ttas_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_ttas_ctx_destroy(struct lk_ttas *lock, struct lk_ttas_ctx *ctx) { (void)lock, (void)ctx; }

static inline bool lk_ttas_trylock(struct lk_ttas *lock, struct lk_ttas_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  return atomic_exchange_explicit(&lock->state, LK_TTAS_HELD, memory_order_acquire) == LK_TTAS_FREE;
}

static inline void lk_ttas_lock(struct lk_ttas *lock, struct lk_ttas_ctx *ctx) {
  while (LK_UNLIKELY(!lk_ttas_trylock(lock, ctx))) {
    /* Relaxed: it only tells when to try again; the exchange decides, and orders. */
    while (atomic_load_explicit(&lock->state, memory_order_relaxed) != LK_TTAS_FREE) lk_pause();
  }
}

LK_COLD static bool lk_ttas_timedlock_slow(struct lk_ttas *lock, struct lk_ttas_ctx *ctx, uint64_t deadline_ns) {
  while (!lk_ttas_trylock(lock, ctx)) {
    /* Relaxed: as in lock. */
    while (atomic_load_explicit(&lock->state, memory_order_relaxed) != LK_TTAS_FREE) {
      if (lk_clock_ns() >= deadline_ns) return false;
      lk_pause();
    }
  }
  return true;
}

static inline bool lk_ttas_timedlock(struct lk_ttas *lock, struct lk_ttas_ctx *ctx, uint64_t deadline_ns) {
  return LK_LIKELY(lk_ttas_trylock(lock, ctx)) || lk_ttas_timedlock_slow(lock, ctx, deadline_ns);
}

static inline void lk_ttas_unlock(struct lk_ttas *lock, struct lk_ttas_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire exchange in trylock. A store is enough: only the owner writes FREE. */
  atomic_store_explicit(&lock->state, LK_TTAS_FREE, memory_order_release);
}

#endif
