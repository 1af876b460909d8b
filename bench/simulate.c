// SPDX-License-Identifier: MIT
/*
 * simulate.c: `lockbench simulate`: trials as of `lockbench run`, on the model of a machine instead of this one. They
 * write the same rows, which say so in their last column, and what the cache lines did beside them.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "folder.h"
#include "interruption.h"
#include "machine/child.h"
#include "machine/clock.h"
#include "machine/provenance.h"
#include "machine/usage.h"
#include "matrix.h"
#include "message.h"
#include "selection.h"
#include "simulate/counts_file.h"
#include "simulate/machine_profile.h"
#include "simulate/simulation.h"
#include "simulate_ranking.h"
#include "sorting.h"

enum { LEAST_TURNS = 5 };

struct simulate {
  struct options options;
  struct machine_profile profile;
  struct topology topology;
  struct matrix matrix;
  struct folder folder;
  struct record_file csv;
  FILE *counts;
  struct simulation *simulation; /* of the trial that runs, shared with its process */
  char *locks;                   /* those of the selection that are guests */
  char simulated[128], run_id[128];
  double *ops_per_s, *misses; /* [cell * n_repetitions + repetition - 1]; NAN: none */
  unsigned n_failed;
  uint64_t n_events; /* of all trials */
};

static bool fail(const char *why) {
  message_error("simulate: %s", why);
  return false;
}

