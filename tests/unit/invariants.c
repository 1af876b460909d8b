// SPDX-License-Identifier: MIT
/* A result whose numbers contradict each other is found, and why; one that just fits is let through. */
#include "trial/invariants.h"

#include "check.h"

static struct trial trial;
static struct trial_result result;

static void reset(void) {
  trial = (struct trial){.lock = registry_find("ticket"), .workload = {.n_threads = 4, .n_locks = 1}};
  result = (struct trial_result){
      .duration_s = 0.5,
      .overlap_pct = 99.5,
      .n_reads = 900,
      .n_writes = 100,
      .fairness = {.jain = 0.9, .min_share = 0.2, .max_share = 0.35},
      .n_owner_changes = 700,
      .n_handoffs = {[DISTANCE_SMT] = 300, [DISTANCE_LLC] = 400},
      .longest_run = 305, /* 1000 - 700 + 1, and one for each thread */
      .waits = trial_waits_unmeasured,
      .n_due = NAN,
  };
}

static void check_holds(int line) {
  char why[200];
  check_that(invariants_hold(&trial, &result, why, sizeof why), __FILE__, line, "refused: %s", why);
}

static void check_refused(const char *named, int line) {
  char why[200] = "";
  check_that(!invariants_hold(&trial, &result, why, sizeof why) && strstr(why, named) != NULL, __FILE__, line,
             "wanted a refusal with '%s', got '%s'", named, why);
  reset();
}

#define HOLDS() check_holds(__LINE__)
#define REFUSED(named) check_refused(named, __LINE__)

static void runs_and_owner_changes(void) {
  HOLDS();
  result.longest_run = 306;
  REFUSED("a run of 306");
  result.n_reads = 899;
  REFUSED("899 reads");
  result.n_handoffs[DISTANCE_LLC]--;
  REFUSED("700 owner changes");
  trial.lock = registry_find("rw_ticket"); /* its readers are no owners */
  REFUSED("a run of 305");
  trial.lock = registry_find("rw_ticket");
  result.n_owner_changes = result.n_handoffs[DISTANCE_SMT] = 50;
  result.n_handoffs[DISTANCE_LLC] = 0;
  result.longest_run = 55;
  HOLDS();
  reset();
  trial.lock = registry_find("empty"); /* it excludes no thread, and counts get lost */
  result.longest_run = 5000;
  HOLDS();
  reset();
}

static void shares(void) {
  result.fairness.min_share = 0.26;
  REFUSED("shares from 0.26");
  result.fairness.max_share = 0.24;
  REFUSED("to 0.24");
  result.fairness = (struct fairness){.jain = 0.3, .min_share = 0, .max_share = 0.3}; /* 3 times that is not all */
  REFUSED("to 0.3 ");
  result.fairness = (struct fairness){.jain = 0.3, .min_share = 0.1, .max_share = 0.8}; /* and this more than all */
  REFUSED("to 0.8");
  result.fairness.jain = 0.2;
  REFUSED("index 0.2");
  result.fairness.jain = NAN;
  REFUSED("index");
  result.fairness = (struct fairness){.jain = 0.25, .min_share = 0, .max_share = 1};
  HOLDS();
  result.n_reads = result.n_writes = result.n_owner_changes = result.longest_run = 0;
  memset(result.n_handoffs, 0, sizeof result.n_handoffs);
  REFUSED("shares"); /* of nothing */
  result.n_reads = result.n_writes = result.n_owner_changes = result.longest_run = 0;
  memset(result.n_handoffs, 0, sizeof result.n_handoffs);
  result.fairness = (struct fairness){NAN, NAN, NAN};
  HOLDS();
  reset();
}

static void waits(void) {
  const struct trial_waits good = {.p50_ns = 10, .p90_ns = 10, .p99_ns = 20, .p999_ns = 20, .max_ns = 30};
  trial.times_waits = true;
  HOLDS(); /* none was measured */
  result.waits = good;
  HOLDS();
  result.waits.max_ns = 19;
  trial.times_waits = true;
  REFUSED("waits");
  trial.times_waits = true;
  result.waits = good;
  result.waits.p50_ns = -1;
  REFUSED("waits");
  trial.times_waits = true;
  result.waits = good;
  result.waits.p99_ns = NAN;
  REFUSED("waits");
  result.waits = good; /* without having timed them */
  REFUSED("waits");
}

static void open_loop(double rate_per_s, double n_due) {
  trial.workload.rate_per_s = rate_per_s;
  result.n_due = n_due;
}

/* 1000 operations in half a second by four threads. */
static void arrivals(void) {
  open_loop(2000, 1000);
  HOLDS();
  open_loop(2000, 996); /* each thread was at one when the snapshot was taken */
  HOLDS();
  open_loop(2000, 995);
  REFUSED("1000 operations of 995");
  open_loop(5000, 2600); /* saturated */
  HOLDS();
  open_loop(500, 1000); /* four times what the rate makes due */
  REFUSED("at a rate of 500/s");
  open_loop(2000, NAN);
  REFUSED("at a rate");
  open_loop(0, 1000);
  REFUSED("at a rate of 0/s");
}

static void the_rest(void) {
  result.duration_s = 0;
  REFUSED("window of 0 s");
  result.duration_s = NAN;
  REFUSED("window");
  result.overlap_pct = 100.5;
  REFUSED("100.5 % overlap");
  result.n_failed_tries = 1;
  REFUSED("1 failed tries");
  result.n_failed_tries = 1;
  trial.workload.tries = true;
  HOLDS();
}

int main(void) {
  reset();
  runs_and_owner_changes();
  shares();
  waits();
  arrivals();
  the_rest();
  return check_result();
}
