// SPDX-License-Identifier: MIT
#include "call_cost.h"

#include <math.h>

#include "clock.h"
#include "lk_wait.h"
#include "sorting.h"

enum { N_BATCHES = 301, CALLS_PER_BATCH = 100, N_STEPS = 10000 };

/* Inlined with its argument, here and below: a call through a pointer would be a tenth of what is measured. */
static inline double median_ns(uint64_t (*call)(void)) {
  uint64_t batch_ns[N_BATCHES];
  for (int i = 0; i < N_BATCHES; i++) {
    const uint64_t start_ns = clock_now_ns();
    for (int j = 0; j < CALLS_PER_BATCH; j++) (void)call();
    batch_ns[i] = clock_now_ns() - start_ns;
  }
  sort_counts(batch_ns, N_BATCHES);
  const uint64_t median = batch_ns[N_BATCHES / 2];
  return median > 0 ? (double)median / CALLS_PER_BATCH : NAN;
}

/* In the clock's own unit. */
static inline double least_step(uint64_t (*read)(void)) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < N_STEPS; i++) {
    const uint64_t first = read(), step = read() - first;
    if (step > 0 && step < least) least = step;
  }
  return least < UINT64_MAX ? (double)least : NAN;
}

struct clock_cost call_cost_system_clock(void) {
  return (struct clock_cost){.read_ns = median_ns(clock_now_ns), .resolution_ns = least_step(clock_now_ns)};
}

struct clock_cost call_cost_wait_clock(void) {
  return (struct clock_cost){.read_ns = median_ns(clock_ticks_ordered),
                             .resolution_ns = clock_ticks_to_ns(least_step(clock_ticks_ordered))};
}

static uint64_t wake_nobody(void) {
  static _Atomic(uint32_t) word;
  lk_wait_wake_one(&word);
  return 0;
}

double call_cost_futex_wake_ns(void) { return median_ns(wake_nobody); }
