// SPDX-License-Identifier: MIT
/*
 * absl_mutex: the exclusive mode of absl::Mutex, Google's C++ mutex with conditions.
 *
 * Source: Abseil, absl/synchronization/mutex.h; Lock, TryLock and Unlock are calls into the library, as they are for
 * its users. What a thread needs to wait is the library's own, on its heap, and kept for the next time.
 * FIFO: no; arrivals may overtake those that sleep. Waiters spin for a while if there is more than one CPU, then
 * sleep. Context: none.
 */
#ifndef LK_ABSL_MUTEX_H
#define LK_ABSL_MUTEX_H

#include <new>

#include <absl/synchronization/mutex.h>

#include "peers/lk_peer.h"

enum { lk_absl_mutex_traits = LK_SPINS | LK_PARKS | LK_PEER };

struct lk_absl_mutex {
  absl::Mutex mutex;
  LK_CANARY_MEMBER
};

#define lk_absl_mutex_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_absl_mutex)

static inline bool lk_absl_mutex_init(struct lk_absl_mutex *lock, const struct lk_config *config) {
  (void)config;
  new (lock) lk_absl_mutex;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_absl_mutex_destroy(struct lk_absl_mutex *lock) {
  LK_CANARY_CHECK(lock);
  lock->~lk_absl_mutex();
}

static inline void lk_absl_mutex_lock(struct lk_absl_mutex *lock, struct lk_absl_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  lock->mutex.Lock();
}

static inline bool lk_absl_mutex_trylock(struct lk_absl_mutex *lock, struct lk_absl_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return lock->mutex.TryLock();
}

static inline void lk_absl_mutex_unlock(struct lk_absl_mutex *lock, struct lk_absl_mutex_ctx *ctx) {
  (void)ctx;
  lock->mutex.Unlock();
}

#endif
