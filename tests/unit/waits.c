// SPDX-License-Identifier: MIT
/* What is told of waits that were open at the close, and of the time that went into long ones, against brute force. */
#include "trial/waits.h"

#include <stdlib.h>

#include "check.h"
#include "machine/clock.h"
#include "random.h"

enum { N_THREADS = 7, N_WAITS = 3000 };

struct wait {
  uint64_t length, time_in_window;
  bool is_open;
};

static struct wait all[N_THREADS * N_WAITS];
static struct waits parts[N_THREADS];

/* Lengths over ten powers of ten; a few began before the window, and each thread ends with one that is open. */
static void draw(void) {
  struct random_state random = random_seed(11, 0);
  for (unsigned t = 0; t < N_THREADS; t++) {
    waits_make(&parts[t]);
    for (unsigned i = 0; i < N_WAITS; i++) {
      struct wait *wait = &all[t * N_WAITS + i];
      wait->length = random_next(&random) >> (30 + (random_next(&random) >> 32) % 33);
      wait->time_in_window = i == 0 ? wait->length / 3 : wait->length;
      wait->is_open = i + 1 == N_WAITS;
      if (wait->is_open) wait->length += 1000000;
      (wait->is_open ? waits_add_open : waits_add)(&parts[t], wait->length, wait->time_in_window);
    }
  }
  for (unsigned t = 1; t < N_THREADS; t++) waits_merge(&parts[0], &parts[t]);
}

static void time_in_long_waits_is_exact(void) {
  double limit_ns = 1000;
  for (unsigned limit = 0; limit < WAITS_N_LIMITS; limit++, limit_ns *= 10) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < N_THREADS * N_WAITS; i++)
      if ((double)all[i].length >= limit_ns / clock_scale.ns_per_tick) sum += all[i].time_in_window;
    check_about("from %g ns", limit_ns);
    CHECK(sum > 0);
    CHECK_EQ(sum, waits_time_from(&parts[0], limit));
  }
  check_about("%s", "");
}

static int by_length(const void *a, const void *b) {
  const struct wait *x = a, *y = b;
  return x->length < y->length ? -1 : x->length > y->length;
}

/* A quantile is a value if no wait up to it in the sorted list was open: told on the safe side, by a bucket at most. */
static void quantiles_from_the_shortest_open_wait_are_bounds(void) {
  qsort(all, N_THREADS * N_WAITS, sizeof *all, by_length);
  unsigned n_shorter = 0, n_surely = 0;
  while (!all[n_shorter].is_open) n_shorter++;
  while ((double)all[n_surely].length < (double)all[n_shorter].length * (1 - 1.0 / HISTOGRAM_N_SUB)) n_surely++;
  const double bound = waits_bound_from(&parts[0]);
  CHECK_EQ(N_THREADS, parts[0].n_open);
  CHECK_EQ(N_THREADS * N_WAITS, parts[0].lengths.n_values);
  CHECK_EQ(all[n_shorter].length, parts[0].shortest_open);
  CHECK(bound <= (double)n_shorter / (N_THREADS * N_WAITS));
  CHECK(bound >= (double)n_surely / (N_THREADS * N_WAITS));
  CHECK(bound > 0.3 && bound < 1);
}

static void without_open_waits_nothing_is_a_bound(void) {
  static struct waits waits;
  waits_make(&waits);
  CHECK(isnan(waits_bound_from(&waits)));
  waits_add(&waits, 5, 5);
  CHECK(isnan(waits_bound_from(&waits)));
  waits_add_open(&waits, 5, 0); /* of the same bucket as the other: then that may be one of the bounds */
  CHECK_EQ(0, waits_bound_from(&waits) * 1000);
  waits_add_open(&waits, 700, 600);
  waits_add(&waits, 3, 3);
  waits_add(&waits, 4, 4);
  CHECK_NEAR(0.4, waits_bound_from(&waits), 1e-12);
  CHECK_EQ(700, waits.lengths.max);
}

static void a_limit_belongs_to_the_longer_waits(void) {
  static struct waits waits;
  waits_make(&waits);
  waits_add(&waits, waits.limits[1] - 1, 10);
  waits_add(&waits, waits.limits[1], 100);
  waits_add(&waits, UINT64_MAX, 1000);
  CHECK_EQ(1110, waits_time_from(&waits, 0));
  CHECK_EQ(1100, waits_time_from(&waits, 1));
  CHECK_EQ(1000, waits_time_from(&waits, WAITS_N_LIMITS - 1));
}

int main(void) {
  clock_calibrate();
  draw();
  time_in_long_waits_is_exact();
  quantiles_from_the_shortest_open_wait_are_bounds();
  without_open_waits_nothing_is_a_bound();
  a_limit_belongs_to_the_longer_waits();
  return check_result();
}
