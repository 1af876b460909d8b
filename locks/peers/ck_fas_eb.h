// SPDX-License-Identifier: MIT
/*
 * ck_fas_eb: Concurrency Kit's test-and-set lock with exponential back-off: after each try in vain a waiter counts to
 * a number that doubles from 512 to 2^20, without a look at the lock and without a pause instruction.
 *
 * Source: Concurrency Kit, spinlock/fas.h and ck_backoff.h; all of it is inlined. Its ceiling is the library's, a
 * constant: the configuration's backoff_max_pauses does not reach it.
 * FIFO: no, and without bound. Waiters spin. Context: none.
 */
#ifndef LK_CK_FAS_EB_H
#define LK_CK_FAS_EB_H

#include <ck_spinlock.h>

#include "lk_peer.h"

enum { lk_ck_fas_eb_traits = LK_SPINS | LK_PEER };

struct lk_ck_fas_eb {
  ck_spinlock_fas_t lock;
  LK_CANARY_MEMBER
};

#define lk_ck_fas_eb_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_ck_fas_eb)

static inline bool lk_ck_fas_eb_init(struct lk_ck_fas_eb *lock, const struct lk_config *config) {
  (void)config;
  ck_spinlock_fas_init(&lock->lock);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_fas_eb_destroy(struct lk_ck_fas_eb *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_ck_fas_eb_lock(struct lk_ck_fas_eb *lock, struct lk_ck_fas_eb_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_spinlock_fas_lock_eb(&lock->lock);
}

static inline bool lk_ck_fas_eb_trylock(struct lk_ck_fas_eb *lock, struct lk_ck_fas_eb_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return ck_spinlock_fas_trylock(&lock->lock);
}

static inline void lk_ck_fas_eb_unlock(struct lk_ck_fas_eb *lock, struct lk_ck_fas_eb_ctx *ctx) {
  (void)ctx;
  ck_spinlock_fas_unlock(&lock->lock);
}

#endif
