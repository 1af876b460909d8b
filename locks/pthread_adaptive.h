// SPDX-License-Identifier: MIT
/*
 * pthread_adaptive: the system's mutex of type PTHREAD_MUTEX_ADAPTIVE_NP behind our interface: a thread that
 * finds it taken tries again for a while before it sleeps in the kernel.
 *
 * Source: glibc, a GNU extension of pthread_mutexattr_settype: no other C library has the type. The wait is counted
 * in tries and adapts itself to how long it was worth it, up to 100 by default (tunable
 * glibc.pthread.mutex_spin_count); config->spin_pauses has no say.
 *
 * States and invariants: glibc's, as in pthread_mutex: free, held, held and a thread may sleep.
 * FIFO: no; a thread that arrives may overtake those that sleep, without bound. Waits: spins, then parks.
 * Context: none; the struct is there because C has no empty one.
 */
#ifndef LK_PTHREAD_ADAPTIVE_H
#define LK_PTHREAD_ADAPTIVE_H

#include <pthread.h>

#include "lk.h"

#ifndef __GLIBC__
#error "pthread_adaptive needs glibc: other C libraries have no such type of mutex; leave it out of the list of locks"
#endif

#if !defined(__USE_UNIX98) && !defined(__USE_XOPEN2K8)
/* pthread.h hides it from programs that ask for plain C11, though not the type that it is told. */
extern int pthread_mutexattr_settype(pthread_mutexattr_t *attributes, int type);
#endif

enum { lk_pthread_adaptive_traits = LK_SPINS | LK_PARKS | LK_SYSTEM | LK_FREED_BY_LAST };

struct lk_pthread_adaptive {
  pthread_mutex_t mutex;
  LK_CANARY_MEMBER
};

#define lk_pthread_adaptive_no_ctx 1
struct lk_pthread_adaptive_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_pthread_adaptive_init(struct lk_pthread_adaptive *lock, const struct lk_config *config) {
  (void)config;
  pthread_mutexattr_t attributes;
  /* Any of these fails only when memory or the system's mutexes have run out. */
  if (pthread_mutexattr_init(&attributes) != 0) return false;
  if (pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP) != 0) return false;
  if (pthread_mutex_init(&lock->mutex, &attributes) != 0) return false;
  pthread_mutexattr_destroy(&attributes);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_pthread_adaptive_destroy(struct lk_pthread_adaptive *lock) {
  LK_CANARY_CHECK(lock);
  pthread_mutex_destroy(&lock->mutex);
}

static inline bool lk_pthread_adaptive_ctx_init(struct lk_pthread_adaptive *lock, struct lk_pthread_adaptive_ctx *ctx,
                                                const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_pthread_adaptive_ctx_destroy(struct lk_pthread_adaptive *lock,
                                                   struct lk_pthread_adaptive_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_pthread_adaptive_lock(struct lk_pthread_adaptive *lock, struct lk_pthread_adaptive_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  pthread_mutex_lock(&lock->mutex); /* of a mutex that its user uses rightly, it cannot fail */
}

static inline bool lk_pthread_adaptive_trylock(struct lk_pthread_adaptive *lock, struct lk_pthread_adaptive_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return pthread_mutex_trylock(&lock->mutex) == 0;
}

static inline void lk_pthread_adaptive_unlock(struct lk_pthread_adaptive *lock, struct lk_pthread_adaptive_ctx *ctx) {
  (void)ctx;
  pthread_mutex_unlock(&lock->mutex);
}

#endif
