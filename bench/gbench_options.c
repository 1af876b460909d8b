// SPDX-License-Identifier: MIT
#include "gbench_options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum policy {
  PASSED,   /* changes nothing about a trial */
  FORMAT,   /* console or json */
  NEW_FILE, /* must not exist yet */
  REFUSED,
};

static const struct gbench_option {
  const char *name; /* behind --benchmark_; in the environment in capitals behind BENCHMARK_ */
  enum policy policy;
  const char *instead; /* why refused, and what to do */
} table[] = {
    {"list_tests", PASSED, NULL},
    {"filter", PASSED, NULL},
    {"color", PASSED, NULL},
    {"counters_tabular", PASSED, NULL},
    {"context", PASSED, NULL},
    {"time_unit", PASSED, NULL},
    {"format", FORMAT, NULL},
    {"out_format", FORMAT, NULL},
    {"out", NEW_FILE, NULL},
    {"repetitions", REFUSED, "lockbench interleaves the repetitions; use --repetitions"},
    {"min_time", REFUSED, "a trial is as long as --duration says"},
    {"min_warmup_time", REFUSED, "each trial warms up as long as --warmup says"},
    {"enable_random_interleaving", REFUSED, "lockbench runs its trials in a random order of its own; see --seed"},
    {"report_aggregates_only", REFUSED, "lockbench reports each trial; scripts/summary has the medians"},
    {"display_aggregates_only", REFUSED, "lockbench reports each trial; scripts/summary has the medians"},
    {"perf_counters", REFUSED, "a trial is another process than the one whose events these would count"},
};

enum { N_OPTIONS = sizeof table / sizeof *table };

_Static_assert(sizeof table / sizeof *table <= GBENCH_OPTIONS_MAX_ENVIRONMENT,
               "one argument for each option that the environment sets");

static const char prefix[] = "--benchmark_";

bool gbench_options_is_one(const char *argument) {
  return strncmp(argument, prefix, strlen(prefix)) == 0 || strncmp(argument, "--v=", 4) == 0;
}

static void name_variable(const struct gbench_option *option, char *variable, size_t n_bytes) {
  snprintf(variable, n_bytes, "BENCHMARK_%s", option->name);
  for (char *c = variable; *c != '\0'; c++) *c = (char)toupper((unsigned char)*c);
}

/* Whether a file of that name can be made: it does not exist, and its folder is there and can be written. */
static bool can_create(const char *path) {
  char folder[1024];
  const char *slash = strrchr(path, '/');
  snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);
  return *path != '\0' && access(path, F_OK) != 0 && access(folder, W_OK | X_OK) == 0;
}

/* `spelling` is how the user knows the option. */
static int check(const struct gbench_option *option, const char *spelling, const char *value, char *why,
                 size_t why_bytes) {
  switch (option->policy) {
    case PASSED:
      return 0;
    case FORMAT:
      if (strcmp(value, "console") == 0 || strcmp(value, "json") == 0) return 0;
      snprintf(why, why_bytes, "%s=%.40s: allowed: console, json (lockbench writes its own results.csv)", spelling,
               value);
      return EINVAL;
    case NEW_FILE:
      if (can_create(value)) return 0;
      snprintf(why, why_bytes, "%s: '%.200s' exists or cannot be created; name a new file", spelling, value);
      return EINVAL;
    case REFUSED:
      break;
  }
  snprintf(why, why_bytes, "%s: %s", spelling, option->instead);
  return EINVAL;
}

int gbench_options_of_environment(char *arguments[GBENCH_OPTIONS_MAX_ENVIRONMENT], int *n, char *why,
                                  size_t why_bytes) {
  static char *kept[N_OPTIONS];
  *n = 0;
  for (unsigned i = 0; i < N_OPTIONS; i++) {
    char variable[64], spelling[96];
    name_variable(&table[i], variable, sizeof variable);
    const char *value = getenv(variable);
    if (value == NULL || (*value == '\0' && table[i].policy != REFUSED)) continue;
    snprintf(spelling, sizeof spelling, "%s (in the environment)", variable);
    const int error = check(&table[i], spelling, value, why, why_bytes);
    if (error != 0) return error;
    free(kept[i]);
    if (asprintf(&kept[i], "%s%s=%s", prefix, table[i].name, value) < 0) {
      kept[i] = NULL;
      snprintf(why, why_bytes, "no memory for the options");
      return ENOMEM;
    }
    arguments[(*n)++] = kept[i];
  }
  return 0;
}

int gbench_options_check(const char *argument, char *why, size_t why_bytes) {
  if (strncmp(argument, prefix, strlen(prefix)) != 0) return 0;
  const char *name = argument + strlen(prefix);
  const size_t length = strcspn(name, "=");
  char spelling[96];
  snprintf(spelling, sizeof spelling, "%.80s", argument);
  spelling[strcspn(spelling, "=")] = '\0';
  for (unsigned i = 0; i < N_OPTIONS; i++)
    if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
      return check(&table[i], spelling, name[length] == '=' ? name + length + 1 : "", why, why_bytes);
  snprintf(why, why_bytes,
           "unknown option '%.80s'; of Google Benchmark's, lockbench passes on list_tests, filter, out,"
           " out_format, format, color, counters_tabular, context, time_unit",
           argument);
  return EINVAL;
}
