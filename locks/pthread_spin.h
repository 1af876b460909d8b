// SPDX-License-Identifier: MIT
/*
 * pthread_spin: the system's spin lock behind our interface.
 *
 * Source: POSIX.1-2017 pthread_spin_lock, private to the process; in glibc a test-and-test-and-set lock.
 * States and invariants: the system's; in glibc a word that is free or held.
 * FIFO: no; the first to try after an unlock wins, and a waiter may lose without bound. Waits: spins.
 * Context: none; the struct is there because C has no empty one.
 */
#ifndef LK_PTHREAD_SPIN_H
#define LK_PTHREAD_SPIN_H

#include <pthread.h>

#include "lk.h"

#if defined(__GLIBC__) && !defined(__USE_XOPEN2K)
/* It hides its spin lock from programs that ask for plain C11. */
typedef volatile int pthread_spinlock_t;
extern int pthread_spin_init(pthread_spinlock_t *lock, int is_shared);
extern int pthread_spin_destroy(pthread_spinlock_t *lock);
extern int pthread_spin_lock(pthread_spinlock_t *lock);
extern int pthread_spin_trylock(pthread_spinlock_t *lock);
extern int pthread_spin_unlock(pthread_spinlock_t *lock);
#endif

enum { lk_pthread_spin_traits = LK_SPINS | LK_SYSTEM | LK_FREED_BY_LAST };

struct lk_pthread_spin {
  pthread_spinlock_t spin;
  LK_CANARY_MEMBER
};

#define lk_pthread_spin_no_ctx 1
struct lk_pthread_spin_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_pthread_spin_init(struct lk_pthread_spin *lock, const struct lk_config *config) {
  (void)config;
  if (pthread_spin_init(&lock->spin, PTHREAD_PROCESS_PRIVATE) != 0) return false;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_pthread_spin_destroy(struct lk_pthread_spin *lock) {
  LK_CANARY_CHECK(lock);
  pthread_spin_destroy(&lock->spin);
}

static inline bool lk_pthread_spin_ctx_init(struct lk_pthread_spin *lock, struct lk_pthread_spin_ctx *ctx,
                                            const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_pthread_spin_ctx_destroy(struct lk_pthread_spin *lock, struct lk_pthread_spin_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_pthread_spin_lock(struct lk_pthread_spin *lock, struct lk_pthread_spin_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  pthread_spin_lock(&lock->spin); /* of a lock that its user uses rightly, it cannot fail */
}

static inline bool lk_pthread_spin_trylock(struct lk_pthread_spin *lock, struct lk_pthread_spin_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return pthread_spin_trylock(&lock->spin) == 0;
}

static inline void lk_pthread_spin_unlock(struct lk_pthread_spin *lock, struct lk_pthread_spin_ctx *ctx) {
  (void)ctx;
  pthread_spin_unlock(&lock->spin);
}

#endif
