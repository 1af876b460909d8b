// SPDX-License-Identifier: MIT
/* run_trials.c: the trials of a run in their random order, through Google Benchmark's runner. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "commands.h"
#include "gbench.h"
#include "interruption.h"
#include "machine/clock.h"
#include "machine/provenance.h"
#include "message.h"
#include "run.h"
#include "trial/code_layout.h"

/* What Google Benchmark hands back to us for each trial. */
struct turn {
  struct run *run;
  unsigned order_index;
};

void run_format_now(char *text, size_t n_bytes) {
  struct timeval now;
  struct tm utc;
  gettimeofday(&now, NULL);
  const size_t n = strftime(text, n_bytes, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
  snprintf(text + n, n_bytes - n, ".%03dZ", (int)(now.tv_usec / 1000));
}

static void show_progress(const struct run *run, const char *name) {
  const unsigned n_new = run->n_done - run->n_done_before;
  char text[512], left[32] = "";
  if (n_new > 0) {
    const double per_trial_s = (double)(clock_now_ns() - run->start_ns) / 1e9 / n_new;
    snprintf(left, sizeof left, ", %.0f s left", per_trial_s * (run->matrix.n_slots - run->n_done));
  }
  snprintf(text, sizeof text, "[%u/%u%s] %s", run->n_done + 1, run->matrix.n_slots, left, name);
  message_progress(text);
}

/* What Google Benchmark shows as the time: of one operation, and where waits are timed the median wait. */
static void report(struct gbench_state *state, const struct cell *cell, const struct trial_result *result,
                   bool is_saturated) {
  const double n_ops = (double)(result->n_reads + result->n_writes), s = result->duration_s;
  const double op_s = cell->times_waits ? result->waits.p50_ns / 1e9 : s / n_ops;
  if (is_saturated && cell->times_waits) {
    gbench_skip(state, "saturated: operations are due faster than the lock can serve them, so no wait is told");
    return;
  }
  if (n_ops == 0 || isnan(op_s)) {
    gbench_skip(state, "no operation came to its end in the window");
    return;
  }
  gbench_set_result(state, n_ops, n_ops * op_s, result->usage.cpu_s);
  if (cell->times_waits) {
    gbench_count(state, "wait_p50_ns", result->waits.p50_ns);
    gbench_count(state, "wait_p99_ns", result->waits.p99_ns);
    gbench_count(state, "wait_max_ns", result->waits.max_ns);
  } else {
    gbench_count(state, "ops_per_s", n_ops / s);
    gbench_count(state, "reads_per_s", (double)result->n_reads / s);
    gbench_count(state, "writes_per_s", (double)result->n_writes / s);
    if (isnan(result->n_due)) gbench_count(state, "cpu_ns_per_op", 1e9 * result->usage.cpu_s / n_ops);
  }
  if (!isnan(result->n_due)) {
    gbench_count(state, "due_ops", result->n_due);
    gbench_count(state, "saturated", is_saturated);
  }
  if (cell->workload.tries)
    gbench_count(state, "try_success_pct", 100 * n_ops / (n_ops + (double)result->n_failed_tries));
  gbench_count(state, "owner_changes_per_s", (double)result->n_owner_changes / s);
  if (!(cell->lock->traits & LK_BASELINE)) gbench_count(state, "longest_run", (double)result->longest_run);
  gbench_count(state, "jain", result->fairness.jain);
  gbench_count(state, "line_ns", result->line_ns);
  gbench_count(state, "steal_pct", result->steal_pct);
}

/* One trial and its row. Returns 0 or an errno after which the run cannot go on. */
static int measure(struct run *run, const struct trial *trial, unsigned order_index, bool is_last_try,
                   struct trial_result *result) {
  char started_at[40];
  run_format_now(started_at, sizeof started_at);
  const int error = trial_run(trial, is_last_try, result, NULL);
  if (error != 0) return error;
  const struct record record = {
      .run_id = run->run_id,
      .started_at = started_at,
      .trial = trial,
      .result = result,
      .seed = run->options.seed,
      .repetition = run->matrix.order[order_index].repetition,
      .order_index = order_index,
      .topology_hash = run->topology_hash,
      .host = provenance_host(),
      .git_sha = provenance_git_sha,
  };
  return record_file_append(&run->csv, &record);
}

static void take_turn(struct gbench_state *state, void *argument) {
  const struct turn *turn = argument;
  struct run *run = turn->run;
  if (run->is_given_up) {
    gbench_skip(state, "the run was given up");
    return;
  }
  const struct slot *slot = &run->matrix.order[turn->order_index];
  const struct cell *cell = &run->matrix.cells[slot->cell];
  const struct trial trial = {
      .lock = cell->lock,
      .workload = cell->workload,
      .topology = &run->topology,
      .placement = cell->placement,
      .warmup_s = run->options.warmup_s,
      .duration_s = cell->duration_s,
      .pause_ns = run->pause_ns,
      .timeout_s = run->options.timeout_s,
      .times_waits = cell->times_waits,
      .extends_slices = run->options.extends_slices,
      .code_layout = code_layout_draw(run->options.seed, slot->cell, slot->repetition),
      .seed = run->options.seed + turn->order_index, /* a stream of its own for each trial */
  };
  struct trial_result result;
  show_progress(run, cell->name);
  for (unsigned n_reruns = 0; n_reruns <= TRIAL_MAX_RERUNS; n_reruns++) {
    if (measure(run, &trial, turn->order_index, n_reruns == TRIAL_MAX_RERUNS, &result) != 0) {
      run->is_given_up = true;
      gbench_silence();
      gbench_skip(state, "the run was given up");
      return;
    }
    if (!trial_is_to_be_repeated(&result)) break;
  }
  message_progress("");
  run->n_done++;
  if (result.status == TRIAL_OK) {
    const bool is_saturated = trial_is_saturated(&trial, &result);
    run->n_saturated += is_saturated;
    report(state, cell, &result, is_saturated);
  } else if (result.status == TRIAL_NOISY) { /* the machine's fault, which is told and no failure */
    run->n_noisy++;
    message_warning("%s: noisy: %s", cell->name, result.why);
    gbench_skip(state, result.why);
  } else {
    run->n_failed++;
    run->n_disturbed += result.status == TRIAL_DISTURBED;
    message_error("%s: %s: %s", cell->name, trial_status_names[result.status], result.why);
    gbench_skip(state, result.why);
  }
}

/*
 * About how long a trial takes: window and warm-up, and what surrounds them. The allowance for that is a guess, good
 * enough to tell a minute from an hour: 10 ms for the process and the line transfer, 0.1 ms for a thread's start and
 * end.
 */
static double expected_s(const struct run *run, const struct cell *cell) {
  return run->options.warmup_s + cell->duration_s + 0.01 + 0.0001 * cell->workload.n_threads;
}

static void announce(const struct run *run, unsigned n_trials, double seconds) {
  for (unsigned i = 0; i < run->matrix.n_notes; i++) message_note("%s", run->matrix.notes[i]);
  message_note("%u benchmarks, %u trials to run, about %.0f %s", run->matrix.n_cells, n_trials,
               seconds < 120 ? ceil(seconds) : ceil(seconds / 60), seconds < 120 ? "s" : "minutes");
}

int run_list(struct run *run) {
  double seconds = 0;
  for (unsigned i = 0; i < run->matrix.n_cells; i++) {
    gbench_register(run->matrix.cells[i].name, take_turn, NULL);
    seconds += run->options.n_repetitions * expected_s(run, &run->matrix.cells[i]);
  }
  announce(run, run->matrix.n_cells * run->options.n_repetitions, seconds);
  gbench_run();
  return EXIT_GOOD;
}

/* What --resume would measure again. */
static void tell_what_remains(const struct run *run) {
  if (run->n_noisy > 0)
    message_warning("%u of %u trials stayed noisy, and do not count; to try again: lockbench run --resume %s",
                    run->n_noisy, run->n_done - run->n_done_before, run->folder.path);
  if (run->n_disturbed > 0)
    message_error("%u of %u trials could not be made here; to try again: lockbench run --resume %s", run->n_disturbed,
                  run->n_done - run->n_done_before, run->folder.path);
}

int run_trials(struct run *run) {
  struct turn *turns = calloc(run->matrix.n_slots, sizeof *turns);
  if (turns == NULL) return EXIT_TRIAL_FAILED;
  double seconds = 0;
  char part[32];
  for (unsigned i = 0; i < run->matrix.n_slots; i++) {
    if (run->is_done != NULL && run->is_done[i]) continue;
    turns[i] = (struct turn){.run = run, .order_index = i};
    seconds += expected_s(run, &run->matrix.cells[run->matrix.order[i].cell]);
    gbench_register(run->matrix.cells[run->matrix.order[i].cell].name, take_turn, &turns[i]);
  }
  gbench_add_context("lockbench_git_sha", provenance_git_sha);
  gbench_add_context("lockbench_results", run->folder.path);
  snprintf(part, sizeof part, "%u of %u", run->matrix.n_slots - run->n_done, run->matrix.n_slots);
  gbench_add_context("lockbench_trials", part); /* a run that goes on reports those that were left */
  run->start_ns = clock_now_ns();
  interruption_prepare("interrupted; the rows so far are safe; to finish: lockbench run --resume %s", run->folder.path);
  announce(run, run->matrix.n_slots - run->n_done, seconds);
  if (run->n_done < run->matrix.n_slots) gbench_run();
  message_progress("");
  if (!gbench_out_is_whole()) message_error("the file of --benchmark_out could not be written to its end");
  if (run->n_saturated > 0)
    message_note(
        "saturated in %u of %u trials: more operations were due than the lock can serve; ops_per_s is then what "
        "it can do, and no wait is told",
        run->n_saturated, run->n_done - run->n_done_before);
  tell_what_remains(run);
  const int close_error = record_file_close(&run->csv);
  if (gbench_has_console()) printf("results: %s\n", run->folder.path);
  fflush(stdout);
  fprintf(stderr, "lockbench: %u of %u trials done in %.1f s, %u failed: %s\n", run->n_done, run->matrix.n_slots,
          (double)(clock_now_ns() - run->start_ns) / 1e9, run->n_failed, run->folder.csv_path);
  free(turns);
  const bool is_whole = run->n_done == run->matrix.n_slots;
  if (!is_whole && !run->is_given_up)
    message_error("%u of %u planned trials were run; to finish: lockbench run --resume %s", run->n_done,
                  run->matrix.n_slots, run->folder.path);
  return run->n_failed > 0 || !is_whole || close_error != 0 || !gbench_out_is_whole() ? EXIT_TRIAL_FAILED : EXIT_GOOD;
}
