// SPDX-License-Identifier: MIT
#include "invariants.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const double ROUNDING = 1e-9;

static bool is_within(double low, double x, double high) { return x >= low - ROUNDING && x <= high + ROUNDING; }

static bool window_holds(const struct trial_result *r) {
  return isfinite(r->duration_s) && r->duration_s > 0 && is_within(0, r->overlap_pct, 100);
}

/* Of n shares whose sum is 1, each between the least and the greatest; Jain's index is 1/n to 1. */
static bool shares_hold(const struct trial *trial, const struct trial_result *r) {
  const double n = trial->workload.n_threads, least = r->fairness.min_share, greatest = r->fairness.max_share;
  if (r->n_reads + r->n_writes == 0) return isnan(least) && isnan(greatest) && isnan(r->fairness.jain);
  return is_within(0, least, 1 / n) && is_within(1 / n, greatest, 1) &&
         is_within(0, least + (n - 1) * greatest - 1, n) && is_within(0, 1 - greatest - (n - 1) * least, 1) &&
         is_within(1 / n, r->fairness.jain, 1);
}

static bool handoffs_hold(const struct trial_result *r) {
  uint64_t n = 0;
  for (unsigned i = 0; i < N_DISTANCES; i++) n += r->n_handoffs[i];
  return n == r->n_owner_changes;
}

/*
 * Each change of the owner, and each section of a run but its first, is an acquisition of its own. Where the window
 * opens and closes, a thread may have counted the one and not yet the other.
 */
static bool run_holds(const struct trial *trial, const struct trial_result *r) {
  const uint64_t n_exclusive = r->n_writes + (trial->lock->traits & LK_RW ? 0 : r->n_reads);
  return r->longest_run + r->n_owner_changes <= n_exclusive + 1 + trial->workload.n_threads;
}

static bool waits_hold(const struct trial *trial, const struct trial_result *r) {
  const double waits[] = {0, r->waits.p50_ns, r->waits.p90_ns, r->waits.p99_ns, r->waits.p999_ns, r->waits.max_ns};
  for (unsigned i = 1; i < sizeof waits / sizeof *waits; i++)
    if (isnan(waits[i]) != isnan(waits[1]) || waits[i] < waits[i - 1]) return false;
  return trial->times_waits || isnan(r->waits.max_ns);
}

/*
 * In an open loop nothing is done before it is due, but for what a thread was at when a snapshot was taken. What was
 * due comes from the warm-up too while the first snapshot is taken, however late that is; a Poisson count is not eight
 * standard deviations off.
 */
static bool arrivals_hold(const struct trial *trial, const struct trial_result *r) {
  const double rate = trial->workload.rate_per_s, n_ops = (double)(r->n_reads + r->n_writes);
  if (!(rate > 0)) return isnan(r->n_due);
  const double n_expected = rate * (r->duration_s + trial->warmup_s);
  return n_ops <= r->n_due + trial->workload.n_threads &&
         r->n_due <= 2 * n_expected + 8 * sqrt(n_expected) + trial->workload.n_threads;
}

bool invariants_hold(const struct trial *trial, const struct trial_result *r, char *why, size_t why_bytes) {
  *why = '\0';
  if (!window_holds(r))
    snprintf(why, why_bytes, "a window of %g s with %g %% overlap", r->duration_s, r->overlap_pct);
  else if (!shares_hold(trial, r))
    snprintf(why, why_bytes, "shares from %g to %g of %u threads, Jain's index %g", r->fairness.min_share,
             r->fairness.max_share, trial->workload.n_threads, r->fairness.jain);
  else if (!handoffs_hold(r))
    snprintf(why, why_bytes, "hand-offs of another number than the %" PRIu64 " owner changes", r->n_owner_changes);
  else if (!(trial->lock->traits & LK_BASELINE) && !run_holds(trial, r)) /* a baseline loses counts */
    snprintf(why, why_bytes,
             "a run of %" PRIu64 " among %" PRIu64 " reads and %" PRIu64 " writes with %" PRIu64 " owner changes",
             r->longest_run, r->n_reads, r->n_writes, r->n_owner_changes);
  else if (!arrivals_hold(trial, r))
    snprintf(why, why_bytes, "%" PRIu64 " operations of %g that were due, at a rate of %g/s", r->n_reads + r->n_writes,
             r->n_due, trial->workload.rate_per_s);
  else if (!waits_hold(trial, r))
    snprintf(why, why_bytes, "waits that do not grow: %g, %g, %g, %g, %g ns", r->waits.p50_ns, r->waits.p90_ns,
             r->waits.p99_ns, r->waits.p999_ns, r->waits.max_ns);
  else if (r->n_failed_tries != 0 && !trial->workload.tries && !trial->counts_contention)
    snprintf(why, why_bytes, "%" PRIu64 " failed tries of a workload that does not try", r->n_failed_tries);
  else
    return true;
  return false;
}
