// SPDX-License-Identifier: MIT
/*
 * rw_futex: all in one word, and who must wait sleeps at once. A free lock costs one atomic to take and one to give
 * back, in either mode.
 *
 * Source: one counter that sleepers wait on: U. Drepper, "Futexes Are Tricky", 2011, and musl's pthread_rwlock; one
 * woken waiter at a time: the "woken" bit of Go's sync.Mutex. The protocol is ours.
 *
 *   state, READERS    how many readers are inside, or have just come and will take themselves back
 *   state, R_SLEEPS   readers may sleep: set by each before it does, cleared by the writer that wakes them all
 *   state, WRITERS    how many writers wait: each adds itself, and subtracts itself as it gets in
 *   state, W_AWAKE    one of these has been woken: set by its waker, cleared by any that gets in or goes to sleep
 *   state, HELD       a writer is inside
 *   r_wakes, w_wakes  count the wake-ups of either kind; a sleeper goes to sleep only while its count is unchanged
 *
 * Invariants: R_SLEEPS is set only under HELD or with WRITERS, W_AWAKE only with WRITERS. Who leaves the lock free
 * wakes a writer, unless W_AWAKE; a writer that leaves also wakes all readers. A sleeper reads its count, then the
 * word; a waker changes the word, then the count: so the waker sees the sleeper, or the sleeper sees a change.
 * Promise: a waiting writer keeps readers out, except those that slept while another wrote, once each: so readers
 * starve no writer, and writers that merely wait starve no reader. But nothing is handed over: a busy lock runs on
 * while a sleeper gets up, and arriving writers may overtake it, without a bound. FIFO: no.
 * Waits: parks. Context: none. Right for fewer than 2^14 threads; a sleeper may be fooled by exactly 2^32 wake-ups.
 */
#ifndef LK_RW_FUTEX_H
#define LK_RW_FUTEX_H

#include "lk.h"
#include "lk_wait.h"

#define lk_rw_futex_is_rw 1

enum { lk_rw_futex_traits = LK_PARKS };

#define LK_RW_FUTEX_READER UINT32_C(1)           /* one of them */
#define LK_RW_FUTEX_READERS UINT32_C(0x00007fff) /* all */
#define LK_RW_FUTEX_R_SLEEPS UINT32_C(0x00008000)
#define LK_RW_FUTEX_WRITER UINT32_C(0x00010000)  /* one of them */
#define LK_RW_FUTEX_WRITERS UINT32_C(0x3fff0000) /* all */
#define LK_RW_FUTEX_W_AWAKE UINT32_C(0x40000000)
#define LK_RW_FUTEX_HELD UINT32_C(0x80000000) /* macros: an enum of C11 is an int, and this is wider */

struct lk_rw_futex {
  LK_ATOMIC(uint32_t) state;
  LK_ATOMIC(uint32_t) r_wakes;
  LK_ATOMIC(uint32_t) w_wakes;
  LK_CANARY_MEMBER
};

struct lk_rw_futex_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_rw_futex_init(struct lk_rw_futex *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, 0);
  atomic_init(&lock->r_wakes, 0);
  atomic_init(&lock->w_wakes, 0);
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

/* After we have set W_AWAKE, or cleared R_SLEEPS, and with that answer for the wake-up. */
static inline void lk_rw_futex_wake_up(LK_ATOMIC(uint32_t) *wakes, bool all) {
  /* Release: pairs with the acquire loads of the counts: who reads the new count reads our change of the word. */
  atomic_fetch_add_explicit(wakes, 1, memory_order_release);
  all ? lk_wait_wake_all(wakes) : lk_wait_wake_one(wakes);
}

/* By whoever has left while writers wait, or readers slept. */
LK_COLD static void lk_rw_futex_wake_writer(struct lk_rw_futex *lock) {
  /* Relaxed, here and below: a guess, which the compare-exchange checks; it only passes on the duty to get up. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  do {
    /* Where somebody is inside or up, that one will see to the sleepers. */
    if (!(state & LK_RW_FUTEX_WRITERS) || state & (LK_RW_FUTEX_READERS | LK_RW_FUTEX_HELD | LK_RW_FUTEX_W_AWAKE))
      return;
  } while (!atomic_compare_exchange_weak_explicit(&lock->state, &state, state | LK_RW_FUTEX_W_AWAKE,
                                                  memory_order_relaxed, memory_order_relaxed));
  lk_rw_futex_wake_up(&lock->w_wakes, false);
}

static inline void lk_rw_futex_rdunlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquires in wrlock, be it through the changes of others: all are read-modify-writes. */
  const uint32_t before = atomic_fetch_sub_explicit(&lock->state, LK_RW_FUTEX_READER, memory_order_release);
  if (LK_UNLIKELY(before > LK_RW_FUTEX_READERS)) lk_rw_futex_wake_writer(lock);
}

