// SPDX-License-Identifier: MIT
#include "arrivals.h"

#include "machine/clock.h"

static const double OWN_NEAR_NS = 1e6, OWN_EARLY_NS = 0.5e6, SHARED_NEAR_NS = 5e3;

/* So that no time overflows: decades. */
static const double MAX_TICKS = 1e18;

static double uniform(struct random_state *random) { return (double)(random_next(random) >> 11) * 0x1p-53; }

/*
 * Exponential with mean 1, by comparisons alone (J. von Neumann, "Various techniques used in connection with random
 * digits", 1951): numbers fall from x on for an odd time with probability exp(-x), and each time they do not is one
 * more whole step.
 */
static double exponential(struct random_state *random) {
  for (double n_steps = 0;; n_steps++) {
    const double x = uniform(random);
    bool is_odd = true;
    double last = x;
    for (double y; (y = uniform(random)) < last; last = y) is_odd = !is_odd;
    if (is_odd) return n_steps + x;
  }
}

struct arrivals arrivals_make(double per_s, bool has_own_cpu, struct random_state random) {
  return (struct arrivals){
      .random = random,
      .mean_ticks = 1e9 / per_s / clock_scale.ns_per_tick,
      .await = {.near_ticks = clock_ns_to_ticks(has_own_cpu ? OWN_NEAR_NS : SHARED_NEAR_NS),
                .early_ticks = has_own_cpu ? clock_ns_to_ticks(OWN_EARLY_NS) : 0},
  };
}

void arrivals_begin(struct arrivals *arrivals, uint64_t origin) {
  arrivals->origin = origin;
  arrivals->due_from_origin = 0;
  arrivals_next(arrivals);
}

void arrivals_next(struct arrivals *arrivals) {
  const double due = arrivals->due_from_origin + exponential(&arrivals->random) * arrivals->mean_ticks;
  arrivals->due_from_origin = due < MAX_TICKS ? due : MAX_TICKS;
  arrivals->due = arrivals->origin + (uint64_t)arrivals->due_from_origin;
}

void arrivals_drop_before(struct arrivals *arrivals, uint64_t ticks) {
  while (arrivals->due < ticks) arrivals_next(arrivals);
}

bool arrivals_await(const struct arrivals *arrivals, const _Atomic(uint32_t) *phase, uint32_t during) {
  return await_until(&arrivals->await, arrivals->due, phase, during);
}
