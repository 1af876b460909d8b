// SPDX-License-Identifier: MIT
/*
 * lk_wait.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets.
 *
 * What the kernel guarantees: a wait compares the word and queues itself in one step, a wake takes those
 * that are queued, in the order in which they came, and both are ordered against each other (the kernel does that
 * with the lock of a hash bucket; so does this). A wake that finds no sleeper is lost. It is more than that in three
 * points, where Relacy's model has less: the bucket orders memory, wakes come in the order of arrival, none for no
 * reason.
 *
 *   sleepers[i].word     what the i-th sleeper waits at; written once, under the bucket
 *   sleepers[i].thread   which it is; as the word
 *   sleepers[i].is_woken set by a waker, once, under the bucket; its sleeper spins on it
 *
 * The kernel's locks with priority inheritance are served in the order of arrival: all threads here are equal. Who
 * sleeps there wakes when the word has its number, which the kernel writes relaxed: so the lock itself must order its
 * sections. Linux does more.
 *
 * A sleeper that is never woken spins for ever: the checker reports that (--check-liveness).
 */
#ifndef LK_WAIT_H
#define LK_WAIT_H

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lk_arch.h"
#include "lk_clock.h"

enum { LK_WAIT_MAX_SLEEPS = 16 }; /* in a whole execution */

struct lk_wait_sleeper {
  LK_ATOMIC(uint32_t) *word;
  uint32_t thread;
  _Atomic(bool) is_woken;
};

static pthread_mutex_t lk_wait_bucket = PTHREAD_MUTEX_INITIALIZER;
static struct lk_wait_sleeper lk_wait_sleepers[LK_WAIT_MAX_SLEEPS];
static int lk_wait_n_sleepers;

static inline uint32_t lk_wait_thread_id(void) { return (uint32_t)lk_model_thread() + 1; }

/* The caller holds the bucket. */
static inline struct lk_wait_sleeper *lk_wait_queue(LK_ATOMIC(uint32_t) *word) {
  assert(lk_wait_n_sleepers < LK_WAIT_MAX_SLEEPS);
  struct lk_wait_sleeper *const sleeper = &lk_wait_sleepers[lk_wait_n_sleepers++];
  sleeper->word = word;
  sleeper->thread = lk_wait_thread_id();
  return sleeper;
}

/* Relaxed: being woken orders nothing; the caller looks at its word again. */
static inline void lk_wait_until_woken(struct lk_wait_sleeper *sleeper) {
  while (!atomic_load_explicit(&sleeper->is_woken, memory_order_relaxed)) lk_pause();
}

/* The first that still sleeps on the word, from the i-th on, or NULL. The caller holds the bucket, hence relaxed: only
   wakers write it, under the bucket. */
static inline struct lk_wait_sleeper *lk_wait_first(LK_ATOMIC(uint32_t) *word, int i) {
  for (; i < lk_wait_n_sleepers; i++) {
    struct lk_wait_sleeper *const sleeper = &lk_wait_sleepers[i];
    if (sleeper->word == word && !atomic_load_explicit(&sleeper->is_woken, memory_order_relaxed)) return sleeper;
  }
  return NULL;
}

static inline void lk_wait_sleep(LK_ATOMIC(uint32_t) *word, uint32_t expected) {
  pthread_mutex_lock(&lk_wait_bucket);
  /* Relaxed: ordered by the bucket against a waker that has changed the word, and then wakes. */
  const bool sleeps = atomic_load_explicit(word, memory_order_relaxed) == expected;
  struct lk_wait_sleeper *const sleeper = sleeps ? lk_wait_queue(word) : NULL;
  pthread_mutex_unlock(&lk_wait_bucket);
  if (sleeps) lk_wait_until_woken(sleeper);
  (void)lk_model_progress();
}

/* Late before it sleeps, or never: to be late asleep is the same for all but the kernel. */
static inline bool lk_wait_sleep_until(LK_ATOMIC(uint32_t) *word, uint32_t expected, uint64_t deadline_ns) {
  if (lk_clock_ns() >= deadline_ns) return false;
  lk_wait_sleep(word, expected);
  return true;
}

/* A long pause: it ends by itself, so a lock may miss the wake-up, and must not need it. */
static inline void lk_wait_nap(LK_ATOMIC(uint32_t) *word, uint32_t expected, uint64_t time_ns) {
  (void)word, (void)expected, (void)time_ns;
  lk_pause();
}

static inline void lk_wait_wake(LK_ATOMIC(uint32_t) *word, int n_threads) {
  pthread_mutex_lock(&lk_wait_bucket);
  struct lk_wait_sleeper *sleeper;
  for (int i = 0; n_threads > 0 && (sleeper = lk_wait_first(word, i)) != NULL; n_threads--) {
    atomic_store_explicit(&sleeper->is_woken, true, memory_order_relaxed);
    i = (int)(sleeper - lk_wait_sleepers) + 1;
  }
  pthread_mutex_unlock(&lk_wait_bucket);
}

static inline void lk_wait_wake_one(LK_ATOMIC(uint32_t) *word) { lk_wait_wake(word, 1); }

static inline void lk_wait_wake_all(LK_ATOMIC(uint32_t) *word) { lk_wait_wake(word, INT_MAX); }

static inline int lk_wait_lock_pi(LK_ATOMIC(uint32_t) *word) {
  pthread_mutex_lock(&lk_wait_bucket);
  uint32_t value = atomic_load_explicit(word, memory_order_relaxed), wanted;
  do {
    assert((value & FUTEX_TID_MASK) != lk_wait_thread_id());
    wanted = value == 0 ? lk_wait_thread_id() : value | FUTEX_WAITERS;
  } while (!atomic_compare_exchange_strong_explicit(word, &value, wanted, memory_order_relaxed, memory_order_relaxed));
  const bool sleeps = value != 0;
  if (sleeps) (void)lk_wait_queue(word);
  pthread_mutex_unlock(&lk_wait_bucket);
  while (sleeps && (atomic_load_explicit(word, memory_order_relaxed) & FUTEX_TID_MASK) != lk_wait_thread_id())
    lk_pause();
  return 0;
}

static inline int lk_wait_unlock_pi(LK_ATOMIC(uint32_t) *word) {
  pthread_mutex_lock(&lk_wait_bucket);
  assert((atomic_load_explicit(word, memory_order_relaxed) & FUTEX_TID_MASK) == lk_wait_thread_id());
  struct lk_wait_sleeper *const next = lk_wait_first(word, 0);
  const uint32_t value = next == NULL ? 0 : FUTEX_WAITERS | next->thread; /* even if it was the last */
  (void)atomic_exchange_explicit(word, value, memory_order_relaxed);
  if (next != NULL) atomic_store_explicit(&next->is_woken, true, memory_order_relaxed);
  pthread_mutex_unlock(&lk_wait_bucket);
  return 0;
}

#endif
