// SPDX-License-Identifier: MIT
/* stress.c: `lockbench stress`: tries to break locks, and says what became of each. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "message.h"
#include "options.h"
#include "selection.h"
#include "stress/stress.h"

enum { PROGRESS_AFTER_S = 2 };

struct stress_command {
  struct selection selection;
  double time_s; /* for each lock */
  bool shows_phases;
};

static void print_help(void) {
  puts("Usage: lockbench stress [--lock NAMES] [--time S] [--phases]\n\n"
       "Tries to break locks: 1 to 8 threads per CPU with random delays, beside programs that take the CPUs away,\n"
       "under signals, stopped between two instructions (on x86), coming and going, over one lock and many. It checks\n"
       "what the locks protect; it measures nothing.\n\n"
       "  --lock NAMES  locks, and words that stand for many, as in `lockbench run --help` (default: mutex,rw)\n"
       "  --time S      for each lock, in seconds; one round of each phase is made in any case (default: 1)\n"
       "  --phases      shows what happened in each phase\n\n"
       "Exit code: 0 nothing was found, 1 a lock is broken, hangs or crashes, 2 wrong usage.");
}

/* Options -> what to stress, or a message and false. */
static bool read_arguments(struct stress_command *command, int n_arguments, char **arguments) {
  const char *names = "mutex,rw";
  char why[512];
  command->time_s = 1;
  for (int i = 0; i < n_arguments; i++) {
    const char *value = i + 1 < n_arguments ? arguments[i + 1] : "";
    if (strcmp(arguments[i], "--phases") == 0) {
      command->shows_phases = true;
      continue;
    }
    if (strcmp(arguments[i], "--lock") == 0) {
      names = value;
    } else if (strcmp(arguments[i], "--time") == 0) {
      if (!options_number(value, false, 0.001, 86400, &command->time_s)) {
        message_error("stress: --time: '%s' is not a number from 0.001 to 86400", value);
        return false;
      }
    } else {
      message_error("stress: unknown option '%s'; allowed: --lock NAMES, --time S, --phases, --help", arguments[i]);
      return false;
    }
    i++;
  }
  if (selection_make(&command->selection, names, why, sizeof why) == 0) return true;
  message_error("stress: --lock: %s", why);
  return false;
}

static bool is_lock(const struct lk_ops *lock) { return !(lock->traits & LK_BASELINE); }

/* Baselines protect nothing; words that stand for many may mean them too. */
static bool drop_baselines(struct selection *selection) {
  char baselines[256] = "";
  unsigned n = 0;
  size_t n_bytes = 0;
  for (unsigned i = 0; i < selection->n; i++) {
    const struct lk_ops *lock = selection->locks[i];
    if (is_lock(lock))
      selection->locks[n++] = lock;
    else if (n_bytes < sizeof baselines)
      n_bytes += (size_t)snprintf(baselines + n_bytes, sizeof baselines - n_bytes, " %s", lock->name);
  }
  if (n == 0)
    message_error("stress: --lock: only baselines, which exclude nobody:%s", baselines);
  else if (n_bytes > 0)
    message_note("stress leaves out what excludes nobody, the baselines:%s", baselines);
  selection->n = n;
  return n > 0;
}

static void print_counts(const char *name, const char *verdict, const struct stress_counts *counts) {
  printf("%-20s %-8s %7u %12llu %12.3f\n", name, verdict, counts->n_rounds, (unsigned long long)counts->n_sections,
         (double)counts->longest_wait_ns / 1e6);
}

static void print_result(const char *name, const struct stress_result *result, bool shows_phases) {
  struct stress_counts all = {0};
  for (unsigned i = 0; i < STRESS_N_PHASES; i++) {
    const struct stress_counts *of_phase = &result->of[i];
    all.n_rounds += of_phase->n_rounds;
    all.n_sections += of_phase->n_sections;
    if (of_phase->longest_wait_ns > all.longest_wait_ns) all.longest_wait_ns = of_phase->longest_wait_ns;
  }
  print_counts(name, stress_verdict_names[result->verdict], &all);
  for (unsigned i = 0; shows_phases && i < STRESS_N_PHASES; i++) {
    char indented[40];
    snprintf(indented, sizeof indented, "  %s", stress_phase_names[i]);
    print_counts(indented, "", &result->of[i]);
  }
  fflush(stdout);
  if (result->verdict != STRESS_OK)
    message_error("%s: %s: %s", name, stress_verdict_names[result->verdict], result->why);
}

static void show_progress(const struct stress_command *command, unsigned n_done) {
  const double left_s = command->time_s * (command->selection.n - n_done);
  char text[160];
  if (command->time_s * command->selection.n < PROGRESS_AFTER_S) return;
  snprintf(text, sizeof text, "[%u/%u, %.0f s left] stress %s", n_done + 1, command->selection.n, left_s,
           command->selection.locks[n_done]->name);
  message_progress(text);
}

static void on_signal(int number) {
  static const char farewell[] = "\nlockbench: interrupted; the lock that was under stress is not in the table\n";
  (void)!write(STDERR_FILENO, farewell, sizeof farewell - 1);
  signal(number, SIG_DFL);
  raise(number); /* its process dies with us */
}

static int stress_all(const struct stress_command *command) {
  int exit_code = EXIT_GOOD;
  const int caught[] = {SIGINT, SIGTERM, SIGHUP};
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) signal(caught[i], on_signal);
  printf("%-20s %-8s %7s %12s %12s\n", "lock", "verdict", "rounds", "acquisitions", "max wait ms");
  fflush(stdout);
  for (unsigned i = 0; i < command->selection.n; i++) {
    const struct lk_ops *lock = command->selection.locks[i];
    struct stress_result result;
    show_progress(command, i);
    if (stress_run(lock, command->time_s, &result) != 0) return EXIT_TRIAL_FAILED;
    message_progress("");
    print_result(lock->name, &result, command->shows_phases);
    if (result.verdict != STRESS_OK) exit_code = EXIT_TRIAL_FAILED;
  }
  return exit_code;
}

int command_stress(int n_arguments, char **arguments) {
  struct stress_command command = {0};
  for (int i = 0; i < n_arguments; i++)
    if (strcmp(arguments[i], "--help") == 0) {
      print_help();
      return EXIT_GOOD;
    }
  if (!read_arguments(&command, n_arguments, arguments) || !drop_baselines(&command.selection)) return EXIT_USAGE;
  return stress_all(&command);
}
