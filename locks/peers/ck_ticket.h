// SPDX-License-Identifier: MIT
/*
 * ck_ticket: Concurrency Kit's ticket lock. On x86 both counters share a word, so that it has a trylock, and arrivals
 * disturb those that wait; elsewhere they are two words, and it has none.
 *
 * Source: Concurrency Kit, spinlock/ticket.h; all of it is inlined.
 * FIFO. Waiters spin, with a pause between two looks and without back-off. Context: none.
 */
#ifndef LK_CK_TICKET_H
#define LK_CK_TICKET_H

#include <ck_spinlock.h>

#include "lk_peer.h"

enum { lk_ck_ticket_traits = LK_FIFO | LK_SPINS | LK_PEER };

#ifndef CK_F_SPINLOCK_TICKET_TRYLOCK
#define lk_ck_ticket_no_trylock 1
#endif

struct lk_ck_ticket {
  ck_spinlock_ticket_t lock;
  LK_CANARY_MEMBER
};

#define lk_ck_ticket_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_ck_ticket)

static inline bool lk_ck_ticket_init(struct lk_ck_ticket *lock, const struct lk_config *config) {
  (void)config;
  ck_spinlock_ticket_init(&lock->lock);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_ck_ticket_destroy(struct lk_ck_ticket *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_ck_ticket_lock(struct lk_ck_ticket *lock, struct lk_ck_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  ck_spinlock_ticket_lock(&lock->lock);
}

#ifdef CK_F_SPINLOCK_TICKET_TRYLOCK
static inline bool lk_ck_ticket_trylock(struct lk_ck_ticket *lock, struct lk_ck_ticket_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return ck_spinlock_ticket_trylock(&lock->lock);
}
#endif

static inline void lk_ck_ticket_unlock(struct lk_ck_ticket *lock, struct lk_ck_ticket_ctx *ctx) {
  (void)ctx;
  ck_spinlock_ticket_unlock(&lock->lock);
}

#endif
