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

int run_arguments_read(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes) {
  static const char repetitions[] = "--benchmark_repetitions=";
  static char program[] = "lockbench"; /* Google Benchmark keeps the pointer */
  char *left[n_arguments + 2], renamed[64];
  int n_left = 0;
  left[n_left++] = program;
  for (int i = 0; i < n_arguments; i++) {
    if (check_gbench_option(arguments[i], why, why_bytes) != 0) return EINVAL;
    left[n_left++] = arguments[i];
    if (starts_with(arguments[i], repetitions)) {
      snprintf(renamed, sizeof renamed, "--repetitions=%.40s", arguments[i] + strlen(repetitions));
      left[n_left - 1] = renamed;
    }
  }
  left[n_left] = NULL;
  gbench_initialize(&n_left, left);
  return options_parse(options, n_left - 1, left + 1, why, why_bytes);
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

const char *run_arguments_resume(int n_arguments, char **arguments) {
  for (int i = 0; i < n_arguments; i++) {
    if (starts_with(arguments[i], "--resume=")) return arguments[i] + 9;
    if (strcmp(arguments[i], "--resume") == 0) return i + 1 < n_arguments ? arguments[i + 1] : "";
  }
  return NULL;
}
