// SPDX-License-Identifier: MIT
/*
 * pthread_rwlock_w: the system's readers/writer lock, told to prefer writers. All but its making is pthread_rwlock.
 *
 * Source: glibc, pthread_rwlockattr_setkind_np with PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP. Both names are
 * GNU extensions, since POSIX leaves the preference to the system; other C libraries have neither. The shorter
 * PTHREAD_RWLOCK_PREFER_WRITER_NP is accepted but does nothing: POSIX allows a thread to read-lock twice, and its
 * second would wait for a writer that waits for its first. NONRECURSIVE is the caller's word never to do that.
 * States and invariants: the library's.
 * Preference: writers. A reader that finds a writer waiting waits too; a writer's unlock hands over to the next writer.
 * Starvation: readers cannot keep a writer out; writers that overlap without a gap keep every reader out for ever.
 * FIFO: no, on neither side. Waits: parks. Context: none.
 */
#ifndef LK_PTHREAD_RWLOCK_W_H
#define LK_PTHREAD_RWLOCK_W_H

#include "pthread_rwlock.h"

#ifndef __GLIBC__
#error "pthread_rwlock_w needs glibc: other C libraries have no preference to set; leave it out of the list of locks"
#endif

#define lk_pthread_rwlock_w_is_rw 1

enum { lk_pthread_rwlock_w_traits = LK_PARKS | LK_SYSTEM };

#ifndef PTHREAD_RWLOCK_INITIALIZER
/* Hidden from plain C11, as the lock is: see pthread_rwlock.h. */
enum { PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP = 2 };
extern int pthread_rwlockattr_init(pthread_rwlockattr_t *attributes);
extern int pthread_rwlockattr_setkind_np(pthread_rwlockattr_t *attributes, int kind);
extern int pthread_rwlockattr_destroy(pthread_rwlockattr_t *attributes);
#endif

struct lk_pthread_rwlock_w {
  struct lk_pthread_rwlock base;
};

#define lk_pthread_rwlock_w_no_ctx 1
struct lk_pthread_rwlock_w_ctx {
  struct lk_pthread_rwlock_ctx base;
};

static inline bool lk_pthread_rwlock_w_init(struct lk_pthread_rwlock_w *lock, const struct lk_config *config) {
  (void)config;
  pthread_rwlockattr_t attributes;
  if (pthread_rwlockattr_init(&attributes) != 0 ||
      pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) != 0 ||
      pthread_rwlock_init(&lock->base.rwlock, &attributes) != 0)
    return false;
  pthread_rwlockattr_destroy(&attributes);
  LK_CANARY_SET(&lock->base);
  return true;
}

static inline void lk_pthread_rwlock_w_destroy(struct lk_pthread_rwlock_w *lock) {
  lk_pthread_rwlock_destroy(&lock->base);
}

static inline bool lk_pthread_rwlock_w_ctx_init(struct lk_pthread_rwlock_w *lock, struct lk_pthread_rwlock_w_ctx *ctx,
                                                const struct lk_domain *domain) {
  return lk_pthread_rwlock_ctx_init(&lock->base, &ctx->base, domain);
}

static inline void lk_pthread_rwlock_w_ctx_destroy(struct lk_pthread_rwlock_w *lock,
                                                   struct lk_pthread_rwlock_w_ctx *ctx) {
  lk_pthread_rwlock_ctx_destroy(&lock->base, &ctx->base);
}

static inline void lk_pthread_rwlock_w_rdlock(struct lk_pthread_rwlock_w *lock, struct lk_pthread_rwlock_w_ctx *ctx) {
  lk_pthread_rwlock_rdlock(&lock->base, &ctx->base);
}

static inline bool lk_pthread_rwlock_w_tryrdlock(struct lk_pthread_rwlock_w *lock,
                                                 struct lk_pthread_rwlock_w_ctx *ctx) {
  return lk_pthread_rwlock_tryrdlock(&lock->base, &ctx->base);
}

static inline void lk_pthread_rwlock_w_rdunlock(struct lk_pthread_rwlock_w *lock, struct lk_pthread_rwlock_w_ctx *ctx) {
  lk_pthread_rwlock_rdunlock(&lock->base, &ctx->base);
}

static inline void lk_pthread_rwlock_w_wrlock(struct lk_pthread_rwlock_w *lock, struct lk_pthread_rwlock_w_ctx *ctx) {
  lk_pthread_rwlock_wrlock(&lock->base, &ctx->base);
}

static inline bool lk_pthread_rwlock_w_trywrlock(struct lk_pthread_rwlock_w *lock,
                                                 struct lk_pthread_rwlock_w_ctx *ctx) {
  return lk_pthread_rwlock_trywrlock(&lock->base, &ctx->base);
}

static inline void lk_pthread_rwlock_w_wrunlock(struct lk_pthread_rwlock_w *lock, struct lk_pthread_rwlock_w_ctx *ctx) {
  lk_pthread_rwlock_wrunlock(&lock->base, &ctx->base);
}

#endif
