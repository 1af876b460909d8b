// SPDX-License-Identifier: MIT
/*
 * test_wraps: the ticket lock, whose trylock takes it for free unless the next number is the larger one: right for 2^32
 * acquisitions. Made to show that the conformance client, where counters begin short of their end, catches it.
 */
#ifndef LK_TEST_WRAPS_H
#define LK_TEST_WRAPS_H

#include "ticket.h"

enum { lk_test_wraps_traits = lk_ticket_traits };

#define lk_test_wraps lk_ticket
#define lk_test_wraps_no_ctx 1
#define lk_test_wraps_ctx lk_ticket_ctx
#define lk_test_wraps_init lk_ticket_init
#define lk_test_wraps_destroy lk_ticket_destroy
#define lk_test_wraps_ctx_init lk_ticket_ctx_init
#define lk_test_wraps_ctx_destroy lk_ticket_ctx_destroy
#define lk_test_wraps_lock lk_ticket_lock
#define lk_test_wraps_unlock lk_ticket_unlock

static inline bool lk_test_wraps_trylock(struct lk_ticket *lock, struct lk_ticket_ctx *ctx) {
  (void)ctx;
  const uint32_t serving = atomic_load_explicit(&lock->serving, memory_order_acquire);
  uint32_t next = atomic_load_explicit(&lock->next, memory_order_relaxed);
  return next <= serving && atomic_compare_exchange_strong_explicit(&lock->next, &next, next + 1, memory_order_acquire,
                                                                    memory_order_relaxed);
}

#endif
