// SPDX-License-Identifier: MIT
/* Waits from one tick to centuries are told to 3 %, and merging loses nothing. */
#include "trial/histogram.h"

#include "check.h"
#include "random.h"
#include "sorting.h"
#include "trial/workload.h"

enum { N_SAMPLES = 20000 };

static const double TOLERANCE = 0.03;

static void buckets_grow_with_the_value(void) {
  for (uint64_t value = 1; value < 1000000; value++) {
    const unsigned step = histogram_bucket(value) - histogram_bucket(value - 1);
    if (!check_that(step <= 1, __FILE__, __LINE__, "%u buckets between %" PRIu64 " and the one before", step, value))
      return;
  }
  for (unsigned bit = 6; bit < 64; bit++) {
    const uint64_t power = UINT64_C(1) << bit;
    check_about("2^%u", bit);
    CHECK_EQ(histogram_bucket(power - 1) + 1, histogram_bucket(power));
    CHECK_EQ(histogram_bucket(power), histogram_bucket(power + 1));
  }
  check_about("%s", "");
  CHECK_EQ(0, histogram_bucket(0));
  CHECK_EQ(HISTOGRAM_N_BUCKETS - 1, histogram_bucket(UINT64_MAX));
}

/* Between two far values, so that the maximum cannot help. */
static void a_value_is_told_to_3_percent(void) {
  static struct histogram histogram;
  struct random_state random = random_seed(1, 0);
  for (unsigned i = 0; i < N_SAMPLES; i++) {
    const uint64_t value = random_next(&random) >> (1 + i % 63);
    histogram_clear(&histogram);
    histogram_add(&histogram, value);
    histogram_add(&histogram, UINT64_MAX);
    check_about("%" PRIu64, value);
    if (!CHECK_NEAR((double)value, histogram_quantile(&histogram, 0.5), TOLERANCE)) return;
    if (value < HISTOGRAM_N_SUB && !CHECK_EQ(value, histogram_quantile(&histogram, 0.5))) return;
  }
  check_about("%s", "");
}

/* Sizes spread over thirty powers of two, most of them small: as waits are. */
static void draw(uint64_t *samples, unsigned n, uint64_t seed) {
  struct random_state random = random_seed(seed, 0);
  for (unsigned i = 0; i < n; i++) {
    const unsigned shift = (unsigned)(random_next(&random) >> 32) % 30;
    samples[i] = (random_next(&random) >> 34) >> shift;
  }
}

static void quantiles_agree_with_sorted_samples(void) {
  static uint64_t samples[N_SAMPLES];
  static struct histogram histogram;
  static const double quantiles[] = {0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
  draw(samples, N_SAMPLES, 2);
  histogram_clear(&histogram);
  for (unsigned i = 0; i < N_SAMPLES; i++) histogram_add(&histogram, samples[i]);
  sort_counts(samples, N_SAMPLES);
  for (unsigned i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
    const unsigned rank = (unsigned)ceil(quantiles[i] * N_SAMPLES);
    check_about("quantile %g", quantiles[i]);
    CHECK_NEAR((double)samples[rank - 1], histogram_quantile(&histogram, quantiles[i]), TOLERANCE);
  }
  check_about("%s", "");
  CHECK_EQ(samples[N_SAMPLES - 1], histogram.max);
  CHECK_EQ(N_SAMPLES, histogram.n_values);
}

static void merging_is_adding(void) {
  static uint64_t samples[N_SAMPLES];
  static struct histogram parts[3], merged, whole;
  draw(samples, N_SAMPLES, 3);
  for (unsigned i = 0; i < N_SAMPLES; i++) {
    histogram_add(&parts[i % 7 % 3], samples[i]);
    histogram_add(&whole, samples[i]);
  }
  for (unsigned i = 0; i < 3; i++) histogram_merge(&merged, &parts[i]);
  CHECK(memcmp(&merged, &whole, sizeof whole) == 0);
}

static void no_quantile_is_above_the_maximum(void) {
  struct histogram histogram = {0};
  CHECK_EQ(0, histogram_quantile(&histogram, 0.5));
  histogram_add(&histogram, 993); /* in the lower half of its bucket */
  CHECK_EQ(993, histogram_quantile(&histogram, 0.5));
  CHECK_EQ(993, histogram_quantile(&histogram, 1));
  histogram_clear(&histogram);
  CHECK_EQ(0, histogram.n_values);
  CHECK_EQ(0, histogram.max);
  CHECK_EQ(0, histogram_quantile(&histogram, 1));
}

int main(void) {
  buckets_grow_with_the_value();
  a_value_is_told_to_3_percent();
  quantiles_agree_with_sorted_samples();
  merging_is_adding();
  no_quantile_is_above_the_maximum();
  return check_result();
}
