// SPDX-License-Identifier: MIT
/* run_replay.c: what `lockbench run --profile` does before its trials: reads the profile, and calibrates its replay. */
#include <errno.h>
#include <stdio.h>

#include "calibration.h"
#include "message.h"
#include "run.h"
#include "sorting.h"
#include "trial/code_layout.h"

enum { MAX_TIMES = 16 };

bool run_load_profile(struct run *run) {
  char why[512];
  if (run->options.profile == NULL) return true;
  if (profile_read(&run->profile, run->options.profile, why, sizeof why) == 0 &&
      profile_replay(&run->profile, &run->replay, &run->target, why, sizeof why) == 0) {
    run->options.replay = &run->replay;
    return true;
  }
  message_error("run: %s", why);
  return false;
}

void run_tell_profile(const struct run *run) {
  const struct profile_target *target = &run->target;
  if (run->options.replay == NULL) return;
  message_note("replays %s: %u threads that locked, %u %s, %.3g %% reads", run->replay.name, run->replay.n_sources,
               run->replay.n_locks, target->is_rw ? "readers/writer locks" : "mutexes", run->replay.read_pct);
  if (target->others_pct > 0)
    message_note("%.3g %% of the profile's acquisitions are of %s, and count as time between the others",
                 target->others_pct, target->is_rw ? "mutexes" : "readers/writer locks");
  if (run->profile.n_cpus != run->topology.n_cpus)
    message_warning("the profile is of %u CPUs, and here are %u: how much threads wait for each other differs",
                    run->profile.n_cpus, run->topology.n_cpus);
}

static const char *own_lock(const struct run *run) { return run->target.is_rw ? "pthread_rwlock" : "pthread_mutex"; }

/* Trials of a setting under the program's own lock; each try that fails is an acquisition that was contended. */
static bool play(void *about, const struct calibration_setting *setting, unsigned n_times,
                 struct calibration_outcome *outcome) {
  struct run *run = about;
  const struct cell *cell = &run->matrix.cells[0];
  double rates[MAX_TIMES], contended[MAX_TIMES];
  unsigned n = 0;
  char text[96];
  for (unsigned i = 0; i < n_times && i < MAX_TIMES; i++) {
    struct trial trial = {
        .lock = registry_find(own_lock(run)),
        .workload = cell->workload,
        .topology = &run->topology,
        .placement = cell->placement,
        .warmup_s = run->options.warmup_s,
        .duration_s = run->options.duration_s,
        .pause_ns = run->pause_ns,
        .timeout_s = run->options.timeout_s,
        .counts_contention = true,
        .code_layout = i % N_CODE_LAYOUTS,
        .seed = run->options.seed + i,
    };
    struct trial_result result;
    trial.workload.n_threads = run->replay.n_threads;
    trial.workload.cs_lines = setting->cs_lines;
    trial.workload.hold_scale = setting->hold_scale;
    trial.workload.gap_scale = setting->gap_scale;
    snprintf(text, sizeof text, "calibrating on %s: %u lines, sections x %.3g, gaps x %.3g", own_lock(run),
             setting->cs_lines, setting->hold_scale, setting->gap_scale);
    message_progress(text);
    for (unsigned n_tries = 0; n_tries <= TRIAL_MAX_RERUNS; n_tries++) {
      if (trial_run(&trial, n_tries == TRIAL_MAX_RERUNS, &result, NULL) != 0) return false;
      if (!trial_is_to_be_repeated(&result)) break;
    }
    const double n_ops = (double)(result.n_reads + result.n_writes);
    if (result.status != TRIAL_OK || n_ops == 0) continue;
    rates[n] = n_ops / result.duration_s;
    contended[n++] = (double)result.n_failed_tries / n_ops;
  }
  *outcome = (struct calibration_outcome){median_of_reals(rates, n), median_of_reals(contended, n)};
  return true;
}

bool run_calibrate(struct run *run) {
  struct calibration *found = &run->calibration;
  const bool is_found = calibration_search(found, &run->target, play, run);
  message_progress("");
  if (!is_found) {
    message_error("cannot calibrate the replay: no trial of %s came to its end; --gap-scale 1 replays it as recorded",
                  own_lock(run));
    return false;
  }
  run->options.cs_lines = (struct options_list){.n = 1, .values = {found->best.cs_lines}};
  run->options.hold_scale = (struct options_list){.n = 1, .values = {found->best.hold_scale}};
  run->options.gap_scale = (struct options_list){.n = 1, .values = {found->best.gap_scale}};
  message_note("calibrated on %s with %u threads: %u lines, sections x %.3g, gaps x %.3g", own_lock(run),
               run->replay.n_threads, found->best.cs_lines, found->best.hold_scale, found->best.gap_scale);
  message_note("that makes %.3g acquisitions/s, %.1f %% of them contended; recorded were %.3g/s and %.1f %%",
               found->outcome.acquisitions_per_s, 100 * found->outcome.contended, run->target.acquisitions_per_s,
               100 * run->target.contended);
  message_note("misfit %.1f %%: no smaller difference between locks is claimed", 100 * found->misfit);
  return true;
}

static json_t *describe(const struct calibration_setting *setting, const struct calibration_outcome *outcome) {
  return json_pack("{s:i, s:f, s:f, s:f, s:f}", "cs_lines", (int)setting->cs_lines, "hold_scale", setting->hold_scale,
                   "gap_scale", setting->gap_scale, "acquisitions_per_s", outcome->acquisitions_per_s, "contended",
                   outcome->contended);
}

json_t *run_describe_calibration(const struct run *run) {
  const struct calibration *found = &run->calibration;
  json_t *steps = json_array(), *best = describe(&found->best, &found->outcome);
  for (unsigned i = 0; i < found->n_steps; i++)
    if (found->steps[i].outcome.acquisitions_per_s > 0)
      json_array_append_new(steps, describe(&found->steps[i].setting, &found->steps[i].outcome));
  json_object_update_new(best, json_pack("{s:s, s:s, s:i, s:f, s:{s:f, s:f}, s:o}", "profile", run->replay.name, "lock",
                                         own_lock(run), "threads", (int)run->replay.n_threads, "misfit", found->misfit,
                                         "recorded", "acquisitions_per_s", run->target.acquisitions_per_s, "contended",
                                         run->target.contended, "steps", steps));
  return best;
}
