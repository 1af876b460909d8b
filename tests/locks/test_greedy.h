// SPDX-License-Identifier: MIT
/*
 * test_greedy: a cohort lock that forgets how often it has handed over inside a domain, so that one domain may keep it
 * for ever. Made for tests: the conformance client must catch it by its bound; it excludes as it should.
 */
#ifndef LK_TEST_GREEDY_H
#define LK_TEST_GREEDY_H

#include "cohort.h"
#include "lk.h"

enum { lk_test_greedy_traits = lk_cohort_traits };

#define lk_test_greedy_has_domains 1
static inline uint64_t lk_test_greedy_domain_run(const struct lk_config *config) {
  return lk_cohort_domain_run(config);
}

#define lk_test_greedy_is_bounded 1
static inline uint64_t lk_test_greedy_bypass(const struct lk_config *config) { return lk_cohort_bypass(config); }

struct lk_test_greedy {
  struct lk_cohort cohort;
};

struct lk_test_greedy_ctx {
  struct lk_cohort_ctx cohort;
};

static inline bool lk_test_greedy_init(struct lk_test_greedy *lock, const struct lk_config *config) {
  if (!lk_cohort_init(&lock->cohort, config)) return false;
  return true;
}

static inline void lk_test_greedy_destroy(struct lk_test_greedy *lock) { lk_cohort_destroy(&lock->cohort); }

static inline bool lk_test_greedy_ctx_init(struct lk_test_greedy *lock, struct lk_test_greedy_ctx *ctx,
                                           const struct lk_domain *domain) {
  return lk_cohort_ctx_init(&lock->cohort, &ctx->cohort, domain);
}

static inline void lk_test_greedy_ctx_destroy(struct lk_test_greedy *lock, struct lk_test_greedy_ctx *ctx) {
  lk_cohort_ctx_destroy(&lock->cohort, &ctx->cohort);
}

static inline void lk_test_greedy_lock(struct lk_test_greedy *lock, struct lk_test_greedy_ctx *ctx) {
  lk_cohort_lock(&lock->cohort, &ctx->cohort);
}

static inline bool lk_test_greedy_trylock(struct lk_test_greedy *lock, struct lk_test_greedy_ctx *ctx) {
  return lk_cohort_trylock(&lock->cohort, &ctx->cohort);
}

static inline void lk_test_greedy_unlock(struct lk_test_greedy *lock, struct lk_test_greedy_ctx *ctx) {
  ctx->cohort.domain->n_passes = 0;
  lk_cohort_unlock(&lock->cohort, &ctx->cohort);
}

#endif