/* By a reader that has counted itself in and found that it may not. */
LK_COLD static void lk_rw_futex_rdlock_slow(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  lk_rw_futex_rdunlock(lock, ctx); /* also a writer may have gone to sleep because of us */
  uint32_t stops = LK_RW_FUTEX_HELD | LK_RW_FUTEX_WRITERS;
  for (;;) {
    /* Acquire: pairs with the release in wake_up; before the look at the word, see the head. */
    const uint32_t wakes = atomic_load_explicit(&lock->r_wakes, memory_order_acquire);
    /* Relaxed: a guess, which the compare-exchange checks. Only where R_SLEEPS is set already nothing is changed, and
       there, if it is stale, the count tells. */
    uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed), wanted;
    do wanted = state & stops ? state | LK_RW_FUTEX_R_SLEEPS : state + LK_RW_FUTEX_READER;
    while (wanted != state &&
           /* Acquire: where we get in, as in rdlock. Relaxed on failure: a guess again. */
           !atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acquire,
                                                  memory_order_relaxed));
    if (!(state & stops)) return;
    lk_wait_sleep(&lock->r_wakes, wakes);
    stops = LK_RW_FUTEX_HELD; /* somebody has written meanwhile: now we go before those that wait */
  }
}

static inline void lk_rw_futex_rdlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock. Readers do not make each other fail, as with a compare-exchange. */
  const uint32_t before = atomic_fetch_add_explicit(&lock->state, LK_RW_FUTEX_READER, memory_order_acquire);
  if (LK_UNLIKELY(before > LK_RW_FUTEX_READERS)) lk_rw_futex_rdlock_slow(lock, ctx);
}

static inline bool lk_rw_futex_tryrdlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  while (state <= LK_RW_FUTEX_READERS) {
    /* Acquire: as in rdlock. It fails only when somebody else has come or gone: then we look again. */
    if (LK_LIKELY(atomic_compare_exchange_strong_explicit(&lock->state, &state, state + LK_RW_FUTEX_READER,
                                                          memory_order_acquire, memory_order_relaxed)))
      return true;
  }
  return false;
}

static inline bool lk_rw_futex_trywrlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t free = 0;
  /* Acquire: pairs with the releases in rdunlock and wrunlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->state, &free, LK_RW_FUTEX_HELD, memory_order_acquire,
                                                 memory_order_relaxed);
}

LK_COLD static void lk_rw_futex_wrlock_slow(struct lk_rw_futex *lock) {
  /* Relaxed: it keeps new readers out, but orders nothing; who leaves after it sees it. */
  atomic_fetch_add_explicit(&lock->state, LK_RW_FUTEX_WRITER, memory_order_relaxed);
  for (;;) {
    /* Acquire and relaxed: as in rdlock_slow. */
    const uint32_t wakes = atomic_load_explicit(&lock->w_wakes, memory_order_acquire);
    uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed), wanted;
    bool is_free;
    do {
      is_free = !(state & (LK_RW_FUTEX_HELD | LK_RW_FUTEX_READERS));
      wanted = (is_free ? state - LK_RW_FUTEX_WRITER + LK_RW_FUTEX_HELD : state) & ~LK_RW_FUTEX_W_AWAKE;
    } while (wanted != state &&
             /* Acquire: where we get in, as in trywrlock. */
             !atomic_compare_exchange_weak_explicit(&lock->state, &state, wanted, memory_order_acquire,
                                                    memory_order_relaxed));
    if (is_free) return;
    lk_wait_sleep(&lock->w_wakes, wakes);
  }
}

static inline void lk_rw_futex_wrlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  if (LK_UNLIKELY(!lk_rw_futex_trywrlock(lock, ctx))) lk_rw_futex_wrlock_slow(lock);
}

LK_COLD static void lk_rw_futex_wrunlock_slow(struct lk_rw_futex *lock) {
  /* Relaxed, and on failure: a guess, which the compare-exchange checks. */
  uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
  /* Release: as in wrunlock. */
  while (!atomic_compare_exchange_weak_explicit(&lock->state, &state,
                                                (state - LK_RW_FUTEX_HELD) & ~LK_RW_FUTEX_R_SLEEPS,
                                                memory_order_release, memory_order_relaxed)) {
  }
  if (state & LK_RW_FUTEX_R_SLEEPS) lk_rw_futex_wake_up(&lock->r_wakes, true);
  /* Not left to those readers: the bit may be older than their last sleep, and nobody have got up. */
  lk_rw_futex_wake_writer(lock);
}

static inline void lk_rw_futex_wrunlock(struct lk_rw_futex *lock, struct lk_rw_futex_ctx *ctx) {
  (void)ctx;
  uint32_t alone = LK_RW_FUTEX_HELD;
  /* Release: pairs with the acquires in all ways to get in. Relaxed on failure: we look again. */
  if (LK_UNLIKELY(!atomic_compare_exchange_strong_explicit(&lock->state, &alone, 0, memory_order_release,
                                                           memory_order_relaxed)))
    lk_rw_futex_wrunlock_slow(lock);
}

#endif
