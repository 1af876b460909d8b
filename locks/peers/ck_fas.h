// SPDX-License-Identifier: MIT
/*
 * ck_fas: Concurrency Kit's test-and-set lock, the one that it calls ck_spinlock: a waiter reads until it
 * looks free, then tries again, as in locks/ttas.h.
 *
 * Source: Concurrency Kit, spinlock/fas.h; all of it is inlined.
 * FIFO: no, and without bound. Waiters spin. Context: none.
 */
#ifndef LK_CK_FAS_H
#define LK_CK_FAS_H

#include <ck_spinlock.h>

#include "lk_peer.h"

enum { lk_ck_fas_traits = LK_SPINS | LK_PEER };

struct lk_ck_fas {
  ck_spinlock_fas_t lock;
  LK_CANARY_MEMBER
};

#define lk_ck_fas_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_ck_fas)

static inline bool lk_ck_fas_init(struct lk_ck_fas *lock, const struct lk_config *config) {
  (void)config;
  ck_spinlock_fas_init(&lock->lock);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_fas_destroy(struct lk_ck_fas *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_ck_fas_lock(struct lk_ck_fas *lock, struct lk_ck_fas_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_spinlock_fas_lock(&lock->lock);
}

static inline bool lk_ck_fas_trylock(struct lk_ck_fas *lock, struct lk_ck_fas_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return ck_spinlock_fas_trylock(&lock->lock);
}

static inline void lk_ck_fas_unlock(struct lk_ck_fas *lock, struct lk_ck_fas_ctx *ctx) {
  (void)ctx;
  ck_spinlock_fas_unlock(&lock->lock);
}

#endif
