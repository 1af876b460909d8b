// SPDX-License-Identifier: MIT
/*
 * exec.c: `lockbench exec`: runs a program with a library in it that puts our locks in the place of the system's
 * (src/preload), and tells afterwards what the program did with them.
 */
#include "commands.h"
#include "exec_locks.h"
#include "exec_summary.h"
#include "launch.h"
#include "message.h"
#include "options.h"

enum { WATCH_MS = 200 };

struct run {
  struct exec_locks locks;
  struct launch launch;
};

/* More threads than CPUs under a lock that hands over to a thread without one: the program may never end, so this is
   told while it runs. */
static bool looks_on(void *context) {
  const struct run *const run = context;
  const uint32_t n_threads = atomic_load_explicit(&run->launch.page->most_threads, memory_order_relaxed); /* a number */
  if (n_threads <= run->launch.n_cpus) return true;
  message_warning(
      "exec: %s spins in order of arrival, and the program locks with %u threads on %u CPUs: a hand-off to a "
      "thread that has no CPU waits for the scheduler, and the program may hardly move",
      run->locks.fifo_spinner, n_threads, run->launch.n_cpus);
  return false;
}

static int run_under_locks(const char *names, char **arguments) {
  struct run run;
  char why[1024];
  if (exec_locks_find(&run.locks, names, why, sizeof why) != 0) {
    message_error("exec: %s", why);
    return EXIT_USAGE;
  }
  int status, error = launch_prepare(&run.launch, "exec", arguments, run.locks.paths);
  const struct launch_watch watch = {
      .interval_ms = run.locks.fifo_spinner != NULL ? WATCH_MS : 0, .look = looks_on, .context = &run};
  if (error == 0) error = launch_run(&run.launch, &watch, &status);
  if (error != 0) return error;
  exec_summary_print(run.launch.page, &run.locks, arguments[0], run.launch.n_cpus, status);
  launch_warn_of_those_left(&run.launch);
  return launch_exit_code(status);
}

int command_exec(int n_arguments, char **arguments) {
  struct options options;
  int n_options, program, exit_code;
  const char *wrong;
  launch_split(n_arguments, arguments, &n_options, &program, &wrong);
  if (!options_read(&options, COMMAND_EXEC, n_options, arguments, &exit_code)) return exit_code;
  if (options.locks == NULL) wrong = "--lock is missing: which lock is to stand in for the program's";
  if (wrong != NULL) {
    message_error("exec: %s; usage: lockbench exec --lock NAME -- PROGRAM ARGUMENT...", wrong);
    return EXIT_USAGE;
  }
  return run_under_locks(options.locks, arguments + program);
}
