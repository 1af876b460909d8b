// SPDX-License-Identifier: MIT
/*
 * futex_spin: a futex lock of whose waiters one at most is awake. A thread that finds it taken spins for a while if no
 * other does, and sleeps otherwise. While there is a spinner unlock wakes no thread and makes no system call.
 *
 * Source: one awake waiter, Go's sync.Mutex ("woken"); spin before sleep, Rust's std and musl; the rest is ours.
 *
 *   state, HELD       a thread is inside; set by the one that gets in, cleared by unlock
 *   state, SPINNER    one waiter is awake or about to be; set by a waiter for itself or by an unlock for a sleeper,
 *                     cleared by that waiter when it gets in or goes to sleep
 *   state, SLEEPERS   how many sleep; each adds itself, the unlock that wakes one subtracts it
 *   state, RELEASES   counts unlocks modulo 256, so that a spinner sees what happened between two looks
 *   grant             1: the role of spinner waits for some sleeper; set by the waker, cleared by its taker
 *
 * Invariants: grant is 1 only while SPINNER is set and no thread has the role. A thread becomes a sleeper only while
 * another is HELD or SPINNER in the word; the last of these to leave sees it there and wakes it.
 * End: the step that releases the lock also decides whether a sleeper gets the role. Where it does, the lock is alive
 * until that one has taken the grant, which is stored after the release; else nothing of the lock is touched any more.
 * The wake-up may reach an address where the lock has been.
 * FIFO: no; arrivals overtake without bound. Context: none. Waits: spins, then parks. A spinner gives up after
 * spin_pauses without an unlock, or RENEWALS times that: where the lock turns over, to wake the next one would
 * cost the owner more than the spinner does. Looks are what a spinner costs: each takes the owner's cache line. So it
 * looks rarely once the lock is seen to be taken again and again, and leaves it to the owner for a while even if free.
 * A sleeper that gives up takes one out of SLEEPERS; where none is left there, a grant is its own already. A spinner
 * gives the role up only while the lock is HELD, by a step that sees it so: the owner then wakes the next.
 */
#ifndef LK_FUTEX_SPIN_H
#define LK_FUTEX_SPIN_H

#include "lk.h"
#include "lk_clock.h"
#include "lk_wait.h"

#define lk_futex_spin_is_timed 1

enum { lk_futex_spin_traits = LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };

enum lk_futex_spin_state {
  LK_FUTEX_SPIN_HELD = 1,
  LK_FUTEX_SPIN_SPINNER = 2,
  LK_FUTEX_SPIN_SLEEPER = 4,       /* one of them */
  LK_FUTEX_SPIN_RELEASE = 1 << 24, /* one of them; what overflows is lost, and not missed */
  LK_FUTEX_SPIN_SLEEPERS = LK_FUTEX_SPIN_RELEASE - LK_FUTEX_SPIN_SLEEPER, /* all: room for every thread of Linux */
};

enum {
  LK_FUTEX_SPIN_LOOKS = 10, /* in spin_pauses, at a lock that does not turn over quickly */
  LK_FUTEX_SPIN_RENEWALS = 64,
};

struct lk_futex_spin {
  LK_ATOMIC(uint32_t) state;
  LK_ATOMIC(uint32_t) grant;
  uint32_t spin_pauses;
  LK_CANARY_MEMBER
};

