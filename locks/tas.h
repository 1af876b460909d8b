// SPDX-License-Identifier: MIT
/*
 * tas: test-and-set. One word; the thread that swaps HELD in and gets FREE out has the lock, and all others swap
 * again and again. The least code that excludes, and the most traffic: each try takes the line away from all
 * others, and from the owner, which needs it to unlock.
 *
 * Source: T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors",
 * IEEE TPDS 1(1), 1990, "spin on test-and-set".
 *
 *   FREE   no thread holds it; set by the owner's unlock, and by nothing else
 *   HELD   one does; set by the exchange of any thread, which changes nothing if it was HELD already
 *
 * Invariants: of all exchanges between two unlocks exactly one returns FREE; the thread that it returns to is
 * inside.
 * FIFO: no; the first to swap after an unlock wins, and a waiter may lose without bound. Waits: spins, on the
 * exchange. Context: none.
 * Deviation: a pause between two tries, without which a waiter on an SMT sibling starves the owner.
 */
#ifndef LK_TAS_H
#define LK_TAS_H

#include "lk.h"
#include "lk_clock.h"

#define lk_tas_is_timed 1

enum { lk_tas_traits = LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

enum lk_tas_state { LK_TAS_FREE, LK_TAS_HELD };

struct lk_tas {
  LK_ATOMIC(uint32_t) state; /* enum lk_tas_state */
  LK_CANARY_MEMBER
};

#define LK_TAS_INIT                                                                                                    \
  { LK_TAS_FREE, LK_CANARY_INIT }

#define lk_tas_no_ctx 1
struct lk_tas_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_tas_init(struct lk_tas *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, LK_TAS_FREE);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_tas_destroy(struct lk_tas *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_tas_ctx_init(struct lk_tas *lock, struct lk_tas_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_tas_ctx_destroy(struct lk_tas *lock, struct lk_tas_ctx *ctx) { (void)lock, (void)ctx; }

static inline bool lk_tas_trylock(struct lk_tas *lock, struct lk_tas_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  return atomic_exchange_explicit(&lock->state, LK_TAS_HELD, memory_order_acquire) == LK_TAS_FREE;
}

static inline void lk_tas_lock(struct lk_tas *lock, struct lk_tas_ctx *ctx) {
  while (LK_UNLIKELY(!lk_tas_trylock(lock, ctx))) lk_pause();
}

LK_COLD static bool lk_tas_timedlock_slow(struct lk_tas *lock, struct lk_tas_ctx *ctx, uint64_t deadline_ns) {
  while (!lk_tas_trylock(lock, ctx)) {
    if (lk_clock_ns() >= deadline_ns) return false;
    lk_pause();
  }
  return true;
}

static inline bool lk_tas_timedlock(struct lk_tas *lock, struct lk_tas_ctx *ctx, uint64_t deadline_ns) {
  return LK_LIKELY(lk_tas_trylock(lock, ctx)) || lk_tas_timedlock_slow(lock, ctx, deadline_ns);
}

static inline void lk_tas_unlock(struct lk_tas *lock, struct lk_tas_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire exchange in trylock. A store is enough: only the owner writes FREE. */
  atomic_store_explicit(&lock->state, LK_TAS_FREE, memory_order_release);
}

#endif
