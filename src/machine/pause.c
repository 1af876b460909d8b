// SPDX-License-Identifier: MIT
#include "pause.h"

#include <math.h>

#include "clock.h"
#include "lk_arch.h"
#include "sorting.h"

enum { N_BATCHES = 301, PAUSES_PER_BATCH = 100 };

double pause_measure_ns(void) {
  uint64_t batch_ns[N_BATCHES];
  for (int i = 0; i < N_BATCHES; i++) {
    const uint64_t start_ns = clock_now_ns();
    for (int j = 0; j < PAUSES_PER_BATCH; j++) lk_pause();
    batch_ns[i] = clock_now_ns() - start_ns;
  }
  sort_counts(batch_ns, N_BATCHES);
  const double ns = (double)batch_ns[N_BATCHES / 2] / PAUSES_PER_BATCH;
  return ns > 0.1 ? ns : 0.1; /* a clock too coarse to tell */
}

uint32_t pause_count(double ns, double pause_ns) {
  if (ns <= 0) return 0;
  return (uint32_t)fmin(fmax(1, round(ns / pause_ns)), UINT32_MAX);
}
