// SPDX-License-Identifier: MIT
/*
 * test_fourth_writer: a readers/writer lock that counts writers in two bits. With three of them there, the fourth makes
 * the count zero and takes itself for the only one. Made for tests: a client with fewer than four threads finds it
 * right, one with four or more must catch it.
 *
 *   state   the low bits: readers that are inside or trying; the top two: writers that are inside or trying
 *
 * An arrival counts itself in, looks whether it may stay, and otherwise counts itself out and tries again; so after
 * the fault every writer still gets in and out.
 */
#ifndef LK_TEST_FOURTH_WRITER_H
#define LK_TEST_FOURTH_WRITER_H

#include "lk.h"

#define lk_test_fourth_writer_is_rw 1

enum { lk_test_fourth_writer_traits = LK_SPINS };

enum { LK_TEST_FOURTH_WRITER_SHIFT = 30 }; /* of the writers' count */

struct lk_test_fourth_writer {
  LK_ATOMIC(uint32_t) state;
  LK_CANARY_MEMBER
};

#define lk_test_fourth_writer_no_ctx 1
struct lk_test_fourth_writer_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_test_fourth_writer_init(struct lk_test_fourth_writer *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->state, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_test_fourth_writer_destroy(struct lk_test_fourth_writer *lock) { LK_CANARY_CHECK(lock); }

static inline bool lk_test_fourth_writer_ctx_init(struct lk_test_fourth_writer *lock,
                                                  struct lk_test_fourth_writer_ctx *ctx,
                                                  const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}

static inline void lk_test_fourth_writer_ctx_destroy(struct lk_test_fourth_writer *lock,
                                                     struct lk_test_fourth_writer_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_test_fourth_writer_rdunlock(struct lk_test_fourth_writer *lock,
                                                  struct lk_test_fourth_writer_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquire in trywrlock. */
  atomic_fetch_sub_explicit(&lock->state, 1, memory_order_release);
}

static inline bool lk_test_fourth_writer_tryrdlock(struct lk_test_fourth_writer *lock,
                                                   struct lk_test_fourth_writer_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  /* Acquire: pairs with the release in wrunlock. */
  const uint32_t others = atomic_fetch_add_explicit(&lock->state, 1, memory_order_acquire);
  if (others >> LK_TEST_FOURTH_WRITER_SHIFT == 0) return true;
  lk_test_fourth_writer_rdunlock(lock, ctx);
  return false;
}

static inline void lk_test_fourth_writer_rdlock(struct lk_test_fourth_writer *lock,
                                                struct lk_test_fourth_writer_ctx *ctx) {
  while (!lk_test_fourth_writer_tryrdlock(lock, ctx)) lk_pause();
}

static inline void lk_test_fourth_writer_wrunlock(struct lk_test_fourth_writer *lock,
                                                  struct lk_test_fourth_writer_ctx *ctx) {
  (void)ctx;
  /* Release: pairs with the acquires in tryrdlock and trywrlock. */
  atomic_fetch_sub_explicit(&lock->state, UINT32_C(1) << LK_TEST_FOURTH_WRITER_SHIFT, memory_order_release);
}

static inline bool lk_test_fourth_writer_trywrlock(struct lk_test_fourth_writer *lock,
                                                   struct lk_test_fourth_writer_ctx *ctx) {
  LK_CANARY_CHECK(lock);
  const uint32_t self = UINT32_C(1) << LK_TEST_FOURTH_WRITER_SHIFT;
  /* Acquire: pairs with the releases in rdunlock and wrunlock. */
  const uint32_t all = atomic_fetch_add_explicit(&lock->state, self, memory_order_acquire) + self;
  /* At most one writer, and no reader: the fault, since of four writers none is left in two bits. */
  if (all <= self) return true;
  lk_test_fourth_writer_wrunlock(lock, ctx);
  return false;
}

static inline void lk_test_fourth_writer_wrlock(struct lk_test_fourth_writer *lock,
                                                struct lk_test_fourth_writer_ctx *ctx) {
  while (!lk_test_fourth_writer_trywrlock(lock, ctx)) lk_pause();
}

#endif
