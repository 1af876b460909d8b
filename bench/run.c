// SPDX-License-Identifier: MIT
/*
 * run.c: `lockbench run`: every trial of the matrix, in its random order, through Google Benchmark's runner,
 * each leaving one row of results.csv before the next begins.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "folder.h"
#include "gbench.h"
#include "machine/clock.h"
#include "machine/pause.h"
#include "machine/provenance.h"
#include "matrix.h"
#include "message.h"
#include "run_arguments.h"

/* A trial that lost more of its CPU time than this to the hypervisor is run again, at most so often. */
static const double MAX_STEAL_PCT = 10;
enum { MAX_RERUNS = 2 };

struct run {
  struct options options;
  struct topology topology;
  struct matrix matrix;
  struct folder folder;
  struct record_file csv;
  char run_id[64];
  uint64_t topology_hash;
  double pause_ns;
  bool *is_done; /* by order_index: the rows that an interrupted run has left */
  unsigned n_done, n_failed;
  uint64_t start_ns;
  unsigned n_done_before;
  bool is_given_up;
};

/* What Google Benchmark hands back to us for each trial. */
struct turn {
  struct run *run;
  unsigned order_index;
};

/* What a signal's handler says, prepared beforehand since it may do next to nothing. */
static char farewell[1400];

static void on_signal(int number) {
  (void)!write(STDERR_FILENO, farewell, strlen(farewell));
  signal(number, SIG_DFL);
  raise(number); /* rows are whole, and the trial's process dies with us: nothing else to do */
}

static void prepare_for_signals(const struct run *run) {
  snprintf(farewell, sizeof farewell,
           "\nlockbench: interrupted; the rows so far are safe; to finish: lockbench run --resume %s\n",
           run->folder.path);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is reported like a full disk */
  const int caught[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) signal(caught[i], on_signal);
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

static void format_now(char *text, size_t n_bytes) {
  struct timeval now;
  struct tm utc;
  gettimeofday(&now, NULL);
  const size_t n = strftime(text, n_bytes, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &utc));
  snprintf(text + n, n_bytes - n, ".%03dZ", (int)(now.tv_usec / 1000));
}

static void report(struct gbench_state *state, const struct cell *cell, const struct trial_result *result) {
  const double n_ops = (double)(result->n_reads + result->n_writes), s = result->duration_s;
  if (cell->times_waits) {
    gbench_count(state, "wait_p50_ns", result->waits.p50_ns);
    gbench_count(state, "wait_p99_ns", result->waits.p99_ns);
    gbench_count(state, "wait_max_ns", result->waits.max_ns);
  } else {
    gbench_count(state, "ops_per_s", n_ops / s);
    gbench_count(state, "reads_per_s", (double)result->n_reads / s);
    gbench_count(state, "writes_per_s", (double)result->n_writes / s);
    if (n_ops > 0) gbench_count(state, "cpu_ns_per_op", 1e9 * result->usage.cpu_s / n_ops);
  }
  if (cell->workload.tries && n_ops > 0)
    gbench_count(state, "try_success_pct", 100 * n_ops / (n_ops + (double)result->n_failed_tries));
  gbench_count(state, "owner_changes_per_s", (double)result->n_owner_changes / s);
  gbench_count(state, "longest_run", (double)result->longest_run);
  if (n_ops > 0) gbench_count(state, "jain", result->fairness.jain);
  gbench_count(state, "line_ns", result->line_ns);
  gbench_count(state, "steal_pct", result->steal_pct);
}

/* One trial and its row. Returns 0 or an errno after which the run cannot go on. */
static int measure(struct run *run, const struct trial *trial, unsigned order_index, bool may_rerun,
                   struct trial_result *result) {
  char started_at[40];
  format_now(started_at, sizeof started_at);
  int error = trial_run(trial, result, NULL);
  if (error != 0) return error;
  if (result->status == TRIAL_OK && result->steal_pct > MAX_STEAL_PCT && may_rerun) result->status = TRIAL_NOISY;
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
  const struct cell *cell = &run->matrix.cells[run->matrix.order[turn->order_index].cell];
  const struct trial trial = {
      .lock = cell->lock,
      .workload = cell->workload,
      .topology = &run->topology,
      .placement = cell->placement,
      .warmup_s = run->options.warmup_s,
      .duration_s = run->options.duration_s,
      .pause_ns = run->pause_ns,
      .timeout_s = run->options.timeout_s,
      .times_waits = cell->times_waits,
      .seed = run->options.seed + turn->order_index, /* a stream of its own for each trial */
  };
  struct trial_result result;
  show_progress(run, cell->name);
  for (unsigned n_reruns = 0;; n_reruns++) {
    if (measure(run, &trial, turn->order_index, n_reruns < MAX_RERUNS, &result) != 0) {
      run->is_given_up = true;
      gbench_silence();
      gbench_skip(state, "the run was given up");
      return;
    }
    if (result.status != TRIAL_NOISY) break;
  }
  message_progress("");
  run->n_done++;
  if (result.status == TRIAL_OK) {
    gbench_set_time(state, result.duration_s);
    report(state, cell, &result);
  } else {
    run->n_failed++;
    message_error("%s: %s: %s", cell->name, trial_status_names[result.status], result.why);
    gbench_skip(state, result.why);
  }
}

