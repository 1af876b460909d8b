// SPDX-License-Identifier: MIT
/*
 * test_looks_back: the ticket lock, whose unlock counts itself after it has let the next one in. Made for tests: it
 * excludes, but says that the last to unlock it may free it, and then counts in freed memory.
 */
#ifndef LK_TEST_LOOKS_BACK_H
#define LK_TEST_LOOKS_BACK_H

#include "ticket.h"

enum { lk_test_looks_back_traits = LK_FIFO | LK_SPINS | LK_FREED_BY_LAST };

struct lk_test_looks_back {
  struct lk_ticket ticket;
  LK_ATOMIC(uint32_t) n_unlocks;
};

#define lk_test_looks_back_no_ctx 1
struct lk_test_looks_back_ctx {
  struct lk_ticket_ctx ticket;
};

static inline bool lk_test_looks_back_init(struct lk_test_looks_back *lock, const struct lk_config *config) {
  atomic_init(&lock->n_unlocks, 0);
  return lk_ticket_init(&lock->ticket, config);
}

static inline void lk_test_looks_back_destroy(struct lk_test_looks_back *lock) { lk_ticket_destroy(&lock->ticket); }

static inline bool lk_test_looks_back_ctx_init(struct lk_test_looks_back *lock, struct lk_test_looks_back_ctx *ctx,
                                               const struct lk_domain *domain) {
  return lk_ticket_ctx_init(&lock->ticket, &ctx->ticket, domain);
}

static inline void lk_test_looks_back_ctx_destroy(struct lk_test_looks_back *lock, struct lk_test_looks_back_ctx *ctx) {
  (void)lock, (void)ctx; /* the ticket lock has nothing to do here, and `lock` may be gone */
}

static inline void lk_test_looks_back_lock(struct lk_test_looks_back *lock, struct lk_test_looks_back_ctx *ctx) {
  lk_ticket_lock(&lock->ticket, &ctx->ticket);
}

static inline bool lk_test_looks_back_trylock(struct lk_test_looks_back *lock, struct lk_test_looks_back_ctx *ctx) {
  return lk_ticket_trylock(&lock->ticket, &ctx->ticket);
}

static inline void lk_test_looks_back_unlock(struct lk_test_looks_back *lock, struct lk_test_looks_back_ctx *ctx) {
  lk_ticket_unlock(&lock->ticket, &ctx->ticket);
  /* Relaxed: too late in any order, which is the fault that this lock is made for. */
  atomic_fetch_add_explicit(&lock->n_unlocks, 1, memory_order_relaxed);
}

#endif
