// SPDX-License-Identifier: MIT
/*
 * tbb_spin: tbb::spin_mutex, oneTBB's test-and-set lock. Waiters pause 1, 2, 4, 8, 16 times between two tries, and
 * yield the CPU to another thread after each further one.
 *
 * Source: oneTBB, spin_mutex.h and detail/_utils.h; all of it is inlined. The back-off's ceiling is the library's, a
 * constant: the configuration's backoff_max_pauses does not reach it.
 * FIFO: no, and without bound. Waiters spin. Context: none.
 */
#ifndef LK_TBB_SPIN_H
#define LK_TBB_SPIN_H

#include <new>

#include <oneapi/tbb/spin_mutex.h>

#include "peers/lk_peer.h"

enum { lk_tbb_spin_traits = LK_SPINS | LK_PEER };

struct lk_tbb_spin {
  tbb::spin_mutex mutex;
  LK_CANARY_MEMBER
};

#define lk_tbb_spin_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_tbb_spin)

static inline bool lk_tbb_spin_init(struct lk_tbb_spin *lock, const struct lk_config *config) {
  (void)config;
  new (lock) lk_tbb_spin;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_tbb_spin_destroy(struct lk_tbb_spin *lock) {
  LK_CANARY_CHECK(lock);
  lock->~lk_tbb_spin();
}

static inline void lk_tbb_spin_lock(struct lk_tbb_spin *lock, struct lk_tbb_spin_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  lock->mutex.lock();
}

static inline bool lk_tbb_spin_trylock(struct lk_tbb_spin *lock, struct lk_tbb_spin_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return lock->mutex.try_lock();
}

static inline void lk_tbb_spin_unlock(struct lk_tbb_spin *lock, struct lk_tbb_spin_ctx *ctx) {
  (void)ctx;
  lock->mutex.unlock();
}

#endif
