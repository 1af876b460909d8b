// SPDX-License-Identifier: MIT
/*
 * pthread_rwlock: the system's default readers/writer lock behind our interface: what a program has if it chose none.
 *
 * Source: POSIX.1-2017 pthread_rwlock_rdlock; in glibc since 2.25 the lock of T. Riegel, "New pthread rwlock that is
 * more scalable", 2017: one word of readers and phases; a thread that must wait sleeps on a futex at once.
 * States and invariants: the library's.
 * Preference: glibc's default prefers readers. A reader enters beside others even while a writer waits, so that a
 * thread may read-lock twice. While a writer is inside readers gather, and its unlock lets them in before any writer.
 * Starvation: readers that overlap without a gap keep every writer out for ever; readers do not starve.
 * FIFO: no, on neither side. Waits: parks. Context: none; the struct is there because C has no empty one.
 */
#ifndef LK_PTHREAD_RWLOCK_H
#define LK_PTHREAD_RWLOCK_H

#include <pthread.h>

#include "lk.h"

#define lk_pthread_rwlock_is_rw 1

enum { lk_pthread_rwlock_traits = LK_PARKS | LK_SYSTEM };

#if defined(__GLIBC__) && !defined(PTHREAD_RWLOCK_INITIALIZER)
/* glibc hides its readers/writer lock from programs that ask for plain C11, but never its sizes. */
typedef union {
  char bytes[__SIZEOF_PTHREAD_RWLOCK_T];
  long alignment;
} pthread_rwlock_t;
typedef union {
  char bytes[__SIZEOF_PTHREAD_RWLOCKATTR_T];
  long alignment;
} pthread_rwlockattr_t;
extern int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes);
extern int pthread_rwlock_destroy(pthread_rwlock_t *lock);
extern int pthread_rwlock_rdlock(pthread_rwlock_t *lock);
extern int pthread_rwlock_tryrdlock(pthread_rwlock_t *lock);
extern int pthread_rwlock_wrlock(pthread_rwlock_t *lock);
extern int pthread_rwlock_trywrlock(pthread_rwlock_t *lock);
extern int pthread_rwlock_unlock(pthread_rwlock_t *lock);
#endif

struct lk_pthread_rwlock {
  pthread_rwlock_t rwlock;
  LK_CANARY_MEMBER
};

#ifdef PTHREAD_RWLOCK_INITIALIZER
#define LK_PTHREAD_RWLOCK_INIT                                                                                         \
  { PTHREAD_RWLOCK_INITIALIZER, LK_CANARY_INIT }
#else /* the union above; glibc's is all zero */
#define LK_PTHREAD_RWLOCK_INIT                                                                                         \
  { {{0}}, LK_CANARY_INIT }
#endif

#define lk_pthread_rwlock_no_ctx 1
struct lk_pthread_rwlock_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_pthread_rwlock_init(struct lk_pthread_rwlock *lock, const struct lk_config *config) {
  (void)config;
  if (pthread_rwlock_init(&lock->rwlock, NULL) != 0) return false;
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_pthread_rwlock_destroy(struct lk_pthread_rwlock *lock) {
  LK_CANARY_CHECK(lock);
  pthread_rwlock_destroy(&lock->rwlock);
}

static inline bool lk_pthread_rwlock_ctx_init(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx,
                                              const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_pthread_rwlock_ctx_destroy(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_pthread_rwlock_rdlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  pthread_rwlock_rdlock(&lock->rwlock); /* fails only beyond millions of readers, or where the caller writes already */
}

static inline bool lk_pthread_rwlock_tryrdlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return pthread_rwlock_tryrdlock(&lock->rwlock) == 0;
}

static inline void lk_pthread_rwlock_rdunlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  pthread_rwlock_unlock(&lock->rwlock);
}

static inline void lk_pthread_rwlock_wrlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  pthread_rwlock_wrlock(&lock->rwlock); /* fails only where the caller is inside already */
}

static inline bool lk_pthread_rwlock_trywrlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return pthread_rwlock_trywrlock(&lock->rwlock) == 0;
}

static inline void lk_pthread_rwlock_wrunlock(struct lk_pthread_rwlock *lock, struct lk_pthread_rwlock_ctx *ctx) {
  (void)ctx;
  pthread_rwlock_unlock(&lock->rwlock);
}

#endif
