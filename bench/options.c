// SPDX-License-Identifier: MIT
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
  TEXT,  /* const char * */
  LIST,  /* struct options_list of whole numbers */
  REALS, /* struct options_list */
  REAL,  /* double */
  COUNT, /* unsigned */
  SEED,  /* uint64_t */
  WORDS, /* bool[]: which of the words that `value` lists */
  FLAG,  /* bool, takes no value */
};

struct option {
  const char *name;
  enum kind kind;
  size_t offset;
  double min, max;
  const char *value; /* as the help calls it */
  const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct option table[] = {
    {"locks", TEXT, AT(locks), 0, 0, "NAMES",
     "locks, and words that stand for many: common (default), all, mutex, rw, baseline, fifo, spin, park, hybrid, "
     "ours, "
     "system, peer"},
    {"threads", LIST, AT(threads), 1, OPTIONS_MAX_THREADS, "LIST",
     "threads of mixed roles (default: powers of two up to the CPUs, where the next CPU is farther away, CPUs, CPUs+1, "
     "2x CPUs; locks that park 8x CPUs too)"},
    {"read-pct", REALS, AT(read_pct), 0, 100, "LIST",
     "percentage of operations that read, with --threads (default: 90)"},
    {"readers", LIST, AT(readers), 0, OPTIONS_MAX_THREADS, "LIST",
     "threads that only read (fixed roles, instead of --threads)"},
    {"writers", LIST, AT(writers), 0, OPTIONS_MAX_THREADS, "LIST", "threads that only write (fixed roles)"},
    {"keys", LIST, AT(keys), 1, 1000000, "LIST", "keys in the table behind each lock (default: 5)"},
    {"locks-count", LIST, AT(locks_count), 1, 100000, "LIST",
     "locks over which the operations spread at random (default: 1)"},
    {"cs-ns", LIST, AT(cs_ns), 0, 1e9, "LIST", "mean time inside the section, in ns, varied by half (default: 0)"},
    {"cs-lines", LIST, AT(cs_lines), 0, 100000, "LIST",
     "further shared cache lines that a section visits (default: 0)"},
    {"think", WORDS, AT(thinks), 0, 0, "none|spin|sleep", "what a thread does between operations (default: none)"},
    {"think-ns", LIST, AT(think_ns), 1, 1e10, "LIST", "mean time between operations, in ns; spin varies it by half"},
    {"spin-ns", LIST, AT(spin_ns), 0, 1e9, "LIST", "how long hybrid locks spin before they park (default: 1000)"},
    {"backoff-max-ns", LIST, AT(backoff_max_ns), 0, 1e9, "LIST", "longest back-off between two tries (default: 10000)"},
    {"layout", WORDS, AT(layouts), 0, 0, "apart|together",
     "apart: a lock and its data on lines of their own (default); together: as in struct { lock; data; }; or both"},
    {"trylock", FLAG, AT(tries), 0, 0, NULL,
     "operations try the lock once; locks without a trylock are left out, and named"},
    {"placement", TEXT, AT(placements), 0, 0, "NAMES",
     "where threads run: none, compact (default), scatter, cores, smt, same-llc, cross-node, list:0,2,4-7"},
    {"duration", REAL, AT(duration_s), 0.001, 3600, "S", "length of the timed window in seconds (default: 0.06)"},
    {"warmup", REAL, AT(warmup_s), 0, 600, "S", "time before the window, thrown away (default: 0.01)"},
    {"repetitions", COUNT, AT(n_repetitions), 1, 10000, "N", "trials of each cell, interleaved (default: 7)"},
    {"seed", SEED, AT(seed), 0, 0, "N", "of the random order and of all random numbers (default: from the clock)"},
    {"latency", FLAG, AT(times_waits), 0, 0, NULL, "adds trials that time each wait for the lock"},
    {"timeout", REAL, AT(timeout_s), 0.1, 3600, "S",
     "a trial that takes this much longer than it should is killed (default: 10)"},
    {"out", TEXT, AT(out), 0, 0, "DIR", "folder to create for the results (default: results/<date>-<host>-<commit>)"},
    {"resume", TEXT, AT(resume), 0, 0, "DIR", "finish the interrupted run in DIR, with its own options"},
};

enum { N_OPTIONS = sizeof table / sizeof *table };

bool options_number(const char *text, bool is_whole, double min, double max, double *number) {
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
  const bool is_whole = option->kind == LIST || option->kind == COUNT;
  snprintf(why, why_bytes, "--%s: '%s' is not a %snumber from %.10g to %.10g%s", option->name, given,
           is_whole ? "whole " : "", option->min, option->max,
           option->kind == LIST || option->kind == REALS ? " (or a comma separated list of such)" : "");
}

static int read_list(const struct option *option, const char *text, struct options_list *list, char *why,
                     size_t why_bytes) {
  list->n = 0;
  for (const char *from = text;;) {
    const size_t length = strcspn(from, ",");
    char item[32];
    snprintf(item, sizeof item, "%.*s", (int)length, from);
    double *const number = &list->values[list->n];
    if (length >= sizeof item || !options_number(item, option->kind == LIST, option->min, option->max, number)) {
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
    case TEXT:
      *(const char **)target = text;
      if (*text != '\0') return 0;
      snprintf(why, why_bytes, "--%s: the value is empty; expected %s", option->name, option->value);
      return EINVAL;
    case LIST:
    case REALS:
      return read_list(option, text, target, why, why_bytes);
    case REAL:
      if (options_number(text, false, option->min, option->max, target)) return 0;
      break;
    case COUNT:
      if (options_number(text, true, option->min, option->max, &number)) {
        *(unsigned *)target = (unsigned)number;
        return 0;
      }
      break;
    case SEED:
      options->has_seed = true;
      if (read_seed(text, target)) return 0;
      snprintf(why, why_bytes, "--seed: '%s' is not a whole number from 0 to 18446744073709551615", text);
      return EINVAL;
    case WORDS:
      return read_words(option, text, target, why, why_bytes);
    case FLAG:
      break;
  }
  explain_range(option, text, why, why_bytes);
  return EINVAL;
}

static const struct option *find(const char *name, size_t length) {
  for (unsigned i = 0; i < N_OPTIONS; i++)
    if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0) return &table[i];
  return NULL;
}

/* What single values cannot tell: which options make no sense together. */
static int check_together(const struct options *options, char *why, size_t why_bytes) {
  const bool has_roles = options->readers.n > 0 || options->writers.n > 0;
  const bool thinks = options->thinks[THINK_SPIN] || options->thinks[THINK_SLEEP];
  const char *wrong = NULL;
  if (has_roles && (options->threads.n > 0 || options->read_pct.n > 0))
    wrong = "--readers and --writers fix the roles; they exclude --threads and --read-pct";
  else if (thinks && options->think_ns.n == 0)
    wrong = "--think spin and --think sleep need --think-ns";
  else if (options->tries && options->times_waits)
    wrong = "--trylock and --latency exclude each other: a try does not wait";
  else if (!thinks && options->think_ns.n > 0)
    wrong = "--think-ns needs --think spin or --think sleep";
  if (wrong == NULL) return 0;
  snprintf(why, why_bytes, "%s", wrong);
  return EINVAL;
}

static void set_default(struct options_list *list, double value) {
  if (list->n == 0) *list = (struct options_list){1, {value}};
}

int options_parse(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes) {
  *options = (struct options){.locks = "common",
                              .placements = "compact",
                              .duration_s = 0.06,
                              .warmup_s = 0.01,
                              .timeout_s = 10,
                              .n_repetitions = 7,
                              .thinks = {[THINK_NONE] = true},
                              .layouts = {[LAYOUT_APART] = true}};
  for (int i = 0; i < n_arguments; i++) {
    const char *argument = arguments[i];
    const size_t length = strcspn(argument, "=");
    const struct option *option = strncmp(argument, "--", 2) == 0 ? find(argument + 2, length - 2) : NULL;
    const char *value = argument[length] == '=' ? argument + length + 1 : NULL;
    if (option == NULL) {
      snprintf(why, why_bytes, "unknown option '%.80s'; `lockbench run --help` lists them", argument);
      return EINVAL;
    }
    if (option->kind == FLAG) {
      if (value != NULL) {
        snprintf(why, why_bytes, "--%s takes no value", option->name);
        return EINVAL;
      }
      *(bool *)((char *)options + option->offset) = true;
      continue;
    }
    if (value == NULL && i + 1 < n_arguments) value = arguments[++i];
    if (value == NULL) {
      snprintf(why, why_bytes, "--%s needs a value: %s", option->name, option->value);
      return EINVAL;
    }
    const int error = read_value(option, value, options, why, why_bytes);
    if (error != 0) return error;
  }
  const int error = check_together(options, why, why_bytes);
  if (error != 0) return error;
  if (options->readers.n > 0 || options->writers.n > 0) {
    set_default(&options->readers, 0);
    set_default(&options->writers, 0);
  }
  set_default(&options->read_pct, 90);
  set_default(&options->keys, 5);
  set_default(&options->locks_count, 1);
  set_default(&options->cs_ns, 0);
  set_default(&options->cs_lines, 0);
  set_default(&options->spin_ns, 1000);
  set_default(&options->backoff_max_ns, 10000);
  return 0;
}

void options_print_help(void) {
  puts("Usage: lockbench run [OPTION...]\n\nMeasures every combination of the values given (LIST: 1,2,4), writes a "
       "folder of results.\n");
  for (unsigned i = 0; i < N_OPTIONS; i++) {
    char left[64];
    snprintf(left, sizeof left, "--%s %s", table[i].name, table[i].value != NULL ? table[i].value : "");
    printf("  %-26s %s\n", left, table[i].help);
  }
  puts("\nGoogle Benchmark's options work too: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
       "--benchmark_out=FILE --benchmark_out_format=json, --benchmark_format=json, --benchmark_repetitions=N.\n\n"
       "Exit code: 0 good, 1 a trial failed or the disk is full, 2 wrong usage.");
}
