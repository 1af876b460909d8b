// SPDX-License-Identifier: MIT
#include "run_arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gbench.h"
#include "gbench_options.h"

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Such an option is one invocation's and not the run's: the part that goes on may write a file of its own. */
static bool names_a_file(const char *argument) {
  return starts_with(argument, "--benchmark_out=") || starts_with(argument, "--benchmark_out_format=");
}

/* Google Benchmark exits by itself at a value that it cannot read; what it does not know, it leaves. */
static int give_to_gbench(int n_arguments, char **arguments, char *why, size_t why_bytes) {
  gbench_initialize(&n_arguments, arguments);
  if (n_arguments > 1) {
    snprintf(why, why_bytes, "unknown option '%.80s'; Google Benchmark does not know it either", arguments[1]);
    return EINVAL;
  }
  if (gbench_only_lists() || gbench_runs_once()) return 0;
  snprintf(why, why_bytes,
           "Google Benchmark is set up to run a benchmark not just once; look for BENCHMARK_... in the environment");
  return EINVAL;
}

int run_arguments_read(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes) {
  static const char repetitions[] = "--benchmark_repetitions=";
  static char program[] = "lockbench"; /* Google Benchmark keeps the pointer */
  bool has_value_in_it = false;        /* --resume=DIR is one argument, --resume DIR two */
  char *ours[n_arguments + 1], *theirs[n_arguments + GBENCH_OPTIONS_MAX_ENVIRONMENT + 2], renamed[64];
  int n_ours = 0, n_theirs = 0, n_of_the_run = 0;
  theirs[n_theirs++] = program;
  /* First, since of an option that comes twice the last counts. */
  const int environment_error = gbench_options_of_environment(theirs + 1, &n_theirs, why, why_bytes);
  if (environment_error != 0) return environment_error;
  n_theirs++;
  for (int i = 0; i < n_arguments; i++) {
    n_of_the_run += !names_a_file(arguments[i]);
    has_value_in_it |= starts_with(arguments[i], "--resume=");
    if (starts_with(arguments[i], repetitions)) {
      snprintf(renamed, sizeof renamed, "--repetitions=%.40s", arguments[i] + strlen(repetitions));
      ours[n_ours++] = renamed;
    } else if (gbench_options_is_one(arguments[i])) {
      const int error = gbench_options_check(arguments[i], why, why_bytes);
      if (error != 0) return error;
      theirs[n_theirs++] = arguments[i];
    } else {
      ours[n_ours++] = arguments[i];
    }
  }
  theirs[n_theirs] = NULL;
  const int error = options_parse(options, COMMAND_RUN, n_ours, ours, why, why_bytes);
  if (error != 0 || options->wants_help) return error;
  if (options->resume != NULL && n_of_the_run > (has_value_in_it ? 1 : 2)) {
    snprintf(why, why_bytes,
             "--resume takes the folder of the interrupted run and no other option but --benchmark_out: that run's own "
             "are in it");
    return EINVAL;
  }
  return give_to_gbench(n_theirs, theirs, why, why_bytes);
}

char **run_arguments_of(const json_t *host, int *n_arguments, bool *had_file) {
  const json_t *list = json_object_get(json_object_get(host, "run"), "arguments");
  char **arguments = calloc(json_array_size(list) + 1, sizeof *arguments);
  *n_arguments = 0;
  *had_file = false;
  size_t i;
  json_t *argument;
  if (arguments == NULL) return NULL;
  json_array_foreach (list, i, argument) {
    if (!json_is_string(argument)) continue;
    char *const text = (char *)json_string_value(argument);
    if (names_a_file(text))
      *had_file = true;
    else
      arguments[(*n_arguments)++] = text;
  }
  return arguments;
}
