// SPDX-License-Identifier: MIT
/* Which trials the machine was in the way of, and that each is told in words. */
#include "trial/noise.h"

#include "check.h"

static char name[] = "compact";
static const struct placement placement = {.name = name, .is_pinned = true, .n_cpus = 2};
static struct trial trial = {
    .placement = &placement, .workload = {.n_threads = 4}, .warmup_s = 0.01, .duration_s = 0.1};

static struct trial_result good(void) {
  return (struct trial_result){.status = TRIAL_OK, .duration_s = 0.1, .overlap_pct = 100, .throttled_pct = NAN};
}

static void check(enum noise want, const char *words, const struct trial_result *result) {
  char why[200] = "?";
  CHECK_EQ(want, noise_of(&trial, result, why, sizeof why));
  CHECK(strstr(why, words) != NULL);
  if (want == NOISE_NONE) CHECK_TEXT("", why);
}

static void what_is_in_the_way_is_told(void) {
  struct trial_result r = good();
  check(NOISE_NONE, "", &r);
  r.standstill_s = 0.019;
  r.steal_pct = 9;
  check(NOISE_NONE, "", &r);
  r = good();
  r.standstill_s = 0.03;
  check(NOISE_SPOILED, "stood still for 0.03 s of a window of 0.1 s", &r);
  r = good();
  r.overlap_pct = 62;
  check(NOISE_SPOILED, "all threads were at work in only 62 % of the window", &r);
  r.n_late = 3;
  check(NOISE_SPOILED, "3 of 4 threads got no CPU", &r);
  r = good();
  r.steal_pct = 11;
  check(NOISE_TOLD, "the hypervisor took 11 %", &r);
  r = good();
  r.throttled_pct = 40;
  check(NOISE_TOLD, "a CPU quota", &r);
}

static void a_long_window_may_be_off_by_more(void) {
  struct trial_result r = good();
  trial.duration_s = 10;
  r.standstill_s = 0.9;
  check(NOISE_NONE, "", &r);
  r.standstill_s = 1.1;
  check(NOISE_SPOILED, "stood still", &r);
  trial.duration_s = 0.1;
}

/* A window that was late because the CPUs were withheld has that in its columns. */
static void what_was_withheld_explains_a_late_window(void) {
  struct trial_result r = good();
  r.standstill_s = 0.05;
  r.throttled_pct = 30;
  check(NOISE_TOLD, "a CPU quota", &r);
  r.standstill_s = 0.09;
  check(NOISE_SPOILED, "stood still", &r);
  r.steal_pct = 30;
  check(NOISE_TOLD, "the hypervisor", &r);
}

/* Without a warm-up the start of the threads is measured along with the lock: that is what was asked for. */
static void without_a_warmup_only_a_thread_that_never_ran_counts(void) {
  struct trial_result r = good();
  trial.warmup_s = 0;
  r.overlap_pct = 50;
  check(NOISE_NONE, "", &r);
  r.n_late = 1;
  check(NOISE_SPOILED, "1 of 4 threads", &r);
  trial.warmup_s = 0.01;
}

static void two_clocks_that_run_apart_spoil_waits(void) {
  struct trial_result r = good();
  r.ticks_ahead_s = 0.05;
  check(NOISE_NONE, "", &r);
  trial.times_waits = true;
  check(NOISE_SPOILED, "the clock of the waits ran 0.05 s ahead", &r);
  r.ticks_ahead_s = -0.05;
  check(NOISE_SPOILED, "0.05 s behind", &r);
  trial.times_waits = false;
}

int main(void) {
  what_is_in_the_way_is_told();
  a_long_window_may_be_off_by_more();
  what_was_withheld_explains_a_late_window();
  without_a_warmup_only_a_thread_that_never_ran_counts();
  two_clocks_that_run_apart_spoil_waits();
  return check_result();
}
