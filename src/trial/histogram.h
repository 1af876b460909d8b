// SPDX-License-Identifier: MIT
/*
 * histogram.h: counts of durations in buckets whose width is at most 1/32 of their value, so that a wait
 * of 20 ns and one of 20 s are both told to 3 %. Values below 32 are exact. The unit is the caller's.
 *
 * Source of the shape: linear sub-buckets in powers of two, as in G. Tene's HdrHistogram.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

enum {
  HISTOGRAM_SUB_BITS = 5,
  HISTOGRAM_N_SUB = 1 << HISTOGRAM_SUB_BITS,
  HISTOGRAM_N_BUCKETS = (64 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_N_SUB,
};

struct histogram {
  uint64_t n_values;
  uint64_t max; /* exact */
  uint64_t n_in_bucket[HISTOGRAM_N_BUCKETS];
};

/* The bucket of a value: the index grows with the value. */
static inline unsigned histogram_bucket(uint64_t value) {
  if (value < HISTOGRAM_N_SUB) return (unsigned)value;
  const unsigned exponent = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
  return (exponent + 1) * HISTOGRAM_N_SUB + (unsigned)((value >> exponent) - HISTOGRAM_N_SUB);
}

static inline void histogram_add(struct histogram *histogram, uint64_t value) {
  histogram->n_values++;
  histogram->n_in_bucket[histogram_bucket(value)]++;
  if (value > histogram->max) histogram->max = value;
}

/* Forgets all values. */
void histogram_clear(struct histogram *histogram);

/* Adds all of `from` to `into`. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/*
 * The smallest bucket's middle such that at least `quantile` (0 < quantile <= 1) of the values are not above
 * that bucket: the nearest-rank quantile, to 3 %, never above the maximum. 0 if there are no values.
 */
double histogram_quantile(const struct histogram *histogram, double quantile);

#endif
