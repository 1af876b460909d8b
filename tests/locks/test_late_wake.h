// SPDX-License-Identifier: MIT
/*
 * test_late_wake: futex, but a waiter that was woken looks at the clock first, and gives up if it is late: the wake-up
 * is lost to those that still sleep. Made to show that GenMC and Relacy catch it.
 */
#ifndef LK_TEST_LATE_WAKE_H
#define LK_TEST_LATE_WAKE_H

#include "futex.h"
#include "lk_clock.h"

#define lk_test_late_wake_is_timed 1

enum { lk_test_late_wake_traits = LK_PARKS };

#define lk_test_late_wake lk_futex
#define lk_test_late_wake_no_ctx 1
#define lk_test_late_wake_ctx lk_futex_ctx
#define lk_test_late_wake_init lk_futex_init
#define lk_test_late_wake_destroy lk_futex_destroy
#define lk_test_late_wake_ctx_init lk_futex_ctx_init
#define lk_test_late_wake_ctx_destroy lk_futex_ctx_destroy
#define lk_test_late_wake_lock lk_futex_lock
#define lk_test_late_wake_trylock lk_futex_trylock
#define lk_test_late_wake_unlock lk_futex_unlock

static inline bool lk_test_late_wake_timedlock(struct lk_futex *lock, struct lk_futex_ctx *ctx, uint64_t deadline_ns) {
  if (lk_futex_trylock(lock, ctx)) return true;
  while (atomic_exchange_explicit(&lock->state, LK_FUTEX_CONTENDED, memory_order_acquire) != LK_FUTEX_FREE) {
    (void)lk_wait_sleep_until(&lock->state, LK_FUTEX_CONTENDED, deadline_ns);
    if (lk_clock_ns() >= deadline_ns) return false;
  }
  return true;
}

#endif