/* Whether --locks names it by itself, and not only a group that it is in. */
static bool is_named(const char *names, const char *lock) {
  const size_t length = strlen(lock);
  for (const char *at = names; (at = strstr(at, lock)) != NULL; at += length)
    if ((at == names || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) return true;
  return false;
}

static const char *why_not(const struct lk_ops *lock) {
  if (lock->twin_of != NULL) return "it is a twin, which would do the same as its lock";
  if ((lock->traits & (LK_SYSTEM | LK_PEER)) != 0)
    return "its code is the system's or another library's, so its accesses are not seen; take one of our own";
  return "this build has it not among its guests (Meson's option of that name)";
}

/* The locks that can be simulated; names the others: an error for those that are asked for, a note for a group's. */
static bool choose_locks(struct simulate *simulate, char *why, size_t why_bytes) {
  struct selection selection;
  size_t n_bytes;
  char left_out[512] = "";
  size_t used = 0;
  if (selection_make(&selection, simulate->options.locks, why, why_bytes) != 0) return fail(why);
  FILE *text = open_memstream(&simulate->locks, &n_bytes);
  if (text == NULL) return fail("no memory for the locks");
  bool is_first = true;
  const struct lk_ops *refused = NULL;
  for (unsigned i = 0; i < selection.n; i++) {
    const struct lk_ops *lock = selection.locks[i];
    if (simulation_find_guest(lock->name) != NULL) {
      fprintf(text, "%s%s", is_first ? "" : ",", lock->name);
      is_first = false;
    } else if (is_named(simulate->options.locks, lock->name)) {
      refused = lock;
    } else if (used < sizeof left_out) {
      used += (size_t)snprintf(left_out + used, sizeof left_out - used, " %s", lock->name);
    }
  }
  fclose(text);
  if (refused != NULL)
    snprintf(why, why_bytes, "'%s' cannot be simulated: %s", refused->name, why_not(refused));
  else if (is_first)
    snprintf(why, why_bytes, "none of these locks can be simulated:%s", left_out);
  if (refused != NULL || is_first) return fail(why);
  if (used > 0) message_note("left out, since their code is not compiled here and cannot be simulated:%s", left_out);
  simulate->options.locks = simulate->locks;
  return true;
}

/* Powers of two up to the CPUs, and the CPUs. */
static void choose_threads(struct simulate *simulate) {
  struct options_list *threads = &simulate->options.threads;
  const unsigned n_cpus = simulate->topology.n_cpus;
  if (threads->n > 0 || simulate->options.readers.n > 0) return;
  for (unsigned n = 1; n < n_cpus; n *= 2) threads->values[threads->n++] = n;
  threads->values[threads->n++] = n_cpus;
}

static bool plan(struct simulate *simulate) {
  char why[512];
  if (simulate->options.machine == NULL) {
    char names[256];
    machine_profile_names(names, sizeof names);
    snprintf(why, sizeof why, "--machine is missing; allowed: %s, or the file of a profile", names);
    return fail(why);
  }
  if (machine_profile_read(&simulate->profile, simulate->options.machine, why, sizeof why) != 0) return fail(why);
  if (machine_profile_load_topology(&simulate->profile, &simulate->topology) != 0) return false;
  if (!choose_locks(simulate, why, sizeof why)) return false;
  choose_threads(simulate);
  simulate->options.has_no_twin = true;
  /* No profile of a program is replayed, so nothing is scaled. */
  simulate->options.hold_scale = simulate->options.gap_scale = (struct options_list){.n = 1, .values = {1}};
  if (matrix_make(&simulate->matrix, &simulate->options, &simulate->topology, why, sizeof why) != 0) return fail(why);
  for (unsigned i = 0; i < simulate->matrix.n_placements; i++)
    if (!simulate->matrix.placements[i].is_pinned)
      return fail("--placement: 'none' cannot be simulated, since the model moves no thread to another CPU");
  for (unsigned i = 0; i < simulate->matrix.n_cells; i++) /* from now on, the guest of that name */
    simulate->matrix.cells[i].lock = simulation_find_guest(simulate->matrix.cells[i].lock->name);
  /* What the profile does not tell of its machine is found out before anything is written. */
  if (machine_profile_draw(&simulate->profile, &simulate->topology, 0, 0, &simulate->simulation->model, why,
                           sizeof why) != 0)
    return fail(why);
  model_free(&simulate->simulation->model);
  return true;
}

/* All that the model takes as the profile has it or as is usual, by name. */
static json_t *parameters_of(const struct machine_profile *profile) {
  json_t *values = json_object();
  for (unsigned i = 0; parameter_table[i].name != NULL; i++)
    json_object_set_new(values, parameter_table[i].name, json_real(profile->parameters[i].value));
  return values;
}

/* The profile's own name, since a run on it says nothing of this host; whatever is measured of a host is null. */
static json_t *describe(const struct simulate *simulate, int n_arguments, char **arguments) {
  json_t *list = json_array();
  char hash[24], topology[24];
  char *xml = topology_xml(&simulate->topology);
  for (int i = 0; i < n_arguments; i++) json_array_append_new(list, json_string(arguments[i]));
  snprintf(hash, sizeof hash, "%016" PRIx64, simulate->profile.hash);
  snprintf(topology, sizeof topology, "%016" PRIx64, topology_hash(&simulate->topology));
  json_t *host = json_pack("{s:s, s:s, s:n, s:i, s:i, s:s, s:o, s:o, s:[]}", "host", simulate->profile.name,
                           "cpu_model", simulate->profile.cpu, "hypervisor", "n_cpus_machine",
                           (int)simulate->topology.n_machine_cpus, "n_cpus_allowed", (int)simulate->topology.n_cpus,
                           "topology_hash", topology, "build", provenance_build(), "run",
                           json_pack("{s:i, s:s, s:o, s:i, s:i}", "schema", RECORD_SCHEMA, "run_id", simulate->run_id,
                                     "arguments", list, "n_cells", (int)simulate->matrix.n_cells, "n_trials",
                                     (int)(simulate->matrix.n_cells * simulate->options.n_repetitions)),
                           "warnings");
  json_object_set_new(host, "simulated",
                      json_pack("{s:s, s:s, s:i, s:O, s:o}", "name", simulate->profile.name, "hash", hash, "version",
                                SIMULATION_VERSION, "profile", simulate->profile.json, "parameters",
                                parameters_of(&simulate->profile)));
  json_object_set_new(host, "topology_xml", xml != NULL ? json_string(xml) : json_null());
  if (xml != NULL) topology_free_xml(&simulate->topology, xml);
  return host;
}

/* Where threads share CPUs, a window of less than some turns tells where it was cut. */
static double window_of(const struct simulate *simulate, const struct cell *cell, const struct model *model) {
  const unsigned n_per_cpu = (cell->workload.n_threads - 1) / cell->placement->n_cpus + 1;
  const double turns_s = n_per_cpu > 1 ? LEAST_TURNS * n_per_cpu * model->parameters.slice_ns / 1e9 : 0;
  return fmax(simulate->options.duration_s, turns_s);
}

/* One trial and its rows. Returns 0 or an errno after a message. */
static int simulate_one(struct simulate *simulate, unsigned order_index, unsigned i_cell, unsigned repetition) {
  const struct cell *cell = &simulate->matrix.cells[i_cell];
  struct simulation *simulation = simulate->simulation;
  struct trial_result result;
  char why[512];
  *simulation =
      (struct simulation){.counts_sections = simulate->options.counts_sections, .machine = simulate->profile.name};
  int error = machine_profile_draw(&simulate->profile, &simulate->topology, simulate->options.seed, repetition - 1,
                                   &simulation->model, why, sizeof why);
  if (error != 0) return fail(why), error;
  const struct trial trial = {
      .lock = cell->lock,
      .workload = cell->workload,
      .topology = &simulate->topology,
      .placement = cell->placement,
      .warmup_s = simulate->options.warmup_s,
      .duration_s = window_of(simulate, cell, &simulation->model),
      .pause_ns = simulation->model.parameters.pause_ns,
      .timeout_s = simulate->options.timeout_s,
      .times_waits = cell->times_waits,
      .seed = simulate->options.seed + order_index,
      .host = simulation_run,
      .host_data = simulation,
  };
  if (repetition == 1 && simulate->options.n_trace > 0) {
    simulation->n_trace = simulate->options.n_trace;
    snprintf(simulation->trace_path, sizeof simulation->trace_path, "%s/trace-%u-%s-%u", simulate->folder.path, i_cell,
             cell->lock->name, cell->workload.n_threads);
  }
  error = trial_run(&trial, true, &result, NULL);
  simulate->n_events += simulation->n_events;
  const struct record record = {
      .run_id = simulate->run_id,
      .started_at = "",
      .trial = &trial,
      .result = &result,
      .seed = simulate->options.seed,
      .repetition = repetition,
      .order_index = order_index,
      .topology_hash = topology_hash(&simulate->topology),
      .host = simulate->profile.name,
      .git_sha = provenance_git_sha,
      .simulated = simulate->simulated,
  };
  if (error == 0) error = record_file_append(&simulate->csv, &record);
  if (error == 0) counts_file_row(simulate->counts, order_index, repetition, &trial, &result, &simulation->counts);
  model_free(&simulation->model);
  const size_t place = (size_t)i_cell * simulate->options.n_repetitions + repetition - 1;
  const bool has_ops = error == 0 && result.status == TRIAL_OK && result.n_reads + result.n_writes > 0;
  simulate->ops_per_s[place] = has_ops ? (double)(result.n_reads + result.n_writes) / result.duration_s : NAN;
  simulate->misses[place] = has_ops ? counts_misses_per_op(&simulation->counts, &result) : NAN;
  if (error == 0 && result.status != TRIAL_OK) {
    simulate->n_failed++;
    message_progress("");
    message_error("%s: %s: %s", cell->name, trial_status_names[result.status], result.why);
  }
  return error;
}

/* A cell in a line: the first draw, which is the profile's own, and the range of all. */
static void print_cell(const struct simulate *simulate, unsigned i_cell) {
  const unsigned n = simulate->options.n_repetitions;
  double sorted[n], first = simulate->ops_per_s[(size_t)i_cell * n];
  unsigned n_good = 0;
  for (unsigned i = 0; i < n; i++) {
    sorted[i] = simulate->ops_per_s[(size_t)i_cell * n + i];
    n_good += !isnan(sorted[i]);
  }
  sort_reals(sorted, n);
  if (n_good == 0)
    printf("%-60s %10s\n", simulate->matrix.cells[i_cell].name, "-");
  else
    printf("%-60s %10.4g %10.4g %10.4g %9.3g\n", simulate->matrix.cells[i_cell].name, first / 1e6, sorted[0] / 1e6,
           sorted[n_good - 1] / 1e6, simulate->misses[(size_t)i_cell * n]);
}

/* Not among the results, which are the same on each machine. */
static void tell_speed(const struct simulate *simulate) {
  const double n = (double)simulate->n_events, s = usage_now().cpu_s + usage_of_children_s();
  message_note("simulated %.4g M events in %.3g s of CPU time: %.3g M a second", n / 1e6, s, n / 1e6 / s);
}

static int simulate_all(struct simulate *simulate) {
  const unsigned n_cells = simulate->matrix.n_cells, n_seeds = simulate->options.n_repetitions;
  int error = 0;
  interruption_prepare("interrupted; the rows so far are safe");
  for (unsigned i = 0; i < simulate->matrix.n_notes; i++) message_note("%s", simulate->matrix.notes[i]);
  printf("simulated: %s (%s)\n%-60s %10s %10s %10s %9s\n", simulate->simulated, simulate->profile.cpu, "cell",
         "M ops/s", "lowest", "highest", "misses/op");
  for (unsigned i = 0; i < n_cells && error == 0; i++) {
    for (unsigned seed = 1; seed <= n_seeds && error == 0; seed++) {
      char text[512];
      snprintf(text, sizeof text, "[%u/%u] %s", i * n_seeds + seed, n_cells * n_seeds, simulate->matrix.cells[i].name);
      message_progress(text);
      error = simulate_one(simulate, i * n_seeds + seed - 1, i, seed);
    }
    message_progress("");
    if (error == 0) print_cell(simulate, i);
    fflush(stdout);
  }
  if (error == 0) {
    ranking_print(&simulate->matrix, simulate->ops_per_s, n_seeds);
    fflush(stdout);
    tell_speed(simulate);
  }
  return error;
}

/* The folder, its files, and what is in them. Returns the exit code. */
static int write_results(struct simulate *simulate, int n_arguments, char **arguments) {
  const size_t n_trials = (size_t)simulate->matrix.n_cells * simulate->options.n_repetitions;
  char path[sizeof simulate->folder.path + 16];
  snprintf(simulate->simulated, sizeof simulate->simulated, "%s %016" PRIx64 " v%d%s", simulate->profile.name,
           simulate->profile.hash, SIMULATION_VERSION, simulate->options.counts_sections ? " counted" : "");
  snprintf(simulate->run_id, sizeof simulate->run_id, "simulated-%s-%" PRIu64, simulate->profile.name,
           simulate->options.seed);
  simulate->ops_per_s = calloc(n_trials, sizeof *simulate->ops_per_s);
  simulate->misses = calloc(n_trials, sizeof *simulate->misses);
  if (simulate->ops_per_s == NULL || simulate->misses == NULL)
    return fail("no memory for the results"), EXIT_TRIAL_FAILED;
  json_t *host = describe(simulate, n_arguments, arguments);
  int error = folder_create(&simulate->folder, simulate->options.out, host, NULL, false, &simulate->csv);
  json_decref(host);
  if (error != 0) return error == EINVAL ? EXIT_USAGE : EXIT_TRIAL_FAILED;
  snprintf(path, sizeof path, "%s/counts.csv", simulate->folder.path);
  simulate->counts = fopen(path, "wxe");
  if (simulate->counts == NULL) {
    message_error("cannot create '%s': %s", path, strerror(errno));
    return EXIT_TRIAL_FAILED;
  }
  counts_file_header(simulate->counts);
  error = simulate_all(simulate);
  const int close_error = record_file_close(&simulate->csv);
  if (fclose(simulate->counts) != 0 && error == 0) {
    message_error("cannot write '%s': %s", path, strerror(errno));
    error = EIO;
  }
  printf("results: %s\n", simulate->folder.path);
  return simulate->n_failed > 0 || error != 0 || close_error != 0 ? EXIT_TRIAL_FAILED : EXIT_GOOD;
}

int command_simulate(int n_arguments, char **arguments) {
  static struct simulate simulate;
  int exit_code;
  if (!options_read(&simulate.options, COMMAND_SIMULATE, n_arguments, arguments, &exit_code)) return exit_code;
  simulate.simulation = child_share(sizeof *simulate.simulation);
  if (simulate.simulation == NULL) return fail("no memory to share with a trial"), EXIT_TRIAL_FAILED;
  exit_code = plan(&simulate) ? write_results(&simulate, n_arguments, arguments) : EXIT_USAGE;
  child_unshare(simulate.simulation, sizeof *simulate.simulation);
  free(simulate.ops_per_s);
  free(simulate.misses);
  free(simulate.locks);
  matrix_free(&simulate.matrix);
  topology_free(&simulate.topology);
  machine_profile_free(&simulate.profile);
  return exit_code;
}
