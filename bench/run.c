// SPDX-License-Identifier: MIT
/*
 * run.c: `lockbench run`: begins a run, or goes on with one that was interrupted, whose folder holds its arguments.
 * Either way every trial of the matrix leaves one row of results.csv before the next begins.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gbench.h"
#include "machine/clock.h"
#include "machine/cpu_kinds.h"
#include "machine/pause.h"
#include "machine/priority.h"
#include "machine/provenance.h"
#include "machine/slice_extension.h"
#include "message.h"
#include "run.h"
#include "run_arguments.h"

static bool admits(const char *name) {
  const char *error;
  return gbench_admits(name, &error);
}

/* The matrix of the options, or a message and false. */
static bool make_matrix(struct run *run) {
  char why[512];
  if (matrix_make(&run->matrix, &run->options, &run->topology, why, sizeof why) != 0) {
    message_error("run: %s", why);
    return false;
  }
  matrix_filter(&run->matrix, admits);
  if (run->matrix.n_cells > 0) return true;
  message_error("--benchmark_filter admits none of the benchmarks; --benchmark_list_tests shows them");
  return false;
}

/* Options -> matrix, or a message and false. */
static bool plan(struct run *run) {
  char why[512];
  const char *filter_error;
  if (!run_load_profile(run) || topology_load(&run->topology) != 0) return false;
  run->options.extends_slices = run->options.extends_slices && slice_extension_is_available(NULL);
  gbench_admits("", &filter_error);
  if (!run->topology.is_this_system && !gbench_only_lists())
    message_error(
        "the topology is not this machine's (HWLOC_SYNTHETIC or HWLOC_XMLFILE is set); it can be planned for with "
        "`lockbench topology`, not timed on");
  else if (!gbench_only_lists() && !priority_has_room(why, sizeof why))
    message_error("run: %s", why);
  else if (filter_error != NULL)
    message_error("--benchmark_filter is not a regular expression: %s", filter_error);
  else
    return make_matrix(run);
  return false;
}

/* What trials need: the clocks, and the order. False, after a message, if they cannot be made. */
static bool prepare(struct run *run) {
  run->topology_hash = topology_hash(&run->topology);
  clock_calibrate();
  run->pause_ns = pause_measure_ns();
  if (run->options.calibrates) {
    if (!run_calibrate(run)) return false;
    matrix_free(&run->matrix);
    if (!make_matrix(run)) return false;
  }
  if (matrix_shuffle(&run->matrix, run->options.n_repetitions, run->options.seed) == 0) return true;
  message_error("no memory for the order of the trials");
  return false;
}

/* What the folder must hold so that the run can be finished later: its own arguments, with what was found for it. */
static json_t *describe_run(const struct run *run, int n_arguments, char **arguments) {
  json_t *list = json_array();
  for (int i = 0; i < n_arguments; i++) json_array_append_new(list, json_string(arguments[i]));
  if (!run->options.has_seed) {
    char seed[40];
    snprintf(seed, sizeof seed, "--seed=%" PRIu64, run->options.seed);
    json_array_append_new(list, json_string(seed));
  }
  if (run->options.calibrates) {
    const struct calibration_setting *found = &run->calibration.best;
    json_array_append_new(list, json_sprintf("--cs-lines=%u", found->cs_lines));
    json_array_append_new(list, json_sprintf("--hold-scale=%.10g", found->hold_scale));
    json_array_append_new(list, json_sprintf("--gap-scale=%.10g", found->gap_scale));
  }
  return json_pack("{s:i, s:s, s:o, s:b, s:i, s:i}", "schema", RECORD_SCHEMA, "run_id", run->run_id, "arguments", list,
                   "slice_extension", run->options.extends_slices, "n_cells", (int)run->matrix.n_cells, "n_trials",
                   (int)run->matrix.n_slots);
}

/* A lock is measured along with its slowest thread: says where the threads of a cell are on several kinds of CPUs. */
static void warn_of_kinds(const struct run *run, json_t *warnings) {
  for (unsigned p = 0; p < run->matrix.n_placements; p++) {
    const struct placement *placement = &run->matrix.placements[p];
    unsigned n_most = 0;
    for (unsigned i = 0; i < run->matrix.n_cells; i++) {
      const struct cell *cell = &run->matrix.cells[i];
      if (cell->placement == placement && cell->workload.n_threads > n_most) n_most = cell->workload.n_threads;
    }
    char kinds[128], text[512];
    if (cpu_kinds_of_threads(&run->topology, placement, n_most, kinds, sizeof kinds) < 2) continue;
    snprintf(text, sizeof text,
             "placement '%.100s' mixes kinds of CPUs (threads on each: %s), which differ in speed; p-cores and e-cores "
             "keep to one",
             placement->name, kinds);
    json_array_append_new(warnings, json_string(text));
  }
}

