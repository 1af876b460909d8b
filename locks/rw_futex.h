// SPDX-License-Identifier: MIT
/*
 * rw_futex: all in one word, and waiters sleep at once. A free lock costs one atomic to take and one to give
 * back, in either mode.
 *
 * Source: one counter that sleepers wait on: U. Drepper, "Futexes Are Tricky", 2011, and musl's pthread_rwlock; one
 * woken waiter at a time: the "woken" bit of Go's sync.Mutex. The protocol is ours.
 *
 *   state, READERS    how many readers are inside, or have just come and will take themselves back
 *   state, R_SLEEPERS how many readers sleep: each adds itself, a writer that leaves takes all of them out
 *   state, WRITERS    how many writers sleep: each adds itself; the thread that picks one to get up takes it out
 *   state, W_AWAKE    a writer has been picked, or is up; set by the picker, cleared by it when it gets in or
 * goes to sleep again state, HELD       a writer is inside r_grants          readers that were taken out and have not
 * got up; each of those that sleep may take one w_grant           1: a writer was picked, and none has got up
 *
 * Invariants: R_SLEEPERS are there only with HELD, WRITERS or W_AWAKE, WRITERS only with HELD, READERS or W_AWAKE: the
 * step that leaves the lock free to writers also picks one, and that by which a writer leaves takes out all readers.
 * End: a sleeper waits for a grant, so the lock is alive until those that were taken out have theirs; without any
 * no thread touches the lock after the step that releases it. The wake-up may reach an address where the lock has been.
 * Promise: a waiting writer keeps readers out, except those that slept while another wrote, once each: so readers
 * starve no writer, and writers that merely wait starve no reader. But nothing is handed over: a busy lock runs on
 * while a sleeper gets up, and arriving writers may overtake it, without a bound. FIFO: no.
 * Waits: parks. Context: none. Right for fewer than 2^20 threads.
 */
#ifndef LK_RW_FUTEX_H
#define LK_RW_FUTEX_H

#include "lk.h"
#include "lk_wait.h"

#define lk_rw_futex_is_rw 1

enum { lk_rw_futex_traits = LK_PARKS | LK_FREED_BY_LAST };

#define LK_RW_FUTEX_READER UINT64_C(1) /* one of them */
#define LK_RW_FUTEX_R_SLEEPER (UINT64_C(1) << 20)
#define LK_RW_FUTEX_WRITER (UINT64_C(1) << 40)
#define LK_RW_FUTEX_W_AWAKE (UINT64_C(1) << 60)
#define LK_RW_FUTEX_HELD (UINT64_C(1) << 61)
#define LK_RW_FUTEX_READERS (LK_RW_FUTEX_R_SLEEPER - LK_RW_FUTEX_READER) /* all of them */
#define LK_RW_FUTEX_R_SLEEPERS (LK_RW_FUTEX_WRITER - LK_RW_FUTEX_R_SLEEPER)
#define LK_RW_FUTEX_WRITERS (LK_RW_FUTEX_W_AWAKE - LK_RW_FUTEX_WRITER)
#define LK_RW_FUTEX_STOPS (LK_RW_FUTEX_HELD | LK_RW_FUTEX_W_AWAKE | LK_RW_FUTEX_WRITERS) /* what keeps a reader out */

struct lk_rw_futex {
  LK_ATOMIC(uint64_t) state;
  LK_ATOMIC(uint32_t) r_grants;
  LK_ATOMIC(uint32_t) w_grant;
  LK_CANARY_MEMBER
};

#define LK_RW_FUTEX_INIT                                                                                               \
  { 0, 0, 0, LK_CANARY_INIT }

