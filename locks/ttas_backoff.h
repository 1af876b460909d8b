// SPDX-License-Identifier: MIT
/*
 * ttas_backoff: test-and-test-and-set whose waiters go away for a while: the longer one has waited in vain,
 * the longer it stays away, and the owner runs on undisturbed and re-acquires. It is the unfair ceiling: its
 * throughput is that of not handing over.
 *
 * Source: T. E. Anderson, "The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors",
 * IEEE TPDS 1(1), 1990, "delay after each failed attempt": capped, exponential, random.
 *
 *   FREE   no thread holds it; set by the owner's unlock, and by nothing else
 *   HELD   one does; set by the exchange of any arrival, which changes nothing if it was HELD already
 *
 * Invariants: as in ttas. A delay is at least half its limit and at most the limit, which starts at
 * LK_TTAS_BACKOFF_FIRST_PAUSES in each acquisition, doubles after each delay and ends at
 * config->backoff_max_pauses at most: so no thread looks away from a free lock for longer than that.
 * FIFO: no; unbounded, and worse the longer one has waited. Waits: spins, on nothing shared while it is away.
 * Context: the state of the thread's own random generator (threads that fail together must not come back
 * together); needed from lock to the return of lock, so it may be used for one lock at a time.
 * Deviations: the first delay is not 1, because less than a transfer of the line only disturbs the owner. A waiter at
 * the cap also yields: the owner may be a thread that waits for the CPU on which it spins. It buys that such an owner
 * waits for the delays up to the cap, and not for a time slice. It costs a waiter that has a CPU to itself a system
 * call between two delays, and that a wait stays unbounded: who yields comes back when the scheduler likes, to look
 * once. With more threads than CPUs the first delay is the cap, so that each is followed by a yield, much as in TBB's
 * spin_mutex, whatever backoff_max_pauses says: delays up to 10 us took the CPU from the owner. On one CPU with 110
 * threads that is 0.74 for 0.42 M/s (1 us sections; tbb_spin 0.69) and 79 for 64 (empty ones; 67); on two CPUs it is
 * within 6 % of the longer cap either way.
 */
#ifndef LK_TTAS_BACKOFF_H
#define LK_TTAS_BACKOFF_H

#include <sched.h>

#include "lk.h"

enum { lk_ttas_backoff_traits = LK_SPINS | LK_FREED_BY_LAST | LK_PROCESSES };

enum lk_ttas_backoff_state { LK_TTAS_BACKOFF_FREE, LK_TTAS_BACKOFF_HELD };

enum { LK_TTAS_BACKOFF_FIRST_PAUSES = 16 };

struct lk_ttas_backoff {
  LK_ATOMIC(uint32_t) state; /* enum lk_ttas_backoff_state */
  uint32_t max_pauses;       /* constant */
  LK_CANARY_MEMBER
};

struct lk_ttas_backoff_ctx {
  uint32_t random; /* never 0 */
};

static inline bool lk_ttas_backoff_init(struct lk_ttas_backoff *lock, const struct lk_config *config) {
  atomic_init(&lock->state, LK_TTAS_BACKOFF_FREE);
  lock->max_pauses = config->backoff_max_pauses > 0 ? config->backoff_max_pauses : 1; /* 0 would be no back-off */
  if (config->n_threads > config->n_cpus && lock->max_pauses > LK_TTAS_BACKOFF_FIRST_PAUSES)
    lock->max_pauses = LK_TTAS_BACKOFF_FIRST_PAUSES;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ttas_backoff_destroy(struct lk_ttas_backoff *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_ttas_backoff_ctx_init(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx,
                                            const struct lk_domain *domain) {
  (void)lock, (void)domain;
  /* Where a ctx lies is what tells it from the others. Odd, so not 0; the multiplier spreads near addresses. */
  ctx->random = ((uint32_t)((uintptr_t)ctx >> 3) * UINT32_C(2654435761)) | 1;
  return true;
}

static inline void lk_ttas_backoff_ctx_destroy(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_ttas_backoff_trylock(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release store in unlock, so the last owner's section is seen. */
  return atomic_exchange_explicit(&lock->state, LK_TTAS_BACKOFF_HELD, memory_order_acquire) == LK_TTAS_BACKOFF_FREE;
}

/* Xorshift (Marsaglia 2003): three shifts, period 2^32 - 1. */
static inline uint32_t lk_ttas_backoff_random(struct lk_ttas_backoff_ctx *ctx) {
  ctx->random ^= ctx->random << 13;
  ctx->random ^= ctx->random >> 17;
  return ctx->random ^= ctx->random << 5;
}

LK_COLD static void lk_ttas_backoff_lock_slow(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx) {
  const uint32_t max = lock->max_pauses;
  uint32_t limit = LK_TTAS_BACKOFF_FIRST_PAUSES;
  if (limit > max) limit = max;
  do {
    const uint32_t half = limit / 2;
    /* The high half of the product is a random number below half + 1, without a division. */
    uint32_t pauses = limit - half + (uint32_t)((uint64_t)lk_ttas_backoff_random(ctx) * (half + 1) >> 32);
    while (pauses-- != 0) lk_pause();
    if (limit == max) sched_yield();
    limit = half < max / 4 ? 2 * limit : max;
    /* Relaxed: it only tells whether a try is worth it; the exchange decides, and orders. */
  } while (atomic_load_explicit(&lock->state, memory_order_relaxed) != LK_TTAS_BACKOFF_FREE ||
           !lk_ttas_backoff_trylock(lock, ctx));
}

static inline void lk_ttas_backoff_lock(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx) {
  if (LK_UNLIKELY(!lk_ttas_backoff_trylock(lock, ctx))) lk_ttas_backoff_lock_slow(lock, ctx);
}

static inline void lk_ttas_backoff_unlock(struct lk_ttas_backoff *lock, struct lk_ttas_backoff_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire exchange in trylock. A store is enough: only the owner writes FREE. */
  atomic_store_explicit(&lock->state, LK_TTAS_BACKOFF_FREE, memory_order_release);
}

#endif