static bool admits(const char *name) {
  const char *error;
  return gbench_admits(name, &error);
}

/* Options -> matrix, or a message and false. */
static bool plan(struct run *run, int n_arguments, char **arguments) {
  char why[512];
  if (run_arguments_read(&run->options, n_arguments, arguments, why, sizeof why) != 0) {
    message_error("%s", why);
    return false;
  }
  if (topology_load(&run->topology) != 0) return false;
  if (!run->topology.is_this_system && !gbench_only_lists()) {
    message_error(
        "the topology is not this machine's (HWLOC_SYNTHETIC or HWLOC_XMLFILE is set); it can be planned for with "
        "`lockbench topology`, not timed on");
    return false;
  }
  if (matrix_make(&run->matrix, &run->options, &run->topology, why, sizeof why) != 0) {
    message_error("%s", why);
    return false;
  }
  const char *filter_error;
  gbench_admits("", &filter_error);
  if (filter_error != NULL) {
    message_error("--benchmark_filter is not a regular expression: %s", filter_error);
    return false;
  }
  matrix_filter(&run->matrix, admits);
  if (run->matrix.n_cells == 0) {
    message_error("--benchmark_filter admits none of the benchmarks; --benchmark_list_tests shows them");
    return false;
  }
  return true;
}

static void tell_what_is_left_out(const struct matrix *matrix) {
  for (unsigned i = 0; i < matrix->n_notes; i++) message_note("%s", matrix->notes[i]);
}

static int list_cells(const struct run *run) {
  tell_what_is_left_out(&run->matrix);
  for (unsigned i = 0; i < run->matrix.n_cells; i++) gbench_register(run->matrix.cells[i].name, take_turn, NULL);
  gbench_run();
  return EXIT_GOOD;
}

/* What the folder must hold so that the run can be finished later: its own arguments, with the seed. */
static json_t *describe_run(const struct run *run, int n_arguments, char **arguments) {
  json_t *list = json_array();
  for (int i = 0; i < n_arguments; i++) json_array_append_new(list, json_string(arguments[i]));
  if (!run->options.has_seed) {
    char seed[40];
    snprintf(seed, sizeof seed, "--seed=%" PRIu64, run->options.seed);
    json_array_append_new(list, json_string(seed));
  }
  return json_pack("{s:i, s:s, s:o, s:i, s:i}", "schema", RECORD_SCHEMA, "run_id", run->run_id, "arguments", list,
                   "n_cells", (int)run->matrix.n_cells, "n_trials", (int)run->matrix.n_slots);
}

static bool start_new(struct run *run, int n_arguments, char **arguments, int *exit_code) {
  char now[40];
  if (!run->options.has_seed) run->options.seed = clock_now_ns() ^ (uint64_t)getpid() << 32;
  format_now(now, sizeof now);
  snprintf(run->run_id, sizeof run->run_id, "%.19sZ-%08x", now, (unsigned)(run->options.seed * 0x9e3779b9u >> 16));
  *exit_code = EXIT_USAGE;
  if (matrix_shuffle(&run->matrix, run->options.n_repetitions, run->options.seed) != 0) return false;
  json_t *host = provenance_collect(&run->topology);
  json_object_set_new(host, "pause_ns", json_real(run->pause_ns));
  json_object_set_new(host, "run", describe_run(run, n_arguments, arguments));
  const int error = folder_create(&run->folder, run->options.out, host, &run->csv);
  size_t i;
  json_t *warning;
  json_array_foreach (json_object_get(host, "warnings"), i, warning)
    if (error == 0) message_warning("%s", json_string_value(warning));
  json_decref(host);
  *exit_code = error == EINVAL ? EXIT_USAGE : EXIT_TRIAL_FAILED;
  return error == 0;
}

