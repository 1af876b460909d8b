// SPDX-License-Identifier: MIT
/*
 * rounds: all that wait are served once in a round, in the order in which they happen to run; who comes meanwhile waits
 * for the next round. So no turn waits for one that must be woken while another is awake, and yet each other thread
 * overtakes a waiter at most once.
 *
 * Source: ours. Rounds: gated service, H. Takagi, "Analysis of Polling Systems", MIT Press 1986. Each overtakes once:
 * D. Dice, A. Kogan, "Reciprocating Locks", PPoPP 2025, where the order inside a round is fixed.
 *
 *   step     when                               held  this round        next round
 *   take     the state is 0                     1
 *   join     else                                                       one more waits
 *   begin    not held, and of this round, or    1     one less waits
 *            it was 0 when we joined            1     is the next one   empty
 *   sleep    else, after a while                      one more asleep   or here
 *   unlock   some wait in this round            0
 *            else some wait in the next one     0     is the next one   empty
 *            else: the state is 0               0     empty             empty
 *   call     with begin and unlock, if all            one less asleep   or here
 *            of the round that comes next sleep
 *
 *   state   held; side, by turns 0 or 1, of this round; for each of the two rounds how many wait, and sleep of these
 *   calls   of the rounds of a side: how many sleepers may get up; raised after the step that calls, lowered by these
 *
 * Invariants: where the lock is free and the state not 0, one who may begin is awake or called: none is forgotten. A
 * round begins when the last is empty, so two sides are enough. Who sleeps stays in line until it finds a call: the
 * lock lives until that is raised, then at most a wake-up names its address. Bound: the others, once each. Context:
 * none. Waits: looks and yields while its turn may come at PACE_NS for each before it, then parks; the next one is
 * called when one begins, and gets up meanwhile. With more threads than CPUs a turn so takes a switch between two that
 * are awake, which no lock can save that lets each in once at a time: n CPUs make n turns in a switch at most.
 */
#ifndef LK_ROUNDS_H
#define LK_ROUNDS_H

#include "lk.h"
#include "lk_clock.h"
#include "lk_wait.h"

enum { lk_rounds_traits = LK_BOUNDED | LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };

/* Each of these may be 1: they say how soon, not if. */
#ifndef LK_ROUNDS_LOOK_NS /* between two looks of all together: some transfers of a line, since each look is one */
#define LK_ROUNDS_LOOK_NS 300
#endif
#ifndef LK_ROUNDS_AWAY_NS /* a yield that took so much longer let another thread run: worth a closer look */
#define LK_ROUNDS_AWAY_NS 1000
#endif
#ifndef LK_ROUNDS_PACE_NS /* a turn that is worth waiting for awake: twice what a sleep and a wake-up take of a CPU */
#define LK_ROUNDS_PACE_NS 5000
#endif
#ifndef LK_ROUNDS_SPIN_NS /* and so long in any case: what a wake-up costs from a deep sleep */
#define LK_ROUNDS_SPIN_NS 25000
#endif

enum { LK_ROUNDS_BITS = 15 }; /* of each count: at most so many threads */

#define LK_ROUNDS_HELD UINT64_C(1)
#define LK_ROUNDS_SIDE UINT64_C(2)
#define LK_ROUNDS_WAITS UINT64_C(4) /* one that waits in this round, or sleeps */
#define LK_ROUNDS_SLEEPS (LK_ROUNDS_WAITS << LK_ROUNDS_BITS)
#define LK_ROUNDS_MOST ((UINT64_C(1) << LK_ROUNDS_BITS) - 1)
#define LK_ROUNDS_NEXT (2 * LK_ROUNDS_BITS) /* bits further: the same in the next round */

struct lk_rounds {
  LK_ATOMIC(uint64_t) state;
  LK_ATOMIC(uint32_t) calls[2];
  LK_CANARY_MEMBER
};

#define LK_ROUNDS_INIT                                                                                                 \
  { 0, {0, 0}, LK_CANARY_INIT }

#define lk_rounds_no_ctx 1
struct lk_rounds_ctx {
  char unused; /* C has no empty struct */
};

#define lk_rounds_is_bounded 1
static inline uint64_t lk_rounds_bypass(const struct lk_config *config) { return config->n_threads - 1; }

