// SPDX-License-Identifier: MIT
/*
 * lk_clock.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets. The
 * client lets a second pass at some moment; since nothing orders that against the threads, each look at the clock
 * finds either time, and the checker tries both.
 */
#ifndef LK_CLOCK_H
#define LK_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "lk_arch.h"

static _Atomic(uint64_t) lk_clock_now_ns;

static inline uint64_t lk_clock_ns(void) { return atomic_load_explicit(&lk_clock_now_ns, memory_order_relaxed); }

static inline void lk_clock_pause_until(uint64_t time_ns) {
  (void)time_ns;
  lk_pause();
}

static inline void lk_clock_yield_until(uint64_t time_ns) { lk_clock_pause_until(time_ns); }

static inline void lk_clock_let_pass(void) {
  atomic_store_explicit(&lk_clock_now_ns, UINT64_C(1000000000), memory_order_relaxed);
}

#endif
