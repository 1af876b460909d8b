// SPDX-License-Identifier: MIT
/* The arrivals of an open loop are a Poisson process of the rate that was asked for, and are kept. */
#include "trial/arrivals.h"

#include <pthread.h>
#include <stdlib.h>

#include "check.h"
#include "machine/clock.h"

enum { N = 200000 };

static double gaps[N]; /* in means */

static struct arrivals make(double per_s, bool has_own_cpu, unsigned stream) {
  return arrivals_make(per_s, has_own_cpu, random_seed(5, stream));
}

static void draw_gaps(double per_s) {
  struct arrivals arrivals = make(per_s, true, 0);
  double before = 0;
  arrivals_begin(&arrivals, 1000);
  for (unsigned i = 0; i < N; i++, arrivals_next(&arrivals)) {
    gaps[i] = (arrivals.due_from_origin - before) / arrivals.mean_ticks;
    before = arrivals.due_from_origin;
  }
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov: at 1 in 10 000 the greatest distance is 2.23 / sqrt(n); the seed is fixed. */
static void gaps_are_exponential(void) {
  draw_gaps(1e5);
  qsort(gaps, N, sizeof *gaps, ascending);
  double distance = 0;
  for (unsigned i = 0; i < N; i++) {
    const double p = 1 - exp(-gaps[i]);
    distance = fmax(distance, fmax(p - (double)i / N, (double)(i + 1) / N - p));
  }
  check_that(distance < 2.23 / sqrt(N), __FILE__, __LINE__, "distance %g", distance);
}

/* Neighbours must not know of each other: of independent gaps the correlation is 0, to 4 standard errors. */
static void gaps_are_independent(void) {
  draw_gaps(1e5);
  double sum = 0;
  for (unsigned i = 1; i < N; i++) sum += (gaps[i - 1] - 1) * (gaps[i] - 1);
  check_that(fabs(sum / N) < 4 / sqrt(N), __FILE__, __LINE__, "correlation %g", sum / N);
}

/* Also where a gap is less than a tick, so that rounding each of them would change the rate. */
static void the_rate_is_kept_at_any_rate(void) {
  const double rates[] = {0.5, 1e3, 1e6, 1e9, 1e11};
  for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++) {
    struct arrivals arrivals = make(rates[i], false, i);
    arrivals_begin(&arrivals, 12345);
    for (unsigned n = 0; n < N; n++) arrivals_next(&arrivals);
    check_about("%g/s", rates[i]);
    CHECK_NEAR(N / rates[i], clock_ticks_to_ns((double)(arrivals.due - 12345)) / 1e9, 5 / sqrt(N));
  }
  check_about("%s", "");
}

static void the_seed_decides_and_threads_differ(void) {
  struct arrivals one = make(1e6, true, 1), same = make(1e6, false, 1), other = make(1e6, true, 2);
  arrivals_begin(&one, 7);
  arrivals_begin(&same, 7);
  arrivals_begin(&other, 7);
  CHECK_EQ(one.due, same.due);
  CHECK(one.due != other.due);
}

static void what_was_due_before_is_left_out(void) {
  struct arrivals arrivals = make(1e6, true, 0), dropped = make(1e6, true, 0);
  arrivals_begin(&arrivals, 7);
  arrivals_begin(&dropped, 7);
  for (unsigned i = 0; i < 1000; i++) arrivals_next(&arrivals);
  arrivals_drop_before(&dropped, arrivals.due);
  CHECK_EQ(arrivals.due, dropped.due);
  arrivals_drop_before(&dropped, arrivals.due);
  CHECK_EQ(arrivals.due, dropped.due);
}

/* Whichever way it passes the time, it is never early; and what is late is not waited for. */
static void it_waits_until_the_next_is_due(void) {
  static _Atomic(uint32_t) phase = 3;
  for (unsigned has_own_cpu = 0; has_own_cpu < 2; has_own_cpu++) {
    struct arrivals arrivals = make(2000, has_own_cpu, 0);
    arrivals_begin(&arrivals, clock_ticks());
    for (unsigned i = 0; i < 50; i++, arrivals_next(&arrivals)) {
      CHECK(arrivals_await(&arrivals, &phase, 3));
      CHECK(clock_ticks() >= arrivals.due);
    }
  }
  struct arrivals late = make(1e9, true, 0);
  arrivals_begin(&late, clock_ticks() - clock_ns_to_ticks(1e9));
  CHECK(arrivals_await(&late, &phase, 4)); /* due, so nobody looks at the phase */
}

static _Atomic(uint32_t) closing;

static void *close_soon(void *argument) {
  (void)argument;
  atomic_store_explicit(&closing, 1, memory_order_relaxed);
  return NULL;
}

static void the_end_of_the_phase_ends_the_wait(void) {
  pthread_t thread;
  struct arrivals arrivals = make(1e-3, true, 0); /* the next one is due in about a quarter of an hour */
  arrivals_begin(&arrivals, clock_ticks());
  arrivals.await.near_ticks = UINT64_MAX; /* a sleeper would be woken by the trial: see crew.c */
  CHECK_EQ(0, pthread_create(&thread, NULL, close_soon, NULL));
  CHECK(!arrivals_await(&arrivals, &closing, 0));
  pthread_join(thread, NULL);
}

int main(void) {
  clock_calibrate();
  gaps_are_exponential();
  gaps_are_independent();
  the_rate_is_kept_at_any_rate();
  the_seed_decides_and_threads_differ();
  what_was_due_before_is_left_out();
  it_waits_until_the_next_is_due();
  the_end_of_the_phase_ends_the_wait();
  return check_result();
}