/* A new run: its folder first, then its trials. Returns the exit code. */
static int begin(struct run *run, int n_arguments, char **arguments) {
  char now[40];
  if (!plan(run)) return EXIT_USAGE;
  if (gbench_only_lists()) return run_list(run);
  if (!folder_is_free(run->options.out)) return EXIT_USAGE;
  run_tell_profile(run);
  if (!run->options.has_seed) run->options.seed = clock_now_ns() ^ (uint64_t)getpid() << 32;
  if (!prepare(run)) return EXIT_TRIAL_FAILED;
  run_format_now(now, sizeof now);
  snprintf(run->run_id, sizeof run->run_id, "%.19sZ-%08x", now, (unsigned)(run->options.seed * 0x9e3779b9u >> 16));
  json_t *host = provenance_collect(&run->topology);
  json_object_set_new(host, "pause_ns", json_real(run->pause_ns));
  warn_of_kinds(run, json_object_get(host, "warnings"));
  json_object_set_new(host, "run", describe_run(run, n_arguments, arguments));
  if (run->options.calibrates) json_object_set_new(host, "calibration", run_describe_calibration(run));
  const int error = folder_create(&run->folder, run->options.out, host,
                                  run->options.replay != NULL ? &run->profile : NULL, true, &run->csv);
  size_t i;
  json_t *warning;
  json_array_foreach (json_object_get(host, "warnings"), i, warning)
    if (error == 0) message_warning("%s", json_string_value(warning));
  json_decref(host);
  if (error != 0) return error == EINVAL ? EXIT_USAGE : EXIT_TRIAL_FAILED;
  return run_trials(run);
}

/* Whether this is still the machine and the build that began the run, or a message and false. */
static bool is_as_before(const struct run *run, const json_t *host) {
  char hash[24];
  snprintf(hash, sizeof hash, "%016" PRIx64, run->topology_hash);
  const bool extended = json_is_true(json_object_get(json_object_get(host, "run"), "slice_extension"));
  const char *const now[] = {hash, provenance_git_sha, run->options.extends_slices ? "on" : "off"};
  const char *const then[] = {json_string_value(json_object_get(host, "topology_hash")),
                              json_string_value(json_object_get(json_object_get(host, "build"), "git_sha")),
                              extended ? "on" : "off"};
  const char *const what[] = {"topology", "build (git commit)", "slice extension"};
  for (unsigned i = 0; i < sizeof now / sizeof *now; i++)
    if (then[i] == NULL || strcmp(now[i], then[i]) != 0) {
      message_error("'%s' was measured with another %s (%s, now %s); start a new run", run->folder.path, what[i],
                    then[i] != NULL ? then[i] : "unknown", now[i]);
      return false;
    }
  const json_int_t n_trials = json_integer_value(json_object_get(json_object_get(host, "run"), "n_trials"));
  if (n_trials == run->matrix.n_slots && run->options.has_seed) return true;
  message_error("'%s' was planned with %d trials, this lockbench plans %u; start a new run", run->folder.path,
                (int)n_trials, run->matrix.n_slots);
  return false;
}

/* Finds out which trials an interrupted run has left. Returns 0 or an errno after a message. */
static int find_done(struct run *run, const json_t *host) {
  const char *run_id = json_string_value(json_object_get(json_object_get(host, "run"), "run_id"));
  snprintf(run->run_id, sizeof run->run_id, "%s", run_id != NULL ? run_id : "");
  run->is_done = calloc(run->matrix.n_slots, sizeof *run->is_done);
  if (run->is_done == NULL) return ENOMEM;
  const struct record_plan plan = {.run_id = run->run_id, .seed = run->options.seed, .n_trials = run->matrix.n_slots};
  const int error = record_file_resume(&run->csv, run->folder.csv_path, &plan, run->is_done);
  for (unsigned i = 0; i < run->matrix.n_slots; i++) run->n_done += run->is_done[i];
  run->n_done_before = run->n_done;
  return error;
}

/* An interrupted run, with the arguments in its host.json. Returns the exit code. */
static int resume_with(struct run *run, const json_t *host, int n_arguments, char **arguments, bool had_file) {
  char why[512];
  if (run_arguments_read(&run->options, n_arguments, arguments, why, sizeof why) != 0) {
    message_error("run: %s", why);
    return EXIT_USAGE;
  }
  if (run->options.profile != NULL) run->options.profile = run->folder.profile_path; /* wherever the first one is now */
  if (!plan(run) || !prepare(run) || !is_as_before(run, host) || find_done(run, host) != 0) return EXIT_USAGE;
  if (had_file && !gbench_has_file())
    message_note(
        "the file of --benchmark_out ended with the interruption; the trials that are left go into results.csv "
        "only, unless --resume has a --benchmark_out of its own");
  return run_trials(run);
}

static int resume(struct run *run) {
  json_t *host = NULL;
  int n_arguments, exit_code = EXIT_USAGE;
  bool had_file;
  if (folder_open(&run->folder, run->options.resume, &host) != 0) return EXIT_USAGE;
  char **arguments = run_arguments_of(host, &n_arguments, &had_file);
  if (arguments != NULL) exit_code = resume_with(run, host, n_arguments, arguments, had_file);
  free(arguments);
  json_decref(host);
  return exit_code;
}

int command_run(int n_arguments, char **arguments) {
  static struct run run; /* as long as the process, since Google Benchmark refers to it */
  char why[512];
  if (run_arguments_read(&run.options, n_arguments, arguments, why, sizeof why) != 0) {
    message_error("run: %s", why);
    return EXIT_USAGE;
  }
  if (run.options.wants_help) {
    options_print_help(COMMAND_RUN);
    return EXIT_GOOD;
  }
  const int exit_code = run.options.resume != NULL ? resume(&run) : begin(&run, n_arguments, arguments);
  free(run.is_done);
  matrix_free(&run.matrix);
  profile_replay_free(&run.replay);
  profile_free(&run.profile);
  topology_free(&run.topology);
  return exit_code;
}
