// SPDX-License-Identifier: MIT
#include "fairness.h"

#include <math.h>

struct fairness fairness_of(const uint64_t *n_acquired, unsigned n_threads) {
  double sum = 0, sum_of_squares = 0;
  uint64_t min = n_acquired[0], max = n_acquired[0];
  for (unsigned i = 0; i < n_threads; i++) {
    const double x = (double)n_acquired[i];
    sum += x;
    sum_of_squares += x * x;
    if (n_acquired[i] < min) min = n_acquired[i];
    if (n_acquired[i] > max) max = n_acquired[i];
  }
  if (sum == 0) return (struct fairness){NAN, NAN, NAN};
  return (struct fairness){
      .jain = sum * sum / (n_threads * sum_of_squares),
      .min_share = (double)min / sum,
      .max_share = (double)max / sum,
  };
}
