// SPDX-License-Identifier: MIT
/*
 * test_slow: the ticket lock, held longer by a known time. Made for calibration: a comparison must find it slower
 * (tests/benchmarks/calibrate_compare.py). The time is backoff_max_pauses, which the ticket lock itself has no use for.
 */
#ifndef LK_TEST_SLOW_H
#define LK_TEST_SLOW_H

#include "ticket.h"

enum { lk_test_slow_traits = lk_ticket_traits };

struct lk_test_slow {
  struct lk_ticket ticket;
  uint32_t n_pauses;
};

#define lk_test_slow_no_ctx 1
struct lk_test_slow_ctx {
  struct lk_ticket_ctx ticket;
};

static inline bool lk_test_slow_init(struct lk_test_slow *lock, const struct lk_config *config) {
  if (!lk_ticket_init(&lock->ticket, config)) return false;
  lock->n_pauses = config->backoff_max_pauses;
  return true;
}

static inline void lk_test_slow_destroy(struct lk_test_slow *lock) { lk_ticket_destroy(&lock->ticket); }

static inline bool lk_test_slow_ctx_init(struct lk_test_slow *lock, struct lk_test_slow_ctx *ctx,
                                         const struct lk_domain *domain) {
  return lk_ticket_ctx_init(&lock->ticket, &ctx->ticket, domain);
}

static inline void lk_test_slow_ctx_destroy(struct lk_test_slow *lock, struct lk_test_slow_ctx *ctx) {
  lk_ticket_ctx_destroy(&lock->ticket, &ctx->ticket);
}

static inline void lk_test_slow_lock(struct lk_test_slow *lock, struct lk_test_slow_ctx *ctx) {
  lk_ticket_lock(&lock->ticket, &ctx->ticket);
}

static inline bool lk_test_slow_trylock(struct lk_test_slow *lock, struct lk_test_slow_ctx *ctx) {
  return lk_ticket_trylock(&lock->ticket, &ctx->ticket);
}

static inline void lk_test_slow_unlock(struct lk_test_slow *lock, struct lk_test_slow_ctx *ctx) {
  for (uint32_t i = 0; i < lock->n_pauses; i++) lk_pause();
  lk_ticket_unlock(&lock->ticket, &ctx->ticket);
}

#endif