static inline bool lk_rounds_init(struct lk_rounds *lock, const struct lk_config *config) {
  if (config->n_threads > LK_ROUNDS_MOST) return false;
  atomic_init(&lock->state, 0);
  atomic_init(&lock->calls[0], 0);
  atomic_init(&lock->calls[1], 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rounds_destroy(struct lk_rounds *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_rounds_ctx_init(struct lk_rounds *lock, struct lk_rounds_ctx *ctx,
                                      const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_rounds_ctx_destroy(struct lk_rounds *lock, struct lk_rounds_ctx *ctx) { (void)lock, (void)ctx; }

/* In this round. */
static inline uint64_t lk_rounds_n_waiting(uint64_t state) { return state / LK_ROUNDS_WAITS & LK_ROUNDS_MOST; }
static inline uint64_t lk_rounds_n_asleep(uint64_t state) { return state / LK_ROUNDS_SLEEPS & LK_ROUNDS_MOST; }

/* When this round is over: the next one. */
static inline uint64_t lk_rounds_turn(uint64_t state) {
  const uint64_t flags = LK_ROUNDS_HELD | LK_ROUNDS_SIDE;
  return ((state ^ LK_ROUNDS_SIDE) & flags) | (state >> LK_ROUNDS_NEXT & ~flags);
}

/* Whom to call with the step to this state: one asleep, in this round or the next, or 0. */
static inline uint64_t lk_rounds_whom(uint64_t state) {
  const bool is_over = lk_rounds_n_waiting(state) == 0;
  const uint64_t coming = is_over ? lk_rounds_turn(state) : state;
  if (lk_rounds_n_waiting(coming) == 0 || lk_rounds_n_waiting(coming) != lk_rounds_n_asleep(coming)) return 0;
  return LK_ROUNDS_SLEEPS << (is_over ? LK_ROUNDS_NEXT : 0);
}

/* After the step to this state. */
LK_COLD static void lk_rounds_call(struct lk_rounds *lock, uint64_t state, uint64_t whom) {
  const unsigned side = ((state & LK_ROUNDS_SIDE) != 0) != (whom != LK_ROUNDS_SLEEPS);
  LK_ATOMIC(uint32_t) *const calls = &lock->calls[side];
  /* Release: pairs with the acquire in sleep: the lock is not freed before we are done with it. */
  atomic_fetch_add_explicit(calls, 1, memory_order_release);
  lk_wait_wake_one(calls); /* may name the address when the lock is gone: as in mcs_park */
}

/* If it is free and nobody waits. */
static inline bool lk_rounds_take(struct lk_rounds *lock) {
  uint64_t state = 0;
  /* Acquire: pairs with the releases in unlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->state, &state, LK_ROUNDS_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

static inline bool lk_rounds_trylock(struct lk_rounds *lock, struct lk_rounds_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return lk_rounds_take(lock);
}

/* In line, in a round of that side, if the state is still this one: counted as asleep until called. */
static inline bool lk_rounds_sleep(struct lk_rounds *lock, uint64_t state, uint64_t side) {
  const uint64_t sleeps = LK_ROUNDS_SLEEPS << ((state & LK_ROUNDS_SIDE) == side ? 0 : LK_ROUNDS_NEXT);
  /* Relaxed: publishes nothing. */
  if (!atomic_compare_exchange_strong_explicit(&lock->state, &state, state + sleeps, memory_order_relaxed,
                                               memory_order_relaxed))
    return false;
  LK_ATOMIC(uint32_t) *const calls = &lock->calls[side != 0];
  for (;;) {
    lk_wait_sleep(calls, 0);
    /* Relaxed: who has found a call takes it by the exchange. Acquire: pairs with the release in call. */
    uint32_t n = atomic_load_explicit(calls, memory_order_relaxed);
    while (n != 0)
      if (atomic_compare_exchange_weak_explicit(calls, &n, n - 1, memory_order_acquire, memory_order_relaxed))
        return true;
  }
}

/* In line, if the lock is still free and the state this one, which begins the next round if this one is over: inside.
 */
static inline bool lk_rounds_begin(struct lk_rounds *lock, uint64_t *state) {
  const uint64_t round = lk_rounds_n_waiting(*state) == 0 ? lk_rounds_turn(*state) : *state;
  const uint64_t wanted = round - LK_ROUNDS_WAITS + LK_ROUNDS_HELD, whom = lk_rounds_whom(wanted);
  /* Acquire: as in take. */
  if (!atomic_compare_exchange_strong_explicit(&lock->state, state, wanted - whom, memory_order_acquire,
                                               memory_order_relaxed))
    return false;
  if (whom != 0) lk_rounds_call(lock, wanted, whom);
  return true;
}

/* In line, in a round of that side: until inside. */
static inline void lk_rounds_wait(struct lk_rounds *lock, uint64_t side, uint64_t patience_ns) {
  uint64_t until_ns = lk_clock_ns() + patience_ns, distance_ns = LK_ROUNDS_LOOK_NS / 4;
  for (;;) {
    const uint64_t now_ns = lk_clock_ns();
    /* Relaxed: a guess, which an exchange then takes for right or not. */
    uint64_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    const uint64_t n_waiting = lk_rounds_n_waiting(state);
    const bool is_ours = (state & LK_ROUNDS_SIDE) == side;
    if (is_ours && !(state & LK_ROUNDS_HELD)) {
      if (lk_rounds_begin(lock, &state)) return;
    } else if (now_ns >= until_ns) {
      if (lk_rounds_sleep(lock, state, side)) until_ns = lk_clock_ns() + LK_ROUNDS_SPIN_NS;
    } else if ((is_ours || n_waiting == 0) && distance_ns < 2 * LK_ROUNDS_LOOK_NS) {
      lk_clock_pause_until(now_ns + distance_ns);
      distance_ns = 2 * distance_ns + 1;
    } else {
      const uint64_t n_looking = n_waiting + (is_ours ? 0 : lk_rounds_n_waiting(lk_rounds_turn(state)));
      const uint64_t end_ns = now_ns + n_looking * LK_ROUNDS_LOOK_NS;
      lk_clock_yield_until(end_ns);
      if (lk_clock_ns() - end_ns > LK_ROUNDS_AWAY_NS) distance_ns = LK_ROUNDS_LOOK_NS / 4;
    }
  }
}

LK_COLD static void lk_rounds_lock_slow(struct lk_rounds *lock) {
  const uint64_t one = LK_ROUNDS_WAITS << LK_ROUNDS_NEXT;
  /* Relaxed: publishes nothing, and it is begin that acquires. An exchange might fail as often as others come. */
  uint64_t state = atomic_fetch_add_explicit(&lock->state, one, memory_order_relaxed);
  const uint64_t n_before = lk_rounds_n_waiting(state) + lk_rounds_n_waiting(lk_rounds_turn(state));
  if (state != 0) {
    lk_rounds_wait(lock, ~state & LK_ROUNDS_SIDE, LK_ROUNDS_SPIN_NS + n_before * LK_ROUNDS_PACE_NS);
    return;
  }
  /* It was free, and nobody else can take it: we begin the round, and are the first inside. */
  for (state = one; !lk_rounds_begin(lock, &state);) {
  }
}

static inline void lk_rounds_lock(struct lk_rounds *lock, struct lk_rounds_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  if (LK_UNLIKELY(!lk_rounds_take(lock))) lk_rounds_lock_slow(lock);
}

LK_COLD static void lk_rounds_unlock_slow(struct lk_rounds *lock, uint64_t state) {
  uint64_t next, whom;
  do {
    next = state - LK_ROUNDS_HELD;
    if (lk_rounds_n_waiting(next) == 0) next = lk_rounds_turn(next);
    if (lk_rounds_n_waiting(next) == 0) next = 0;
    whom = lk_rounds_whom(next);
    /* Release: pairs with the acquires of those who come in. */
  } while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, next - whom, memory_order_release,
                                                  memory_order_relaxed));
  if (whom != 0) lk_rounds_call(lock, next, whom);
}

static inline void lk_rounds_unlock(struct lk_rounds *lock, struct lk_rounds_ctx *ctx) {
  (void)ctx;
  uint64_t state = LK_ROUNDS_HELD;
  /* Release: as in unlock_slow. */
  if (LK_UNLIKELY(!atomic_compare_exchange_strong_explicit(&lock->state, &state, 0, memory_order_release,
                                                           memory_order_relaxed)))
    lk_rounds_unlock_slow(lock, state);
}

#endif
