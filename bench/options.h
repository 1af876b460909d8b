// SPDX-License-Identifier: MIT
/* options.h: the command line of `lockbench run` and `lockbench seed` -> checked values. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "trial/workload.h"

enum { OPTIONS_MAX_LIST = 256, OPTIONS_MAX_THREADS = 4096 };

/* A comma separated list of numbers; n is 0 where the option was not given. */
struct options_list {
  unsigned n;
  double values[OPTIONS_MAX_LIST];
};

struct options {
  const char *locks;      /* comma separated names and traits; the matrix knows them */
  const char *placements; /* comma separated, as placement.h */
  struct options_list threads, read_pct, readers, writers, keys, locks_count, cs_ns, cs_lines, think_ns, spin_ns,
      backoff_max_ns;
  bool thinks[3];  /* by enum think: which are asked for */
  bool layouts[2]; /* by enum layout */
  double duration_s, warmup_s, timeout_s;
  unsigned n_repetitions;
  uint64_t seed;
  bool has_seed;
  bool tries;         /* operations try the lock once */
  bool times_waits;   /* trials that time each wait, beside those that do not */
  const char *out;    /* NULL: a name under results/ */
  const char *resume; /* NULL: a new run */
};

/*
 * Reads the arguments of `lockbench run` (without the program's and the command's names). Returns 0, or EINVAL
 * with one line in `why`.
 */
int options_parse(struct options *options, int n_arguments, char **arguments, char *why, size_t why_bytes);

/* Reads one number within [min, max]; whole numbers only if is_whole. False: not one, or out of range. */
bool options_number(const char *text, bool is_whole, double min, double max, double *number);

/* Prints the table of options to standard output. */
void options_print_help(void);

#endif
