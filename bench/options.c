// SPDX-License-Identifier: MIT
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "message.h"
#include "option_table.h"
#include "spelling.h"

enum { MAX_OPTIONS_LISTED = 6, MAX_SLIPS = 2 };

/* Reads one number within [min, max]; whole numbers only if is_whole. False: not one, or out of range. */
static bool read_number(const char *text, bool is_whole, double min, double max, double *number) {
  /* strtod alone would also take " 1", "0x10", "inf" and "nan". */
  if (strspn(text, "0123456789.eE+-") != strlen(text) || *text == '\0' || *text == '+') return false;
  char *end;
  errno = 0;
  *number = strtod(text, &end);
  if (*end != '\0' || errno == ERANGE || *number < min || *number > max) return false;
  return !is_whole || *number == floor(*number);
}

static bool read_seed(const char *text, uint64_t *seed) {
  if (!isdigit((unsigned char)*text)) return false;
  char *end;
  errno = 0;
  *seed = strtoull(text, &end, 10);
  return *end == '\0' && errno == 0;
}

static void explain_range(const struct option *option, const char *given, char *why, size_t why_bytes) {
  const bool is_whole = option->kind == OPTION_LIST || option->kind == OPTION_COUNT;
  const bool is_list = option->kind == OPTION_LIST || option->kind == OPTION_REALS;
  snprintf(why, why_bytes, "--%s: '%s' is not a %snumber from %.10g to %.10g%s", option->name, given,
           is_whole ? "whole " : "", option->min, option->max, is_list ? " (or a comma-separated list of them)" : "");
}

static int read_list(const struct option *option, const char *text, struct options_list *list, char *why,
                     size_t why_bytes) {
  list->n = 0;
  for (const char *from = text;;) {
    const size_t length = strcspn(from, ",");
    char item[32];
    snprintf(item, sizeof item, "%.*s", (int)length, from);
    double *const number = &list->values[list->n];
    if (length >= sizeof item || !read_number(item, option->kind == OPTION_LIST, option->min, option->max, number)) {
      explain_range(option, length < sizeof item ? item : text, why, why_bytes);
      return EINVAL;
    }
    for (unsigned i = 0; i < list->n; i++)
      if (list->values[i] == *number) {
        snprintf(why, why_bytes, "--%s: %s is named twice", option->name, item);
        return EINVAL;
      }
    list->n++;
    if (from[length] == '\0') return 0;
    if (list->n == OPTIONS_MAX_LIST) {
      snprintf(why, why_bytes, "--%s: more than %d values", option->name, OPTIONS_MAX_LIST);
      return EINVAL;
    }
    from += length + 1;
  }
}

/* The place in a|b|c of the word of that length, or -1. */
static int find_word(const char *words, const char *word, size_t length) {
  for (int i = 0;; i++) {
    const size_t n = strcspn(words, "|");
    if (n == length && strncmp(words, word, n) == 0) return i;
    if (words[n] == '\0') return -1;
    words += n + 1;
  }
}

static int read_words(const struct option *option, const char *text, bool *chosen, char *why, size_t why_bytes) {
  unsigned n = 0;
  for (const char *c = option->value; c != NULL; c = strchr(c + 1, '|')) chosen[n++] = false;
  for (const char *from = text;; from++) {
    const size_t length = strcspn(from, ",");
    const int i = find_word(option->value, from, length);
    if (i < 0) {
      snprintf(why, why_bytes, "--%s: '%.*s' is not one of %s", option->name, (int)(length < 40 ? length : 40), from,
               option->value);
      return EINVAL;
    }
    chosen[i] = true;
    from += length;
    if (*from == '\0') return 0;
  }
}

