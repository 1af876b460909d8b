// SPDX-License-Identifier: MIT
/*
 * observe.c: `lockbench observe`: runs a program with a library in it that leaves its locks to the system and records
 * what it does with them (src/preload/observe.c), and makes a profile of that: a table, and profile.json in a folder.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "folder.h"
#include "launch.h"
#include "machine/clock.h"
#include "machine/usage.h"
#include "message.h"
#include "observe_cost.h"
#include "observe_profile.h"
#include "observe_table.h"
#include "options.h"
#include "preload/recording.h"

struct observation {
  struct launch launch;
  struct recording *recording;
  struct folder folder;
  struct observe_run run;
  uint64_t start_ns;
  double cpu_before_s;
  unsigned n_interim; /* profiles that were asked for while the program ran */
};

/* Whole or not at all: under another name first. */
static int write_profile(const json_t *profile, const char *path) {
  char unfinished[1200];
  snprintf(unfinished, sizeof unfinished, "%s.unfinished", path);
  errno = 0;
  if (json_dump_file(profile, unfinished, JSON_COMPACT) == 0 && rename(unfinished, path) == 0) return 0;
  const int error = errno != 0 ? errno : EIO;
  message_error("observe: cannot write '%s': %s", path, strerror(error));
  unlink(unfinished);
  return error;
}

static json_t *make_profile(struct observation *observation) {
  observation->run.seconds = (double)(clock_now_ns() - observation->start_ns) * 1e-9;
  json_t *const profile = observe_profile_make(observation->recording, observation->launch.page, &observation->run);
  if (profile == NULL) message_error("observe: there is no memory for the profile");
  return profile;
}

/* SIGUSR1: what there is so far. */
static void write_interim(void *context) {
  struct observation *const observation = context;
  char path[1100];
  json_t *const profile = make_profile(observation);
  snprintf(path, sizeof path, "%s/profile-%u.json", observation->folder.path, ++observation->n_interim);
  if (profile != NULL && write_profile(profile, path) == 0) message_note("observe: so far: %s", path);
  json_decref(profile);
}

/* The program once more, without us, for its time only: nothing to read, and nothing that it writes is kept. */
static void time_plain(struct observation *observation) {
  const double cpu_before_s = usage_of_children_s();
  const uint64_t start_ns = clock_now_ns();
  int status;
  if (launch_run_plain(&observation->launch, &status) != 0) return;
  observation->run.plain_s = (double)(clock_now_ns() - start_ns) * 1e-9;
  observation->run.plain_cpu_s = usage_of_children_s() - cpu_before_s;
  if (launch_exit_code(status) != 0)
    message_warning("observe: without observation, and with nothing to read, the program ended with %d",
                    launch_exit_code(status));
}

static int tell(struct observation *observation, const char *library, bool wants_cost, int status) {
  char path[1100], ended[32];
  snprintf(ended, sizeof ended, "%s %d", WIFSIGNALED(status) ? "signal" : "exit",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  observation->run.ended = ended;
  observation->run.cpu_s = usage_of_children_s() - observation->cpu_before_s;
  json_t *profile = make_profile(observation);
  if (profile == NULL) return EXIT_TRIAL_FAILED;
  observation->run.cost_ns = observe_cost_measure(library);
  if (wants_cost) time_plain(observation);
  observe_profile_set_cost(profile, &observation->run);
  snprintf(path, sizeof path, "%s/profile.json", observation->folder.path);
  const int error = write_profile(profile, path);
  observe_table_print(profile);
  json_decref(profile);
  launch_warn_of_those_left(&observation->launch);
  if (error != 0) return EXIT_TRIAL_FAILED;
  fprintf(stderr, "lockbench observe: the profile: %s\n", path);
  return launch_exit_code(status);
}

static int prepare(struct observation *observation, const char *library, char **arguments) {
  const int code = launch_prepare(&observation->launch, "observe", arguments, library);
  if (code != 0) return code;
  struct recording *const recording =
      launch_share(&observation->launch, RECORDING_VARIABLE, sizeof *recording, RECORDING_MAGIC);
  if (recording == NULL) {
    message_error("observe: cannot prepare the program: %s", strerror(errno));
    return EXIT_TRIAL_FAILED;
  }
  clock_calibrate();
  recording->uses_counter = clock_scale.uses_counter;
  recording->ns_per_tick = clock_scale.ns_per_tick;
  observation->recording = recording;
  observation->run = (struct observe_run){.arguments = arguments,
                                          .ended = "runs",
                                          .started_at = time(NULL),
                                          .n_cpus = observation->launch.n_cpus,
                                          .cost_ns = NAN,
                                          .cpu_s = NAN,
                                          .plain_s = NAN,
                                          .plain_cpu_s = NAN};
  return 0;
}

static int observe(const struct options *options, char **arguments) {
  static struct observation observation;
  const struct launch_watch watch = {.signal = SIGUSR1, .on_signal = write_interim, .context = &observation};
  char library[4096];
  char why[8192];
  int status, code;
  if (!launch_find_library("observe", library, sizeof library)) {
    message_error("observe: the library that observes a program is not beside lockbench");
    return EXIT_USAGE;
  }
  if (!launch_may_preload(library, why, sizeof why)) {
    message_error("observe: %s", why);
    return EXIT_USAGE;
  }
  if ((code = prepare(&observation, library, arguments)) != 0) return code;
  if (folder_make(&observation.folder, options->out, "-observe") != 0) return EXIT_USAGE;
  observation.cpu_before_s = usage_of_children_s();
  observation.start_ns = clock_now_ns();
  observation.recording->start = clock_ticks();
  code = launch_run(&observation.launch, &watch, &status);
  const struct page *const page = observation.launch.page;
  const bool is_observed =
      code == 0 && atomic_load_explicit(&page->n_processes, memory_order_relaxed) > 0; /* it ended */
  if (!is_observed) rmdir(observation.folder.path);
  if (code != 0) return code;
  if (is_observed) return tell(&observation, library, options->wants_cost, status);
  message_warning("observe: no library could be put into '%s', which ran unobserved", arguments[0]);
  return launch_exit_code(status);
}

int command_observe(int n_arguments, char **arguments) {
  struct options options;
  int n_options, program, exit_code;
  const char *wrong;
  launch_split(n_arguments, arguments, &n_options, &program, &wrong);
  if (!options_read(&options, COMMAND_OBSERVE, n_options, arguments, &exit_code)) return exit_code;
  if (wrong != NULL) {
    message_error("observe: %s; usage: lockbench observe [OPTION...] -- PROGRAM ARGUMENT...", wrong);
    return EXIT_USAGE;
  }
  return observe(&options, arguments + program);
}
