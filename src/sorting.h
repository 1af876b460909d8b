// SPDX-License-Identifier: MIT
/* sorting.h: measurements in ascending order, so that medians and quantiles can be read off. */
#ifndef SORTING_H
#define SORTING_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* For qsort. What is not a number comes last. */
static inline int compare_reals(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return isnan(x) ? !isnan(y) : isnan(y) ? -1 : (x > y) - (x < y);
}

static inline int compare_counts(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static inline void sort_reals(double *values, size_t n) {
  if (n > 0) qsort(values, n, sizeof *values, compare_reals);
}

static inline void sort_counts(uint64_t *values, size_t n) {
  if (n > 0) qsort(values, n, sizeof *values, compare_counts);
}

/* Sorts them. NAN where there are none. */
static inline double median_of_reals(double *values, size_t n) {
  if (n == 0) return NAN;
  sort_reals(values, n);
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

#endif