static int read_value(const struct option *option, const char *text, struct options *options, char *why,
                      size_t why_bytes) {
  void *const target = (char *)options + option->offset;
  double number;
  switch (option->kind) {
    case OPTION_TEXT:
      *(const char **)target = text;
      if (*text != '\0') return 0;
      snprintf(why, why_bytes, "--%s: the value is empty; expected %s", option->name, option->value);
      return EINVAL;
    case OPTION_LIST:
    case OPTION_REALS:
      return read_list(option, text, target, why, why_bytes);
    case OPTION_REAL:
      if (read_number(text, false, option->min, option->max, target)) return 0;
      break;
    case OPTION_COUNT:
      if (read_number(text, true, option->min, option->max, &number)) {
        *(unsigned *)target = (unsigned)number;
        return 0;
      }
      break;
    case OPTION_SEED:
      options->has_seed = true;
      if (read_seed(text, target)) return 0;
      snprintf(why, why_bytes, "--%s: '%s' is not a whole number from 0 to 18446744073709551615", option->name, text);
      return EINVAL;
    case OPTION_WORDS:
      return read_words(option, text, target, why, why_bytes);
    case OPTION_FLAG:
      *(bool *)target = true;
      return 0;
  }
  explain_range(option, text, why, why_bytes);
  return EINVAL;
}

static const struct option *find(enum command command, const char *name, size_t length) {
  for (const struct option *option = option_table; option->name != NULL; option++)
    if ((option->commands & command) && strlen(option->name) == length && strncmp(option->name, name, length) == 0)
      return option;
  return NULL;
}

static const struct option_command *describe(enum command command) {
  const struct option_command *found = option_commands;
  while (found->command != command) found++;
  return found;
}

/* The option that was probably meant, or NULL. */
static const struct option *find_similar(enum command command, const char *name) {
  const struct option *nearest = NULL;
  unsigned least = MAX_SLIPS + 1;
  for (const struct option *option = option_table; option->name != NULL; option++) {
    const unsigned distance = spelling_distance(name, option->name);
    if (!(option->commands & command) || distance >= least) continue;
    least = distance;
    nearest = option;
  }
  return nearest;
}

/* What was meant if that can be guessed, else all that is allowed if that is short. */
static void explain_unknown(enum command command, const char *argument, char *why, size_t why_bytes) {
  char name[64], allowed[256] = "";
  unsigned n = 0;
  size_t used = 0;
  snprintf(name, sizeof name, "%.*s", (int)strcspn(argument, "="), argument);
  const struct option *similar = find_similar(command, name + strspn(name, "-"));
  for (const struct option *option = option_table; option->name != NULL && used < sizeof allowed; option++) {
    if (!(option->commands & command)) continue;
    n++;
    used += (size_t)snprintf(allowed + used, sizeof allowed - used, "--%s, ", option->name);
  }
  if (similar != NULL)
    snprintf(why, why_bytes, "unknown option '%.80s'; did you mean --%s?", argument, similar->name);
  else if (n <= MAX_OPTIONS_LISTED)
    snprintf(why, why_bytes, "unknown option '%.80s'; allowed: %s--help", argument, allowed);
  else
    snprintf(why, why_bytes, "unknown option '%.80s'; `lockbench %s --help` lists all", argument,
             describe(command)->name);
}

/* What single values cannot tell: which options make no sense together. */
static int check_together(const struct options *options, char *why, size_t why_bytes) {
  const bool has_roles = options->readers.n > 0 || options->writers.n > 0;
  const bool thinks = options->thinks[THINK_SPIN] || options->thinks[THINK_SLEEP];
  const bool has_workload = has_roles || thinks || options->thinks[THINK_NONE] || options->read_pct.n > 0 ||
                            options->locks_count.n > 0 || options->cs_ns.n > 0 || options->rate.n > 0 || options->tries;
  bool has_rate = false;
  for (unsigned i = 0; i < options->rate.n; i++) has_rate |= options->rate.values[i] > 0;
  const char *wrong = NULL;
  if (options->profile != NULL && has_workload)
    wrong = "--profile has roles, locks, sections and the time between them in it; it excludes --readers, --writers, "
            "--read-pct, --locks-count, --cs-ns, --think, --rate and --trylock";
  else if (options->profile == NULL && options->hold_scale.n + options->gap_scale.n > 0)
    wrong = "--hold-scale and --gap-scale need --profile";
  else if (has_roles && (options->threads.n > 0 || options->read_pct.n > 0))
    wrong = "--readers and --writers fix the roles; they exclude --threads and --read-pct";
  else if (thinks && options->think_ns.n == 0)
    wrong = "--think spin and --think sleep need --think-ns";
  else if (options->tries && options->times_waits)
    wrong = "--trylock and --latency exclude each other: a try does not wait";
  else if (has_rate && thinks)
    wrong = "--rate and --think exclude each other: at a rate, operations begin at times of their own";
  else if (has_rate && options->tries)
    wrong = "--rate and --trylock exclude each other: a try does not wait, so nothing queues up";
  else if (options->extends_slices && (options->profile != NULL || options->tries || has_rate))
    wrong = "--slice-extension excludes --profile, --trylock and --rate";
  else if (!thinks && options->think_ns.n > 0)
    wrong = "--think-ns needs --think spin or --think sleep";
  if (wrong == NULL) return 0;
  snprintf(why, why_bytes, "%s", wrong);
  return EINVAL;
}

