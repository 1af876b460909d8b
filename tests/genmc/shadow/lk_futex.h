// SPDX-License-Identifier: MIT
/*
 * lk_futex.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets.
 *
 * What the kernel guarantees, and no more: a wait compares the word and queues itself in one step, a wake takes those
 * that are queued, in the order in which they came, and both are ordered against each other (the kernel does that
 * with the lock of a hash bucket; so does this). A wake that finds nobody is lost.
 *
 *   sleepers[i].word     what the i-th sleeper waits at; written once, under the bucket
 *   sleepers[i].is_woken set by a waker, once, under the bucket; its sleeper spins on it
 *
 * A sleeper that nobody wakes spins for ever: the checker reports that (--check-liveness).
 */
#ifndef LK_FUTEX_H
#define LK_FUTEX_H

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lk_arch.h"

enum { LK_FUTEX_MAX_SLEEPS = 16 }; /* in a whole execution */

struct lk_futex_sleeper {
  _Atomic(uint32_t) *word;
  _Atomic(bool) is_woken;
};

static pthread_mutex_t lk_futex_bucket = PTHREAD_MUTEX_INITIALIZER;
static struct lk_futex_sleeper lk_futex_sleepers[LK_FUTEX_MAX_SLEEPS];
static int lk_futex_n_sleepers;

static inline void lk_futex_wait(_Atomic(uint32_t) *word, uint32_t expected) {
  pthread_mutex_lock(&lk_futex_bucket);
  struct lk_futex_sleeper *sleeper = NULL;
  /* Relaxed: ordered by the bucket against a waker that has changed the word, and then wakes. */
  if (atomic_load_explicit(word, memory_order_relaxed) == expected) {
    assert(lk_futex_n_sleepers < LK_FUTEX_MAX_SLEEPS);
    sleeper = &lk_futex_sleepers[lk_futex_n_sleepers++];
    sleeper->word = word;
  }
  pthread_mutex_unlock(&lk_futex_bucket);
  /* Relaxed: being woken orders nothing; the caller looks at its word again. */
  while (sleeper != NULL && !atomic_load_explicit(&sleeper->is_woken, memory_order_relaxed)) lk_pause();
  (void)lk_model_progress();
}

static inline void lk_futex_wake(_Atomic(uint32_t) *word, int n_threads) {
  pthread_mutex_lock(&lk_futex_bucket);
  for (int i = 0; i < lk_futex_n_sleepers && n_threads > 0; i++) {
    struct lk_futex_sleeper *const sleeper = &lk_futex_sleepers[i];
    /* Relaxed, both: only wakers write it, under the bucket. */
    if (sleeper->word != word || atomic_load_explicit(&sleeper->is_woken, memory_order_relaxed)) continue;
    atomic_store_explicit(&sleeper->is_woken, true, memory_order_relaxed);
    n_threads--;
  }
  pthread_mutex_unlock(&lk_futex_bucket);
}

static inline void lk_futex_wake_one(_Atomic(uint32_t) *word) { lk_futex_wake(word, 1); }

static inline void lk_futex_wake_all(_Atomic(uint32_t) *word) { lk_futex_wake(word, INT_MAX); }

#endif
