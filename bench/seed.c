// SPDX-License-Identifier: MIT
/*
 * seed.c: the workload of the Go program that lockbench grew from, for any lock: 100 readers and 10 writers
 * share a map of five keys, each sleeping a millisecond between operations, for a second.
 */
#include <stdio.h>

#include "commands.h"
#include "machine/clock.h"
#include "machine/pause.h"
#include "machine/priority.h"
#include "message.h"
#include "options.h"
#include "selection.h"
#include "trial/trial.h"

enum { N_READERS = 100, N_WRITERS = 10, N_KEYS = 5, SLEEP_NS = 1000000, TIMEOUT_S = 30 };

struct seed_run {
  const struct topology *topology;
  const struct placement *placement;
  double duration_s, pause_ns;
  uint64_t spin_ns, backoff_max_ns;
};

static int measure(const struct seed_run *run, const struct lk_ops *lock, struct trial_result *result,
                   struct workload_key *state) {
  const struct trial trial = {
      .lock = lock,
      .workload = {.has_fixed_roles = true,
                   .n_threads = N_READERS + N_WRITERS,
                   .n_readers = N_READERS,
                   .n_writers = N_WRITERS,
                   .n_keys = N_KEYS,
                   .n_locks = 1,
                   .think = THINK_SLEEP,
                   .think_ns = SLEEP_NS,
                   .spin_ns = run->spin_ns,
                   .backoff_max_ns = run->backoff_max_ns},
      .topology = run->topology,
      .placement = run->placement,
      .duration_s = run->duration_s,
      .pause_ns = run->pause_ns,
      .timeout_s = TIMEOUT_S,
      .seed = clock_now_ns(),
  };
  int error = 0;
  for (unsigned n_reruns = 0; n_reruns <= TRIAL_MAX_RERUNS; n_reruns++) {
    error = trial_run(&trial, n_reruns == TRIAL_MAX_RERUNS, result, state);
    if (error != 0 || !trial_is_to_be_repeated(result)) break;
  }
  return error;
}

/* As Go's fmt prints a map: in the order of the keys, those only that were ever set. */
static void print_as_go(const struct trial_result *result, const struct workload_key *state) {
  printf("readOps: %llu\nwriteOps: %llu\nstate: map[", (unsigned long long)result->n_reads,
         (unsigned long long)result->n_writes);
  const char *separator = "";
  for (unsigned key = 0; key < N_KEYS; key++) {
    if (state[key].n_writes == 0) continue;
    printf("%s%u:%u", separator, key, state[key].value);
    separator = " ";
  }
  puts("]");
}

static bool is_fifo_spinner(const struct lk_ops *lock) {
  return (lock->traits & (LK_FIFO | LK_SPINS | LK_PARKS)) == (LK_FIFO | LK_SPINS);
}

static void explain_fifo_spinners(const struct topology *topology) {
  fprintf(
      stderr,
      "\nA FIFO spin lock hands over to the thread that is next in line, even while that thread has no CPU: with %d\n"
      "threads on %u CPUs a hand-off often waits until the scheduler has run the spinners before it. That is what the\n"
      "figure shows; nothing here is tuned to hide it.\n",
      N_READERS + N_WRITERS, topology->n_cpus);
}

static int run_one(const struct seed_run *run, const struct lk_ops *lock) {
  struct trial_result result;
  struct workload_key state[N_KEYS];
  if (measure(run, lock, &result, state) != 0) return EXIT_TRIAL_FAILED;
  if (result.status != TRIAL_OK) {
    message_error("%s: %s: %s", lock->name, trial_status_names[result.status], result.why);
    return EXIT_TRIAL_FAILED;
  }
  print_as_go(&result, state);
  if (is_fifo_spinner(lock)) explain_fifo_spinners(run->topology);
  return EXIT_GOOD;
}

static int run_several(const struct seed_run *run, const struct selection *selection) {
  int exit_code = EXIT_GOOD;
  bool has_fifo_spinner = false;
  printf("%-20s %9s %9s %9s  %-6s %s\n", "lock", "readOps", "writeOps", "total", "waits", "FIFO");
  for (unsigned i = 0; i < selection->n; i++) {
    const struct lk_ops *lock = selection->locks[i];
    struct trial_result result;
    message_progress(lock->name);
    if (measure(run, lock, &result, NULL) != 0) return EXIT_TRIAL_FAILED;
    message_progress("");
    if (result.status == TRIAL_OK) {
      printf("%-20s %9llu %9llu %9llu  %-6s %s\n", lock->name, (unsigned long long)result.n_reads,
             (unsigned long long)result.n_writes, (unsigned long long)(result.n_reads + result.n_writes),
             registry_waits(lock), registry_fifo(lock));
    } else {
      printf("%-20s %s: %s\n", lock->name, trial_status_names[result.status], result.why);
      exit_code = EXIT_TRIAL_FAILED;
    }
    fflush(stdout);
    has_fifo_spinner |= is_fifo_spinner(lock);
  }
  if (has_fifo_spinner) explain_fifo_spinners(run->topology);
  return exit_code;
}

/* Everything but the locks and the duration is as in a plain `lockbench run`. */
static int run_locks(const struct topology *topology, const struct options *options,
                     const struct selection *selection) {
  struct options plain;
  struct placement placement;
  char why[256];
  if (options_parse(&plain, COMMAND_RUN, 0, NULL, why, sizeof why) != 0 ||
      placement_make(&placement, topology, "none", why, sizeof why) != 0) {
    message_error("seed: %s", why);
    return EXIT_USAGE;
  }
  clock_calibrate();
  const struct seed_run run = {.topology = topology,
                               .placement = &placement,
                               .duration_s = options->duration_s,
                               .pause_ns = pause_measure_ns(),
                               .spin_ns = (uint64_t)plain.spin_ns.values[0],
                               .backoff_max_ns = (uint64_t)plain.backoff_max_ns.values[0]};
  const int exit_code = selection->n == 1 ? run_one(&run, selection->locks[0]) : run_several(&run, selection);
  placement_free(&placement);
  return exit_code;
}

int command_seed(int n_arguments, char **arguments) {
  struct options options;
  struct selection selection;
  struct topology topology;
  char why[512];
  int exit_code;
  if (!options_read(&options, COMMAND_SEED, n_arguments, arguments, &exit_code)) return exit_code;
  if (selection_make_of_locks(&selection, options.locks, why, sizeof why) != 0) {
    message_error("seed: --locks: %s", why);
    return EXIT_USAGE;
  }
  if (!priority_has_room(why, sizeof why)) {
    message_error("seed: %s", why);
    return EXIT_USAGE;
  }
  if (topology_load(&topology) != 0) return EXIT_USAGE;
  if (topology.is_this_system) {
    exit_code = run_locks(&topology, &options, &selection);
  } else {
    message_error("seed: the topology is not this machine's (HWLOC_SYNTHETIC or HWLOC_XMLFILE is set), which can be "
                  "planned for with `lockbench topology`, but not timed on");
    exit_code = EXIT_USAGE;
  }
  topology_free(&topology);
  return exit_code;
}
