// SPDX-License-Identifier: MIT
/*
 * options.h: the command lines of all commands -> checked values. option_table.c says which options there are, which
 * commands take them, and what holds where one is not given; a new option is a row there and a member here.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "trial/workload.h"

enum command {
  COMMAND_RUN = 1,
  COMMAND_SEED = 2,
  COMMAND_STRESS = 4,
  COMMAND_LIST = 8,
  COMMAND_TOPOLOGY = 16,
  COMMAND_EXEC = 32,
  COMMAND_OBSERVE = 64,
  COMMAND_SIMULATE = 128,
};

enum { OPTIONS_MAX_LIST = 256, OPTIONS_MAX_THREADS = 4096 };

/* A comma-separated list of numbers; n is 0 where the option was not given and has no default. */
struct options_list {
  unsigned n;
  double values[OPTIONS_MAX_LIST];
};

struct options {
  const char *locks;      /* comma-separated names and traits, as selection.h; NULL for commands without --locks */
  const char *placements; /* comma-separated, as placement.h; NULL: not given, and there is no default */
  struct options_list threads, read_pct, readers, writers, keys, locks_count, cs_ns, cs_lines, think_ns, rate, spin_ns,
      backoff_max_ns, hold_scale, gap_scale;
  bool thinks[3];  /* by enum think: which are asked for */
  bool layouts[2]; /* by enum layout */
  double duration_s, warmup_s, timeout_s;
  unsigned n_repetitions;
  unsigned n_threads; /* of `lockbench topology`; 0: not given */
  uint64_t seed;
  bool has_seed;
  bool tries;                  /* operations try the lock once */
  bool times_waits;            /* trials that time each wait, beside those that do not */
  bool extends_slices;         /* threads inside of sections ask for longer time slices, where the machine has that */
  bool has_no_twin;            /* leave out the twin, which is measured unasked */
  bool shows_phases;           /* of `lockbench stress` */
  bool wants_json;             /* instead of text */
  bool wants_cost;             /* of `lockbench observe`: the program once more, plain */
  bool wants_help;             /* -h or --help: the rest is neither read nor set */
  const char *profile;         /* NULL: none; else a file of `lockbench observe` */
  const struct replay *replay; /* what is in it, once it is read; NULL: none */
  bool calibrates;             /* of a profile: nothing is given that calibration would find */
  bool counts_sections;        /* of `lockbench simulate`: sections pass by instructions, not by the clock */
  unsigned n_trace;            /* of `lockbench simulate`: requests for lines to write down; 0: none */
  const char *machine;         /* of `lockbench simulate` */
  const char *out;             /* NULL: a name under results/ */
  const char *resume;          /* NULL: a new run */
};

/*
 * Reads the arguments of a command (without the program's and the command's names). Returns 0, or EINVAL with one line
 * in `why`. The texts in `options` are those of the arguments.
 */
int options_parse(struct options *options, enum command command, int n_arguments, char **arguments, char *why,
                  size_t why_bytes);

/*
 * The same for a command that has no more to do with its arguments: after --help, which it prints, or a bad option, of
 * which it complains, it returns false, and the command is to return *exit_code.
 */
bool options_read(struct options *options, enum command command, int n_arguments, char **arguments, int *exit_code);

/* Prints what a command does and its options to standard output. */
void options_print_help(enum command command);

#endif
