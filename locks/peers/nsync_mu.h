// SPDX-License-Identifier: MIT
/*
 * nsync_mu: the exclusive mode of nsync's mutex, Google's portable C library of locks with conditions.
 *
 * Source: nsync, nsync_mu.h; lock, trylock and unlock are calls into the library, as they are for its users. What a
 * thread needs to wait is the library's own, on its heap, and kept for the next time.
 * FIFO: no; arrivals may overtake those that sleep, until one that was woken in vain 30 times keeps newcomers out.
 * Waiters spin for a few tries with back-off, then sleep. Context: none.
 */
#ifndef LK_NSYNC_MU_H
#define LK_NSYNC_MU_H

#include <nsync.h>

#include "lk_peer.h"

enum { lk_nsync_mu_traits = LK_SPINS | LK_PARKS | LK_PEER };

struct lk_nsync_mu {
  nsync_mu mutex;
  LK_CANARY_MEMBER
};

#define lk_nsync_mu_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_nsync_mu)

static inline bool lk_nsync_mu_init(struct lk_nsync_mu *lock, const struct lk_config *config) {
  (void)config;
  nsync_mu_init(&lock->mutex);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_nsync_mu_destroy(struct lk_nsync_mu *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_nsync_mu_lock(struct lk_nsync_mu *lock, struct lk_nsync_mu_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  nsync_mu_lock(&lock->mutex);
}

static inline bool lk_nsync_mu_trylock(struct lk_nsync_mu *lock, struct lk_nsync_mu_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return nsync_mu_trylock(&lock->mutex) != 0;
}

static inline void lk_nsync_mu_unlock(struct lk_nsync_mu *lock, struct lk_nsync_mu_ctx *ctx) {
  (void)ctx;
  nsync_mu_unlock(&lock->mutex);
}

#endif