#define lk_rw_futex_no_ctx 1
struct lk_rw_futex_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_rw_futex_init(struct lk_rw_futex *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, 0);
  atomic_init(&lock->r_grants, 0);
  atomic_init(&lock->w_grant, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_rw_futex_destroy(struct lk_rw_futex *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_rw_futex_ctx_init(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx,
                                        const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_rw_futex_ctx_destroy(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)lock, (void)ctx;
}

/* The state that one step of leaving leads to: if it is free to writers and none is up, a sleeper is picked. */
static inline uint64_t lk_rw_futex_picked(uint64_t state) {
  const uint64_t keeps = LK_RW_FUTEX_HELD | LK_RW_FUTEX_READERS | LK_RW_FUTEX_W_AWAKE;
  if ((state & keeps) != 0 || (state & LK_RW_FUTEX_WRITERS) == 0) return state;
  return state - LK_RW_FUTEX_WRITER + LK_RW_FUTEX_W_AWAKE;
}

LK_COLD static void lk_rw_futex_grant_writer(struct lk_rw_futex *lock) {
  /* Release: pairs with the acquire in sleep_writer: the lock may be freed by that writer, after this. */
  atomic_store_explicit(&lock->w_grant, 1, memory_order_release);
  lk_wait_wake_one(&lock->w_grant);
}

/* By a writer that has added itself. */
static inline void lk_rw_futex_sleep_writer(struct lk_rw_futex *lock) {
  /* Acquire: pairs with the release in grant_writer. */
  while (atomic_exchange_explicit(&lock->w_grant, 0, memory_order_acquire) == 0) lk_wait_sleep(&lock->w_grant, 0);
}

LK_COLD static void lk_rw_futex_grant_readers(struct lk_rw_futex *lock, uint32_t n) {
  /* Release: pairs with the acquire in sleep_reader, as in grant_writer; each change is a read-modify-write. */
  atomic_fetch_add_explicit(&lock->r_grants, n, memory_order_release);
  lk_wait_wake(&lock->r_grants, (int)n);
}

/* By a reader that has added itself. */
static inline void lk_rw_futex_sleep_reader(struct lk_rw_futex *lock) {
  /* Relaxed, and on failure: a guess, which the compare-exchange checks. */
  uint32_t n = atomic_load_explicit(&lock->r_grants, memory_order_relaxed);
  for (;;) {
    if (n == 0) {
      lk_wait_sleep(&lock->r_grants, 0);
      n = atomic_load_explicit(&lock->r_grants, memory_order_relaxed);
      /* Acquire: pairs with the release in grant_readers. */
    } else if (atomic_compare_exchange_weak_explicit(&lock->r_grants, &n, n - 1, memory_order_acquire,
                                                     memory_order_relaxed)) {
      return;
    }
  }
}

static inline void lk_rw_futex_rdunlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  /* Most often we are alone. If we are not, to fail brings the line, and what to try next. */
  uint64_t state = LK_RW_FUTEX_READER, wanted = 0;
  /* Release: pairs with the acquires in wrlock, be it through the changes of others: all are read-modify-writes.
     Acquire: where it picks a writer, pairs with the release in wrlock_slow of the last that gave up W_AWAKE. So our
     grant comes after its exchange in sleep_writer, which might else take both for one. Relaxed on failure: a guess. */
  while (
      !atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel, memory_order_relaxed))
    wanted = lk_rw_futex_picked(state - LK_RW_FUTEX_READER);
  if (LK_UNLIKELY(wanted != state - LK_RW_FUTEX_READER)) lk_rw_futex_grant_writer(lock);
}

/* By a reader that has counted itself in and found that it may not. */
LK_COLD static void lk_rw_futex_rdlock_slow(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  lk_rw_futex_rdunlock(lock, ctx); /* also a writer may have gone to sleep because of us */
  uint64_t stops = LK_RW_FUTEX_STOPS;
  for (;;) {
    /* Relaxed: a guess, which the compare-exchange checks. */
    uint64_t state = atomic_load_explicit(&lock->state, memory_order_relaxed), wanted;
    do wanted = state + ((state & stops) != 0 ? LK_RW_FUTEX_R_SLEEPER : LK_RW_FUTEX_READER);
    /* Acquire: where we get in, as in rdlock. Relaxed on failure: a guess again. */
    while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acquire,
                                                  memory_order_relaxed));
    if ((state & stops) == 0) return;
    lk_rw_futex_sleep_reader(lock);
    stops = LK_RW_FUTEX_HELD; /* another has written meanwhile: now we go before those that wait */
  }
}