#define lk_futex_spin_no_ctx 1
struct lk_futex_spin_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_futex_spin_init(struct lk_futex_spin *lock, const struct lk_config *config) {
  atomic_init(&lock->state, 0);
  atomic_init(&lock->grant, 0);
  lock->spin_pauses = config->spin_pauses;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_futex_spin_destroy(struct lk_futex_spin *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_futex_spin_ctx_init(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx,
                                          const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_futex_spin_ctx_destroy(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_futex_spin_trylock(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in unlock. The bit alone, whatever the others say: where it was set already
     nothing has changed. */
  return !(atomic_fetch_or_explicit(&lock->state, LK_FUTEX_SPIN_HELD, memory_order_acquire) & LK_FUTEX_SPIN_HELD);
}

/* Until a waker's grant is ours. */
static inline void lk_futex_spin_sleep(struct lk_futex_spin *lock) {
  /* Acquire: pairs with the release in unlock_slow: the lock may be freed by us, and after the waker's last access. */
  while (atomic_exchange_explicit(&lock->grant, 0, memory_order_acquire) == 0) lk_wait_sleep(&lock->grant, 0);
}

/* How many unlocks lie between two states. */
static inline uint32_t lk_futex_spin_releases(uint32_t before, uint32_t after) {
  const uint32_t modulus = UINT32_MAX / LK_FUTEX_SPIN_RELEASE + 1;
  return (after / LK_FUTEX_SPIN_RELEASE - before / LK_FUTEX_SPIN_RELEASE) % modulus;
}

/* As the spinner: until the lock looks free, or the budget is spent. Returns the state as last seen. */
static inline uint32_t lk_futex_spin_watch(struct lk_futex_spin *lock) {
  const uint32_t budget = lock->spin_pauses;
  uint32_t left = budget, distance = budget / LK_FUTEX_SPIN_LOOKS + 1, n_renewals = 0;
  bool gives_way = false;
  /* Relaxed, here and below: a guess, which the caller's compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  while ((state & LK_FUTEX_SPIN_HELD || gives_way) && left != 0) {
    const uint32_t before = state, n_pauses = distance < left ? distance : left;
    for (uint32_t i = 0; i < n_pauses; i++) lk_pause();
    left -= n_pauses;
    state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    const uint32_t n_releases = lk_futex_spin_releases(before, state);
    if (n_releases != 0 && n_renewals++ < LK_FUTEX_SPIN_RENEWALS) left = budget;
    gives_way = n_releases > 1 && distance < budget; /* once: with the distance goes the reason */
    if (n_releases > 1) distance = budget;
  }
  return state;
}

LK_COLD static void lk_futex_spin_lock_slow(struct lk_futex_spin *lock) {
  uint32_t role = 0; /* SPINNER once we are */
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  for (;;) {
    const bool is_free = !(state & LK_FUTEX_SPIN_HELD);
    const bool may_spin = role == 0 && !(state & LK_FUTEX_SPIN_SPINNER);
    const uint32_t wanted = is_free    ? state - role + LK_FUTEX_SPIN_HELD
                            : may_spin ? state + LK_FUTEX_SPIN_SPINNER
                                       : state - role + LK_FUTEX_SPIN_SLEEPER;
    /* Acquire: where it takes the lock, pairs with the release in unlock. Release: where it gives up the role of
       spinner, pairs with the acquire in unlock_slow, see there. Either through the changes of others: all are
       read-modify-writes. Relaxed on failure: a guess again. */
    if (!atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel,
                                               memory_order_relaxed))
      continue;
    if (is_free) return;
    if (!may_spin) lk_futex_spin_sleep(lock);
    role = LK_FUTEX_SPIN_SPINNER;
    state = lk_futex_spin_watch(lock);
  }
}

/* As a sleeper: until a waker's grant is ours, or the time is over and we have taken ourselves out: false. */
static inline bool lk_futex_spin_sleep_until(struct lk_futex_spin *lock, uint64_t deadline_ns) {
  /* Acquire: as in sleep. */
  while (atomic_exchange_explicit(&lock->grant, 0, memory_order_acquire) == 0) {
    if (lk_wait_sleep_until(&lock->grant, 0, deadline_ns)) continue;
    /* Relaxed: a guess, which the compare-exchange checks. */
    uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    do {
      if ((state & LK_FUTEX_SPIN_SLEEPERS) == 0) { /* we were taken out: a grant is there or on its way, and ours */
        lk_futex_spin_sleep(lock);
        return true;
      }
      /* Relaxed, both: those that are counted have no names; if one was taken out meanwhile, the grant is another's. */
    } while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, state - LK_FUTEX_SPIN_SLEEPER,
                                                    memory_order_relaxed, memory_order_relaxed));
    return false;
  }
  return true;
}

