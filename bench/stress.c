// SPDX-License-Identifier: MIT
/* stress.c: `lockbench stress`: tries to break locks, and says what became of each. */
#include <stdbool.h>
#include <stdio.h>

#include "commands.h"
#include "interruption.h"
#include "machine/priority.h"
#include "message.h"
#include "options.h"
#include "selection.h"
#include "stress/stress.h"

enum { PROGRESS_AFTER_S = 2 };

struct stress_command {
  struct selection selection;
  double duration_s; /* for each lock */
  bool shows_phases;
};

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
  const double left_s = command->duration_s * (command->selection.n - n_done);
  char text[160];
  if (command->duration_s * command->selection.n < PROGRESS_AFTER_S) return;
  snprintf(text, sizeof text, "[%u/%u, %.0f s left] stress %s", n_done + 1, command->selection.n, left_s,
           command->selection.locks[n_done]->name);
  message_progress(text);
}

static int stress_all(const struct stress_command *command) {
  int exit_code = EXIT_GOOD;
  interruption_prepare("interrupted; the lock that was under stress is not in the table");
  printf("%-20s %-8s %7s %12s %12s\n", "lock", "verdict", "rounds", "acquisitions", "max wait ms");
  fflush(stdout);
  for (unsigned i = 0; i < command->selection.n; i++) {
    const struct lk_ops *lock = command->selection.locks[i];
    struct stress_result result;
    show_progress(command, i);
    if (stress_run(lock, command->duration_s, &result) != 0) return EXIT_TRIAL_FAILED;
    message_progress("");
    print_result(lock->name, &result, command->shows_phases);
    if (result.verdict != STRESS_OK) exit_code = EXIT_TRIAL_FAILED;
  }
  return exit_code;
}

int command_stress(int n_arguments, char **arguments) {
  struct options options;
  char why[512];
  int exit_code;
  if (!options_read(&options, COMMAND_STRESS, n_arguments, arguments, &exit_code)) return exit_code;
  if (priority_is_real_time(why, sizeof why)) {
    message_error(
        "stress: scheduled as %.40s, under which its many threads to a CPU would wait for each other for ever; "
        "start it without chrt",
        why);
    return EXIT_USAGE;
  }
  struct stress_command command = {.duration_s = options.duration_s, .shows_phases = options.shows_phases};
  if (selection_make_of_locks(&command.selection, options.locks, why, sizeof why) == 0) return stress_all(&command);
  message_error("stress: --locks: %s", why);
  return EXIT_USAGE;
}
