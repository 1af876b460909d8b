// SPDX-License-Identifier: MIT
/*
 * ck_tflock: Concurrency Kit's task-fair readers/writer lock: tickets of readers and writers in the halves of a word.
 *
 * Source: Concurrency Kit, ck_tflock.h, after J. M. Mellor-Crummey, M. L. Scott, "Scalable Reader-Writer
 * Synchronization for Shared-Memory Multiprocessors", PPoPP 1991; all of it is inlined.
 * FIFO: yes; readers that arrive in a row are inside together. Arrival is a loop of compare and swap. Waiters spin.
 * It has no trylock. Context: none.
 */
#ifndef LK_CK_TFLOCK_H
#define LK_CK_TFLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <ck_tflock.h>

#include "lk_peer.h"

#define lk_ck_tflock_is_rw 1
#define lk_ck_tflock_no_trylock 1

enum { lk_ck_tflock_traits = LK_FIFO | LK_SPINS | LK_PEER };

struct lk_ck_tflock {
  ck_tflock_ticket_t lock;
  LK_CANARY_MEMBER
};

#define lk_ck_tflock_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_ck_tflock)

static inline bool lk_ck_tflock_init(struct lk_ck_tflock *lock, const struct lk_config *config) {
  (void)config;
  ck_tflock_ticket_init(&lock->lock);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_tflock_destroy(struct lk_ck_tflock *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_ck_tflock_rdlock(struct lk_ck_tflock *lock, struct lk_ck_tflock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_tflock_ticket_read_lock(&lock->lock);
}

static inline void lk_ck_tflock_rdunlock(struct lk_ck_tflock *lock, struct lk_ck_tflock_ctx *ctx) {
  (void)ctx;
  ck_tflock_ticket_read_unlock(&lock->lock);
}

static inline void lk_ck_tflock_wrlock(struct lk_ck_tflock *lock, struct lk_ck_tflock_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_tflock_ticket_write_lock(&lock->lock);
}

static inline void lk_ck_tflock_wrunlock(struct lk_ck_tflock *lock, struct lk_ck_tflock_ctx *ctx) {
  (void)ctx;
  ck_tflock_ticket_write_unlock(&lock->lock);
}

#endif
