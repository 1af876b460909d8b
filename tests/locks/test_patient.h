// SPDX-License-Identifier: MIT
/*
 * test_patient: a spin lock whose trylock waits for its turn. Made for tests: the checkers must catch that it waits; it
 * excludes as it should.
 */
#ifndef LK_TEST_PATIENT_H
#define LK_TEST_PATIENT_H

#include "lk.h"
#include "ticket.h"

enum { lk_test_patient_traits = lk_ticket_traits };

struct lk_test_patient {
  struct lk_ticket ticket;
};

#define lk_test_patient_no_ctx 1
struct lk_test_patient_ctx {
  struct lk_ticket_ctx ticket;
};

static inline bool lk_test_patient_init(struct lk_test_patient *lock, const struct lk_config *config) {
  return lk_ticket_init(&lock->ticket, config);
}

static inline void lk_test_patient_destroy(struct lk_test_patient *lock) { lk_ticket_destroy(&lock->ticket); }

static inline bool lk_test_patient_ctx_init(struct lk_test_patient *lock, struct lk_test_patient_ctx *ctx,
                                            const struct lk_domain *domain) {
  return lk_ticket_ctx_init(&lock->ticket, &ctx->ticket, domain);
}

static inline void lk_test_patient_ctx_destroy(struct lk_test_patient *lock, struct lk_test_patient_ctx *ctx) {
  lk_ticket_ctx_destroy(&lock->ticket, &ctx->ticket);
}

static inline void lk_test_patient_lock(struct lk_test_patient *lock, struct lk_test_patient_ctx *ctx) {
  lk_ticket_lock(&lock->ticket, &ctx->ticket);
}

static inline bool lk_test_patient_trylock(struct lk_test_patient *lock, struct lk_test_patient_ctx *ctx) {
  lk_ticket_lock(&lock->ticket, &ctx->ticket);
  return true;
}

static inline void lk_test_patient_unlock(struct lk_test_patient *lock, struct lk_test_patient_ctx *ctx) {
  lk_ticket_unlock(&lock->ticket, &ctx->ticket);
}

#endif
