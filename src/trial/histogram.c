// SPDX-License-Identifier: MIT
#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_clear(struct histogram *histogram) { memset(histogram, 0, sizeof *histogram); }

void histogram_merge(struct histogram *into, const struct histogram *from) {
  into->n_values += from->n_values;
  if (from->max > into->max) into->max = from->max;
  for (unsigned i = 0; i < HISTOGRAM_N_BUCKETS; i++) into->n_in_bucket[i] += from->n_in_bucket[i];
}

static double bucket_middle(unsigned bucket) {
  if (bucket < 2 * HISTOGRAM_N_SUB) return bucket; /* one value wide: exact */
  const unsigned exponent = bucket / HISTOGRAM_N_SUB - 1;
  const double first = ldexp(HISTOGRAM_N_SUB + bucket % HISTOGRAM_N_SUB, (int)exponent);
  return first + (ldexp(1, (int)exponent) - 1) / 2;
}

double histogram_quantile(const struct histogram *histogram, double quantile) {
  if (histogram->n_values == 0) return 0;
  const double rank = ceil(quantile * (double)histogram->n_values);
  uint64_t n_seen = 0;
  for (unsigned i = 0; i < HISTOGRAM_N_BUCKETS; i++) {
    n_seen += histogram->n_in_bucket[i];
    if ((double)n_seen >= rank && histogram->n_in_bucket[i] > 0) return fmin(bucket_middle(i), (double)histogram->max);
  }
  return (double)histogram->max;
}
