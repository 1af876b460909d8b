// SPDX-License-Identifier: MIT
#include "workload.h"

void workload_think(const struct workload *workload, uint64_t spin_ticks, struct random_state *random) {
  if (workload->think == THINK_SPIN) {
    clock_spin(random_around(spin_ticks, random_next(random)));
  } else {
    const struct timespec pause = {.tv_sec = (time_t)(workload->think_ns / 1000000000u),
                                   .tv_nsec = (long)(workload->think_ns % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
  }
}
