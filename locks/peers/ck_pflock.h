// SPDX-License-Identifier: MIT
/*
 * ck_pflock: Concurrency Kit's phase-fair readers/writer lock: phases of readers and of single writers take turns.
 *
 * Source: Concurrency Kit, ck_pflock.h, after B. Brandenburg, J. Anderson, "Spin-Based Reader-Writer Synchronization
 * for Multiprocessor Real-Time Systems", Real-Time Systems 46, 2010; all of it is inlined.
 * FIFO: writers among themselves. Bounded: a reader waits for one writer at most, a writer for those ahead of it and
 * for one phase of readers before each of them and itself. Waiters spin. It has no trylock. Context: none.
 */
#ifndef LK_CK_PFLOCK_H
#define LK_CK_PFLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <ck_pflock.h>

#include "lk_peer.h"

#define lk_ck_pflock_is_rw 1
#define lk_ck_pflock_no_trylock 1
#define lk_ck_pflock_is_bounded 1

enum { lk_ck_pflock_traits = LK_BOUNDED | LK_SPINS | LK_PEER };

/* Writers are served in the order of arrival. */
static inline uint64_t lk_ck_pflock_bypass(const struct lk_config *config) { return (void)config, 0; }

struct lk_ck_pflock {
  ck_pflock_t lock;
  LK_CANARY_MEMBER
};

#define lk_ck_pflock_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_ck_pflock)

static inline bool lk_ck_pflock_init(struct lk_ck_pflock *lock, const struct lk_config *config) {
  (void)config;
  ck_pflock_init(&lock->lock);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_pflock_destroy(struct lk_ck_pflock *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_ck_pflock_rdlock(struct lk_ck_pflock *lock, struct lk_ck_pflock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_pflock_read_lock(&lock->lock);
}

static inline void lk_ck_pflock_rdunlock(struct lk_ck_pflock *lock, struct lk_ck_pflock_ctx *ctx) {
  (void)ctx;
  ck_pflock_read_unlock(&lock->lock);
}

static inline void lk_ck_pflock_wrlock(struct lk_ck_pflock *lock, struct lk_ck_pflock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_pflock_write_lock(&lock->lock);
}

static inline void lk_ck_pflock_wrunlock(struct lk_ck_pflock *lock, struct lk_ck_pflock_ctx *ctx) {
  (void)ctx;
  ck_pflock_write_unlock(&lock->lock);
}

#endif
