// SPDX-License-Identifier: MIT
/*
 * test_starves: a readers/writer lock that lets readers in beside others while writers wait, and promises writers a
 * bound nevertheless. Made for tests: the account of phases must find it out. All else of it is right.
 */
#ifndef LK_TEST_STARVES_H
#define LK_TEST_STARVES_H

#include "lk.h"

#define lk_test_starves_is_rw 1
#define lk_test_starves_writer_phases 3

enum { lk_test_starves_traits = LK_SPINS };

enum { LK_TEST_STARVES_WRITER = 1, LK_TEST_STARVES_READER = 2 };

struct lk_test_starves {
  LK_ATOMIC(uint32_t) inside; /* WRITER, or a READER for each */
  LK_CANARY_MEMBER
};

#define lk_test_starves_no_ctx 1
struct lk_test_starves_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_starves_init(struct lk_test_starves *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->inside, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_starves_destroy(struct lk_test_starves *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_starves_ctx_init(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx,
                                            const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_starves_ctx_destroy(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline bool lk_test_starves_tryrdlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  /* Relaxed: a guess, which the compare-exchange checks. */
  uint32_t inside = atomic_load_explicit(&lock->inside, memory_order_relaxed);
  while (!(inside & LK_TEST_STARVES_WRITER)) {
    /* Acquire: pairs with the release in wrunlock. */
    if (atomic_compare_exchange_strong_explicit(&lock->inside, &inside, inside + LK_TEST_STARVES_READER,
                                                memory_order_acquire, memory_order_relaxed))
      return true;
  }
  return false;
}

static inline void lk_test_starves_rdlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  while (!lk_test_starves_tryrdlock(lock, ctx)) lk_pause();
}

static inline void lk_test_starves_rdunlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire in trywrlock. */
  atomic_fetch_sub_explicit(&lock->inside, LK_TEST_STARVES_READER, memory_order_release);
}

static inline bool lk_test_starves_trywrlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  uint32_t nobody = 0;
  /* Acquire: pairs with the releases in rdunlock and wrunlock. */
  return atomic_compare_exchange_strong_explicit(&lock->inside, &nobody, LK_TEST_STARVES_WRITER, memory_order_acquire,
                                                 memory_order_relaxed);
}

static inline void lk_test_starves_wrlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  while (!lk_test_starves_trywrlock(lock, ctx)) lk_pause();
}

static inline void lk_test_starves_wrunlock(struct lk_test_starves *lock, struct lk_test_starves_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquires in tryrdlock and trywrlock. */
  atomic_store_explicit(&lock->inside, 0, memory_order_release);
}

#endif
