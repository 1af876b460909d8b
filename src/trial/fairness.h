// SPDX-License-Identifier: MIT
/* fairness.h: how evenly a trial's acquisitions were spread over its threads. */
#ifndef FAIRNESS_H
#define FAIRNESS_H

#include <stdint.h>

struct fairness {
  double jain;      /* 1/n (one thread got all) .. 1 (all got the same) */
  double min_share; /* share of the total that the least and the most served thread got, 0 .. 1 */
  double max_share;
};

/*
 * Of n_threads >= 1 counts of acquisitions. All NaN where no thread acquired anything.
 * Source: R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination for Resource
 * Allocation in Shared Computer Systems", DEC-TR-301, 1984: (sum x)^2 / (n * sum x^2).
 */
struct fairness fairness_of(const uint64_t *n_acquired, unsigned n_threads);

#endif
