// SPDX-License-Identifier: MIT
/*
 * pthread_mutex: the system's default mutex behind our interface: what a program has if it chose none.
 *
 * Source: POSIX.1-2017 pthread_mutex_lock; in glibc the three-state futex lock of U. Drepper, "Futexes Are
 * Tricky", 2011, without spinning: a thread that finds it taken sleeps in the kernel at once.
 * FIFO: no; a thread that arrives may overtake those that sleep, without bound.
 * Context: none; the struct is there because C has no empty one.
 */
#ifndef LK_PTHREAD_MUTEX_H
#define LK_PTHREAD_MUTEX_H

#include <pthread.h>

#include "lk.h"

enum { lk_pthread_mutex_traits = LK_PARKS | LK_SYSTEM | LK_FREED_BY_LAST };

struct lk_pthread_mutex {
  pthread_mutex_t mutex;
  LK_CANARY_MEMBER
};

#define LK_PTHREAD_MUTEX_INIT                                                                                          \
  { PTHREAD_MUTEX_INITIALIZER, LK_CANARY_INIT }

#define lk_pthread_mutex_no_ctx 1
struct lk_pthread_mutex_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_pthread_mutex_init(struct lk_pthread_mutex *lock, const struct lk_config *config) {
  (void)config;
  if (pthread_mutex_init(&lock->mutex, NULL) != 0) return false;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_pthread_mutex_destroy(struct lk_pthread_mutex *lock) {
  LK_CANARY_CHECK(lock);
  pthread_mutex_destroy(&lock->mutex);
}

static inline bool lk_pthread_mutex_ctx_init(struct lk_pthread_mutex *lock, struct lk_pthread_mutex_ctx *ctx,
                                             const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_pthread_mutex_ctx_destroy(struct lk_pthread_mutex *lock, struct lk_pthread_mutex_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_pthread_mutex_lock(struct lk_pthread_mutex *lock, struct lk_pthread_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  pthread_mutex_lock(&lock->mutex); /* of a plain mutex that its user uses rightly, it cannot fail */
}

static inline bool lk_pthread_mutex_trylock(struct lk_pthread_mutex *lock, struct lk_pthread_mutex_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void lk_pthread_mutex_unlock(struct lk_pthread_mutex *lock, struct lk_pthread_mutex_ctx *ctx) {
  (void)ctx;
  pthread_mutex_unlock(&lock->mutex);
}

#endif
