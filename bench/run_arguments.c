// SPDX-License-Identifier: MIT
#include "run_arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gbench.h"

/* Whether a file of that name can be made: it does not exist, and its folder is there and can be written. */
static bool can_create(const char *path) {
  char folder[1024];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
  return *path != '\0' && access(path, F_OK) != 0 && access(folder, W_OK | X_OK) == 0;
}

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

/* Google Benchmark's options that go against how lockbench measures, or that it would answer in its own way. */
static int check_gbench_option(const char *argument, char *why, size_t why_bytes) {
  const char *value = strchr(argument, '=');
  value = value != NULL ? value + 1 : "";
  if (starts_with(argument, "--benchmark_format=") || starts_with(argument, "--benchmark_out_format=")) {
    if (strcmp(value, "console") == 0 || strcmp(value, "json") == 0) return 0;
    snprintf(why, why_bytes, "%.80s: allowed: console, json (lockbench writes its own results.csv)", argument);
  } else if (starts_with(argument, "--benchmark_min_time")) {
    snprintf(why, why_bytes, "--benchmark_min_time: a trial is as long as --duration says");
  } else if (starts_with(argument, "--benchmark_out=")) {
    if (can_create(value)) return 0;
    snprintf(why, why_bytes, "--benchmark_out: '%.200s' exists or cannot be created; name a new file", value);
  } else {
    return 0;
  }
  return EINVAL;
}

static bool is_gbench_option(const char *argument) {
  return starts_with(argument, "--benchmark_") || starts_with(argument, "--v=");
}

/* Google Benchmark exits by itself at a value that it cannot read; what it does not know, it leaves. */
static int give_to_gbench(int n_arguments, char **arguments, char *why, size_t why_bytes) {
  for (int i = 1; i < n_arguments; i++)
    if (check_gbench_option(arguments[i], why, why_bytes) != 0) return EINVAL;
  gbench_initialize(&n_arguments, arguments);
  if (n_arguments == 1) return 0;
  snprintf(why, why_bytes, "unknown option '%.80s'; Google Benchmark does not know it either", arguments[1]);
  return EINVAL;
}

int run_arguments_read(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes) {
  static const char repetitions[] = "--benchmark_repetitions=";
  static char program[] = "lockbench"; /* Google Benchmark keeps the pointer */
  char *ours[n_arguments + 1], *theirs[n_arguments + 2], renamed[64];
  int n_ours = 0, n_theirs = 0;
  theirs[n_theirs++] = program;
  for (int i = 0; i < n_arguments; i++) {
    if (starts_with(arguments[i], repetitions)) {
      snprintf(renamed, sizeof renamed, "--repetitions=%.40s", arguments[i] + strlen(repetitions));
      ours[n_ours++] = renamed;
    } else if (is_gbench_option(arguments[i])) {
      theirs[n_theirs++] = arguments[i];
    } else {
      ours[n_ours++] = arguments[i];
    }
  }
  theirs[n_theirs] = NULL;
  const int error = options_parse(options, COMMAND_RUN, n_ours, ours, why, why_bytes);
  if (error != 0 || options->wants_help) return error;
  if (options->resume != NULL && n_arguments > (starts_with(arguments[0], "--resume=") ? 1 : 2)) {
    snprintf(why, why_bytes,
             "--resume takes the folder of the interrupted run and no other option: that run's own are in it");
    return EINVAL;
  }
  return give_to_gbench(n_theirs, theirs, why, why_bytes);
}

char **run_arguments_of(const json_t *host, int *n_arguments) {
  const json_t *list = json_object_get(json_object_get(host, "run"), "arguments");
  char **arguments = calloc(json_array_size(list) + 1, sizeof *arguments);
  *n_arguments = 0;
  size_t i;
  json_t *argument;
  if (arguments == NULL) return NULL;
  json_array_foreach (list, i, argument)
    if (json_is_string(argument)) arguments[(*n_arguments)++] = (char *)json_string_value(argument);
  return arguments;
}
