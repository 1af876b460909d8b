// SPDX-License-Identifier: MIT
/*
 * run.h: the parts of `lockbench run`: run.c plans a run or goes on with an interrupted one, run_replay.c calibrates
 * that of a profile, run_trials.c measures what is left of it.
 */
#ifndef RUN_H
#define RUN_H

#include "calibration.h"
#include "folder.h"
#include "matrix.h"
#include "profile.h"

struct run {
  struct options options;
  struct profile profile; /* only with --profile, as what follows up to the calibration */
  struct replay replay;
  struct profile_target target;
  struct calibration calibration;
  struct topology topology;
  struct matrix matrix;
  struct folder folder;
  struct record_file csv;
  char run_id[64];
  uint64_t topology_hash;
  double pause_ns;
  bool *is_done; /* by order_index: the rows that an interrupted run has left */
  unsigned n_done, n_saturated;
  unsigned n_noisy, n_failed, n_disturbed; /* what stayed so; of those that failed, some were disturbed */
  uint64_t start_ns;
  unsigned n_done_before;
  bool is_given_up;
};

/* Reads the profile, if one was given. False: after a message. */
bool run_load_profile(struct run *run);

/* Says what of it is replayed. */
void run_tell_profile(const struct run *run);

/* Makes what was found the options of the run. False: after a message. */
bool run_calibrate(struct run *run);
json_t *run_describe_calibration(const struct run *run);

/* Lists the names of the benchmarks instead of running them. Returns the exit code. */
int run_list(struct run *run);

/* Measures the trials that are not done yet, each leaving its row. Returns the exit code. */
int run_trials(struct run *run);

/* Writes the time in UTC with milliseconds, as 2026-01-31T23:59:59.999Z. */
void run_format_now(char *text, size_t n_bytes);

#endif