LK_COLD static bool lk_futex_spin_timedlock_slow(struct lk_futex_spin *lock, uint64_t deadline_ns) {
  uint32_t role = 0; /* SPINNER once we are */
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  for (;;) {
    const bool is_late = lk_clock_ns() >= deadline_ns;
    const bool is_free = !(state & LK_FUTEX_SPIN_HELD);
    const bool may_spin = role == 0 && !(state & LK_FUTEX_SPIN_SPINNER);
    if (!is_free && is_late && role == 0) return false;
    /* Late, with the role of spinner: it is given up while somebody is inside, whose unlock wakes a sleeper if any. */
    const uint32_t wanted = is_free    ? state - role + LK_FUTEX_SPIN_HELD
                            : is_late  ? state - role
                            : may_spin ? state + LK_FUTEX_SPIN_SPINNER
                                       : state - role + LK_FUTEX_SPIN_SLEEPER;
    /* Acquire, release, and relaxed on failure: as in lock_slow. */
    if (!atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel,
                                               memory_order_relaxed))
      continue;
    if (is_free) return true;
    if (is_late || (!may_spin && !lk_futex_spin_sleep_until(lock, deadline_ns))) return false;
    role = LK_FUTEX_SPIN_SPINNER;
    state = lk_futex_spin_watch(lock);
  }
}

static inline bool lk_futex_spin_timedlock(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx,
                                           uint64_t deadline_ns) {
  return LK_LIKELY(lk_futex_spin_trylock(lock, ctx)) || lk_futex_spin_timedlock_slow(lock, deadline_ns);
}

static inline void lk_futex_spin_lock(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx) {
  if (LK_UNLIKELY(!lk_futex_spin_trylock(lock, ctx))) lk_futex_spin_lock_slow(lock);
}

/* Whether an unlock that finds this state must make a sleeper spin: no waiter is awake that would do it later. */
static inline bool lk_futex_spin_wakes(uint32_t state) {
  return (state & LK_FUTEX_SPIN_SLEEPERS) != 0 && (state & LK_FUTEX_SPIN_SPINNER) == 0;
}

LK_COLD static void lk_futex_spin_unlock_slow(struct lk_futex_spin *lock, uint32_t state) {
  bool wakes;
  uint32_t wanted;
  do {
    wakes = lk_futex_spin_wakes(state);
    wanted = state + LK_FUTEX_SPIN_RELEASE - LK_FUTEX_SPIN_HELD;
    if (wakes) wanted += LK_FUTEX_SPIN_SPINNER - LK_FUTEX_SPIN_SLEEPER;
    /* Release: as in unlock. Acquire: pairs with the release in lock_slow of the thread that took the last grant and
       gave up the role since. So our grant comes after its exchange in sleep; otherwise that exchange might take both
       for one, and ours be lost. Relaxed on failure: a guess again. */
  } while (
      !atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel, memory_order_relaxed));
  if (!wakes) return;
  /* Release: pairs with the acquire in sleep. The kernel orders it before its look at the sleepers. */
  atomic_store_explicit(&lock->grant, 1, memory_order_release);
  lk_wait_wake_one(&lock->grant);
}

static inline void lk_futex_spin_unlock(struct lk_futex_spin *lock, struct lk_futex_spin_ctx *ctx) {
  (void)ctx;
  /* Relaxed, and on failure: a guess, which the compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  /* Release: pairs with the acquires in trylock and lock_slow. */
  if (LK_UNLIKELY(lk_futex_spin_wakes(state)) ||
      LK_UNLIKELY(!atomic_compare_exchange_strong_explicit(&lock->state, &state,
                                                           state + LK_FUTEX_SPIN_RELEASE - LK_FUTEX_SPIN_HELD,
                                                           memory_order_release, memory_order_relaxed)))
    lk_futex_spin_unlock_slow(lock, state);
}

#endif
