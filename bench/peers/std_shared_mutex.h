// SPDX-License-Identifier: MIT
/*
 * std_shared_mutex: the readers/writer lock of the C++ standard library.
 *
 * Source: ISO C++17, [thread.sharedmutex.class]; in libstdc++ a pthread_rwlock with default attributes, of which its
 * header inlines the calls and adds the checks for errors: beside pthread_rwlock it shows what those cost.
 * Preference, starvation and FIFO: as locks/pthread_rwlock.h where that is what it is made of. Waits: parks.
 * Context: none.
 */
#ifndef LK_STD_SHARED_MUTEX_H
#define LK_STD_SHARED_MUTEX_H

#include <new>
#include <shared_mutex>

#include "peers/lk_peer.h"

#define lk_std_shared_mutex_is_rw 1

enum { lk_std_shared_mutex_traits = LK_PARKS | LK_PEER };

struct lk_std_shared_mutex {
  std::shared_mutex mutex;
  LK_CANARY_MEMBER
};

#define lk_std_shared_mutex_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_std_shared_mutex)

static inline bool lk_std_shared_mutex_init(struct lk_std_shared_mutex *lock, const struct lk_config *config) {
  (void)config;
  new (lock) lk_std_shared_mutex;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_std_shared_mutex_destroy(struct lk_std_shared_mutex *lock) {
  LK_CANARY_CHECK(lock);
  lock->~lk_std_shared_mutex();
}

static inline void lk_std_shared_mutex_rdlock(struct lk_std_shared_mutex *lock, struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  lock->mutex.lock_shared();
}

static inline bool lk_std_shared_mutex_tryrdlock(struct lk_std_shared_mutex *lock,
                                                 struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return lock->mutex.try_lock_shared();
}

static inline void lk_std_shared_mutex_rdunlock(struct lk_std_shared_mutex *lock, struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  lock->mutex.unlock_shared();
}

static inline void lk_std_shared_mutex_wrlock(struct lk_std_shared_mutex *lock, struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  lock->mutex.lock();
}

static inline bool lk_std_shared_mutex_trywrlock(struct lk_std_shared_mutex *lock,
                                                 struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return lock->mutex.try_lock();
}

static inline void lk_std_shared_mutex_wrunlock(struct lk_std_shared_mutex *lock, struct lk_std_shared_mutex_ctx *ctx) {
  (void)ctx;
  lock->mutex.unlock();
}

#endif
