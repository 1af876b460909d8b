// SPDX-License-Identifier: MIT
/*
 * test_one_line: anderson, but its constants lie where arrivals write, so that each unlock first waits for that line.
 * Made to show that tests/lines catches it.
 */
#ifndef LK_TEST_ONE_LINE_H
#define LK_TEST_ONE_LINE_H

#include "anderson.h"

enum { lk_test_one_line_traits = lk_anderson_traits };

#define lk_test_one_line_no_trylock 1
#define lk_test_one_line_ctx lk_anderson_ctx

struct lk_test_one_line {
  LK_ALIGNED(LK_LINE_BYTES) LK_ATOMIC(uint32_t) next;
  uint32_t mask;
  struct lk_anderson_slot *slots;
};

static inline bool lk_test_one_line_init(struct lk_test_one_line *lock, const struct lk_config *config) {
  struct lk_anderson separate;
  if (!lk_anderson_init(&separate, config)) return false;
  atomic_init(&lock->next, LK_FIRST);
  lock->mask = separate.mask;
  lock->slots = separate.slots;
  return true;
}

static inline void lk_test_one_line_destroy(struct lk_test_one_line *lock) { free(lock->slots); }

static inline bool lk_test_one_line_ctx_init(struct lk_test_one_line *lock, struct lk_anderson_ctx *ctx,
                                             const struct lk_domain *domain) {
  (void)lock, (void)domain;
  ctx->mine = 0;
  return true;
}

static inline void lk_test_one_line_ctx_destroy(struct lk_test_one_line *lock, struct lk_anderson_ctx *ctx) {
  (void)lock, (void)ctx;
}

static inline void lk_test_one_line_lock(struct lk_test_one_line *lock, struct lk_anderson_ctx *ctx) {
  ctx->mine = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);
  struct lk_anderson_slot *const slot = &lock->slots[ctx->mine & lock->mask];
  while (atomic_load_explicit(&slot->serving, memory_order_acquire) != ctx->mine) lk_pause();
}

static inline void lk_test_one_line_unlock(struct lk_test_one_line *lock, struct lk_anderson_ctx *ctx) {
  const uint32_t successor = ctx->mine + 1;
  atomic_store_explicit(&lock->slots[successor & lock->mask].serving, successor, memory_order_release);
}

#endif