/* Finds out what the interrupted run was, and whether this is still the same machine and build. */
static bool continue_old(struct run *run, const json_t *host, int *exit_code) {
  *exit_code = EXIT_USAGE;
  const json_t *old = json_object_get(host, "run");
  char hash[24];
  snprintf(hash, sizeof hash, "%016" PRIx64, run->topology_hash);
  const char *const now[] = {hash, provenance_git_sha};
  const char *const then[] = {json_string_value(json_object_get(host, "topology_hash")),
                              json_string_value(json_object_get(json_object_get(host, "build"), "git_sha"))};
  const char *const what[] = {"topology", "build (git commit)"};
  for (unsigned i = 0; i < 2; i++)
    if (then[i] == NULL || strcmp(now[i], then[i]) != 0) {
      message_error("'%s' was measured with another %s (%s, now %s); start a new run", run->folder.path, what[i],
                    then[i] != NULL ? then[i] : "unknown", now[i]);
      return false;
    }
  if (matrix_shuffle(&run->matrix, run->options.n_repetitions, run->options.seed) != 0) return false;
  if (json_integer_value(json_object_get(old, "n_trials")) != run->matrix.n_slots) {
    message_error("'%s' was planned with %d trials, this lockbench plans %u; start a new run", run->folder.path,
                  (int)json_integer_value(json_object_get(old, "n_trials")), run->matrix.n_slots);
    return false;
  }
  const char *run_id = json_string_value(json_object_get(old, "run_id"));
  snprintf(run->run_id, sizeof run->run_id, "%s", run_id != NULL ? run_id : "");
  if (record_file_resume(&run->csv, run->folder.csv_path, run->is_done = calloc(run->matrix.n_slots, sizeof(bool)),
                         run->matrix.n_slots) != 0)
    return false;
  for (unsigned i = 0; i < run->matrix.n_slots; i++) run->n_done += run->is_done[i];
  run->n_done_before = run->n_done;
  return true;
}

static int run_trials(struct run *run) {
  struct turn *turns = calloc(run->matrix.n_slots, sizeof *turns);
  if (turns == NULL) return EXIT_TRIAL_FAILED;
  for (unsigned i = 0; i < run->matrix.n_slots; i++) {
    if (run->is_done != NULL && run->is_done[i]) continue;
    turns[i] = (struct turn){.run = run, .order_index = i};
    gbench_register(run->matrix.cells[run->matrix.order[i].cell].name, take_turn, &turns[i]);
  }
  gbench_add_context("lockbench_git_sha", provenance_git_sha);
  gbench_add_context("lockbench_results", run->folder.path);
  run->start_ns = clock_now_ns();
  prepare_for_signals(run);
  tell_what_is_left_out(&run->matrix);
  if (run->n_done < run->matrix.n_slots) gbench_run();
  message_progress("");
  const int close_error = record_file_close(&run->csv);
  if (gbench_has_console()) printf("results: %s\n", run->folder.path);
  fflush(stdout);
  fprintf(stderr, "lockbench: %u of %u trials done in %.1f s, %u failed: %s\n", run->n_done, run->matrix.n_slots,
          (double)(clock_now_ns() - run->start_ns) / 1e9, run->n_failed, run->folder.csv_path);
  free(turns);
  return run->n_failed > 0 || run->is_given_up || close_error != 0 ? EXIT_TRIAL_FAILED : EXIT_GOOD;
}

int command_run(int n_arguments, char **arguments) {
  static struct run run; /* as long as the process, since a signal's handler and Google Benchmark refer to it */
  json_t *host = NULL;
  char **given = arguments;
  for (int i = 0; i < n_arguments; i++)
    if (strcmp(arguments[i], "--help") == 0) {
      options_print_help();
      return EXIT_GOOD;
    }
  const char *resume = run_arguments_resume(n_arguments, arguments);
  if (resume != NULL) {
    if (n_arguments > 2 || *resume == '\0') {
      message_error("--resume takes the folder of the interrupted run and no other option: that run's own are in it");
      return EXIT_USAGE;
    }
    if (folder_open(&run.folder, resume, &host) != 0) return EXIT_USAGE;
    arguments = run_arguments_of(host, &n_arguments);
    if (arguments == NULL) return EXIT_USAGE;
  }
  int exit_code = EXIT_USAGE;
  if (plan(&run, n_arguments, arguments)) {
    run.topology_hash = topology_hash(&run.topology);
    clock_calibrate();
    run.pause_ns = pause_measure_ns();
    if (gbench_only_lists())
      exit_code = list_cells(&run);
    else if (host != NULL ? continue_old(&run, host, &exit_code) : start_new(&run, n_arguments, arguments, &exit_code))
      exit_code = run_trials(&run);
  }
  free(run.is_done);
  matrix_free(&run.matrix);
  topology_free(&run.topology);
  if (arguments != given) free(arguments);
  json_decref(host);
  return exit_code;
}
