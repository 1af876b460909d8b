// SPDX-License-Identifier: MIT
/*
 * seed.c: the workload of the Go program that lockbench grew from, for any lock: 100 readers and 10 writers
 * share a map of five keys, each sleeping a millisecond between operations, for a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "machine/clock.h"
#include "machine/pause.h"
#include "message.h"
#include "options.h"
#include "trial/trial.h"

enum { N_READERS = 100, N_WRITERS = 10, N_KEYS = 5, SLEEP_NS = 1000000, TIMEOUT_S = 30 };
enum { SPIN_NS = 1000, BACKOFF_MAX_NS = 10000 }; /* as in `lockbench run` */

struct seed_run {
  const struct topology *topology;
  const struct placement *placement;
  double duration_s, pause_ns;
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
                   .spin_ns = SPIN_NS,
                   .backoff_max_ns = BACKOFF_MAX_NS},
      .topology = run->topology,
      .placement = run->placement,
      .duration_s = run->duration_s,
      .pause_ns = run->pause_ns,
      .timeout_s = TIMEOUT_S,
      .seed = clock_now_ns(),
  };
  return trial_run(&trial, result, state);
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

static int run_all(const struct seed_run *run) {
  int exit_code = EXIT_GOOD;
  bool has_fifo_spinner = false;
  printf("%-20s %9s %9s %9s  %-6s %s\n", "lock", "readOps", "writeOps", "total", "waits", "FIFO");
  for (unsigned i = 0; registry[i] != NULL; i++) {
    const struct lk_ops *lock = registry[i];
    struct trial_result result;
    if (lock->traits & LK_BASELINE) continue; /* it protects no map */
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

int command_seed(int n_arguments, char **arguments) {
  const char *name = "pthread_mutex";
  double duration_s = 1;
  for (int i = 0; i < n_arguments; i += 2) {
    const char *value = i + 1 < n_arguments ? arguments[i + 1] : "";
    if (strcmp(arguments[i], "--help") == 0) {
      puts("Usage: lockbench seed [--lock NAME|all] [--duration S]\n\n"
           "100 readers and 10 writers share a map of 5 keys, each sleeping 1 ms between operations, for 1 s.");
      return EXIT_GOOD;
    }
    if (strcmp(arguments[i], "--lock") == 0 && *value != '\0') {
      name = value;
    } else if (strcmp(arguments[i], "--duration") == 0) {
      if (!options_number(value, false, 0.001, 3600, &duration_s)) {
        message_error("seed: --duration: '%s' is not a number from 0.001 to 3600", value);
        return EXIT_USAGE;
      }
    } else {
      message_error("seed: unknown option '%s'; allowed: --lock NAME, --lock all, --duration S, --help", arguments[i]);
      return EXIT_USAGE;
    }
  }
  const bool wants_all = strcmp(name, "all") == 0;
  const struct lk_ops *lock = wants_all ? NULL : registry_find(name);
  if (!wants_all && lock == NULL) {
    char near[256];
    registry_suggest(name, near, sizeof near);
    message_error("seed: unknown lock '%s'; did you mean %s? `lockbench list` shows all", name, near);
    return EXIT_USAGE;
  }
  struct topology topology;
  struct placement placement;
  char why[256];
  if (topology_load(&topology) != 0) return EXIT_USAGE;
  int exit_code = EXIT_USAGE;
  if (!topology.is_this_system) {
    message_error(
        "seed: the topology is not this machine's (HWLOC_SYNTHETIC or HWLOC_XMLFILE is set); it can't be timed");
  } else if (placement_make(&placement, &topology, "none", why, sizeof why) != 0) {
    message_error("seed: %s", why);
  } else {
    clock_calibrate();
    const struct seed_run run = {
        .topology = &topology, .placement = &placement, .duration_s = duration_s, .pause_ns = pause_measure_ns()};
    exit_code = wants_all ? run_all(&run) : run_one(&run, lock);
    placement_free(&placement);
  }
  topology_free(&topology);
  return exit_code;
}
