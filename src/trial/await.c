// SPDX-License-Identifier: MIT
#include "await.h"

#include <time.h>

#include "machine/clock.h"

/* Or shorter, if a signal comes. */
static void sleep_for(uint64_t n_ticks) {
  const uint64_t ns = (uint64_t)clock_ticks_to_ns((double)n_ticks);
  const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

bool await_until(const struct await *await, uint64_t due, const _Atomic(uint32_t) *phase, uint32_t during) {
  for (uint64_t now; (now = clock_ticks()) < due;) {
    /* Relaxed: as in loop() of instance.c. */
    if (atomic_load_explicit(phase, memory_order_relaxed) != during) return false;
    const uint64_t n_left = due - now;
    if (n_left > await->near_ticks) sleep_for(n_left - await->early_ticks);
  }
  return true;
}