static inline void lk_rw_futex_rdlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock. Readers do not make each other fail, as with a compare-exchange. */
  const uint64_t before = atomic_fetch_add_explicit(&lock->state, LK_RW_FUTEX_READER, memory_order_acquire);
  if (LK_UNLIKELY((before & LK_RW_FUTEX_STOPS) != 0)) lk_rw_futex_rdlock_slow(lock, ctx);
}

static inline bool lk_rw_futex_tryrdlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint64_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  while ((state & LK_RW_FUTEX_STOPS) == 0) {
    /* Acquire: as in rdlock. It fails only if another thread has come or gone: then we look again. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->state, &state, state + LK_RW_FUTEX_READER,
                                                          memory_order_acquire, memory_order_relaxed)))
      return true;
  }
  return false;
}

static inline bool lk_rw_futex_trywrlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint64_t free = 0;
  /* Acquire: pairs with the releases in rdunlock and wrunlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->state, &free, LK_RW_FUTEX_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

LK_COLD static void lk_rw_futex_wrlock_slow(struct lk_rw_futex *lock) {
  uint64_t role = 0; /* W_AWAKE once we have been picked */
  for (;;) {
    /* Relaxed: a guess, which the compare-exchange checks. */
    uint64_t state = atomic_load_explicit(&lock->state, memory_order_relaxed), wanted;
    bool is_free;
    do {
      is_free = (state & (LK_RW_FUTEX_HELD | LK_RW_FUTEX_READERS)) == 0;
      wanted = state - role + (is_free ? LK_RW_FUTEX_HELD : LK_RW_FUTEX_WRITER);
      /* Acquire: where we get in, as in trywrlock. Release: where we give up W_AWAKE, pairs with the acquires where a
         writer is picked, see rdunlock. Relaxed on failure: a guess again. */
    } while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel,
                                                    memory_order_relaxed));
    if (is_free) return;
    lk_rw_futex_sleep_writer(lock);
    role = LK_RW_FUTEX_W_AWAKE;
  }
}

static inline void lk_rw_futex_wrlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  if (LK_UNLIKELY(!lk_rw_futex_trywrlock(lock, ctx))) lk_rw_futex_wrlock_slow(lock);
}

LK_COLD static void lk_rw_futex_wrunlock_slow(struct lk_rw_futex *lock, uint64_t state) {
  uint64_t left, wanted;
  do {
    left = (state - LK_RW_FUTEX_HELD) & ~LK_RW_FUTEX_R_SLEEPERS;
    wanted = lk_rw_futex_picked(left);
    /* Release: as in wrunlock. Acquire: where it picks a writer, as in rdunlock. Relaxed on failure: a guess. */
  } while (
      !atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acq_rel, memory_order_relaxed));
  const uint32_t n_readers = (uint32_t)((state & LK_RW_FUTEX_R_SLEEPERS) / LK_RW_FUTEX_R_SLEEPER);
  if (n_readers > 0) lk_rw_futex_grant_readers(lock, n_readers);
  if (wanted != left) lk_rw_futex_grant_writer(lock); /* it waits for that, so the lock is still there */
}

static inline void lk_rw_futex_wrunlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  uint64_t state = LK_RW_FUTEX_HELD;
  /* Release: pairs with the acquires in all ways to get in. Relaxed on failure: we look again. */
  if (LK_UNLIKELY(!atomic_compare_exchange_strong_explicit(&lock->state, &state, 0, memory_order_release,
                                                           memory_order_relaxed)))
    lk_rw_futex_wrunlock_slow(lock, state);
}

#endif