/* Gives the rows that were not given their default. The threads of a program are not pinned, as a rule. */
static int set_defaults(struct options *options, enum command command, const bool *is_given, char *why,
                        size_t why_bytes) {
  if (options->readers.n > 0 || options->writers.n > 0) { /* one role alone: the other has no threads */
    if (options->readers.n == 0) options->readers.n = 1;
    if (options->writers.n == 0) options->writers.n = 1;
  }
  options->calibrates =
      options->profile != NULL && options->cs_lines.n + options->hold_scale.n + options->gap_scale.n == 0;
  for (unsigned i = 0; option_table[i].name != NULL; i++) {
    const struct option *option = &option_table[i];
    if (is_given[i] || option->fallback == NULL || !(option->commands & command)) continue;
    const bool floats = options->profile != NULL && option->offset == offsetof(struct options, placements);
    const int error = read_value(option, floats ? "none" : option->fallback, options, why, why_bytes);
    if (error != 0) return error;
  }
  return 0;
}

int options_parse(struct options *options, enum command command, int n_arguments, char **arguments, char *why,
                  size_t why_bytes) {
  bool is_given[OPTION_MAX_ROWS] = {false};
  *options = (struct options){0};
  for (int i = 0; i < n_arguments; i++) {
    const char *argument = arguments[i];
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
      options->wants_help = true;
      return 0;
    }
    const size_t length = strcspn(argument, "=");
    const struct option *option = strncmp(argument, "--", 2) == 0 ? find(command, argument + 2, length - 2) : NULL;
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    if (option == NULL) {
      explain_unknown(command, argument, why, why_bytes);
      return EINVAL;
    }
    if (option->kind == OPTION_FLAG && value != NULL) {
      snprintf(why, why_bytes, "--%s takes no value", option->name);
      return EINVAL;
    }
    if (option->kind != OPTION_FLAG && value == NULL && i + 1 < n_arguments) value = arguments[++i];
    if (option->kind != OPTION_FLAG && value == NULL) {
      snprintf(why, why_bytes, "--%s needs a value: %s", option->name, option->value);
      return EINVAL;
    }
    const int error = read_value(option, value, options, why, why_bytes);
    if (error != 0) return error;
    is_given[option - option_table] = true;
  }
  const int error = check_together(options, why, why_bytes);
  return error != 0 ? error : set_defaults(options, command, is_given, why, why_bytes);
}

bool options_read(struct options *options, enum command command, int n_arguments, char **arguments, int *exit_code) {
  char why[512];
  if (options_parse(options, command, n_arguments, arguments, why, sizeof why) != 0) {
    message_error("%s: %s", describe(command)->name, why);
    *exit_code = EXIT_USAGE;
    return false;
  }
  if (options->wants_help) options_print_help(command);
  *exit_code = EXIT_GOOD;
  return !options->wants_help;
}

void options_print_help(enum command command) {
  const struct option_command *about = describe(command);
  printf("Usage: lockbench %s [OPTION...]\n\n%s\n\n", about->name, about->before);
  for (const struct option *option = option_table; option->name != NULL; option++) {
    char left[64];
    if (!(option->commands & command)) continue;
    snprintf(left, sizeof left, "--%s %s", option->name, option->value != NULL ? option->value : "");
    printf("  %-26s %s", left, option->help);
    if (option->fallback != NULL) printf(" (default: %s)", option->fallback);
    putchar('\n');
  }
  if (about->after != NULL) printf("\n%s\n", about->after);
}
