// SPDX-License-Identifier: MIT
#include "noise.h"

#include <math.h>
#include <stdio.h>

/* Of the CPUs' time, beyond which a trial is run again. */
static const double MAX_STEAL_PCT = 10, MAX_THROTTLED_PCT = 1;

/* Of the window, in which not all of the threads that had a warm-up were at work. */
static const double MIN_OVERLAP_PCT = 90;

/* How far the window may be off: a late wake-up on a loaded machine is within. */
static const double LEAST_GAP_S = 0.02, LEAST_GAP_SHARE = 0.1;

/* What the hypervisor or a quota withheld from all CPUs together; a window that waited for it is late, and told. */
static double withheld_s(const struct trial *trial, const struct trial_result *r) {
  const double pct = fmax(0, r->steal_pct) + fmax(0, r->throttled_pct); /* fmax: NaN is nothing */
  return pct / 100 * trial->placement->n_cpus * r->duration_s;
}

static enum noise spoiled(const struct trial *trial, const struct trial_result *r, char *why, size_t why_bytes) {
  const double most_s = fmax(LEAST_GAP_S, LEAST_GAP_SHARE * trial->duration_s);
  *why = '\0';
  if (r->n_late > 0)
    snprintf(why, why_bytes, "%u of %u threads got no CPU before the window was over", r->n_late,
             trial->workload.n_threads);
  else if (trial->warmup_s > 0 && r->overlap_pct < MIN_OVERLAP_PCT)
    snprintf(why, why_bytes, "all threads were at work in only %.0f %% of the window", r->overlap_pct);
  else if (r->standstill_s - withheld_s(trial, r) > most_s)
    snprintf(why, why_bytes, "everything stood still for %.3g s of a window of %.3g s", r->standstill_s,
             trial->duration_s);
  else if (trial->times_waits && fabs(r->ticks_ahead_s) > most_s)
    snprintf(why, why_bytes, "the clock of the waits ran %.3g s %s in a window of %.3g s", fabs(r->ticks_ahead_s),
             r->ticks_ahead_s > 0 ? "ahead" : "behind", trial->duration_s);
  return *why != '\0' ? NOISE_SPOILED : NOISE_NONE;
}

enum noise noise_of(const struct trial *trial, const struct trial_result *result, char *why, size_t why_bytes) {
  if (spoiled(trial, result, why, why_bytes) != NOISE_NONE) return NOISE_SPOILED;
  if (result->steal_pct > MAX_STEAL_PCT)
    snprintf(why, why_bytes, "the hypervisor took %.0f %% of the CPU time", result->steal_pct);
  else if (result->throttled_pct > MAX_THROTTLED_PCT)
    snprintf(why, why_bytes, "a CPU quota kept it from %.0f %% of the CPU time", result->throttled_pct);
  else
    return NOISE_NONE;
  return NOISE_TOLD;
}
