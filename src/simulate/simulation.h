// SPDX-License-Identifier: MIT
/*
 * simulation.h: a trial on a modelled machine: the host that trial_run() calls in the trial's process instead of the
 * one that takes the threads of this machine. The crew, its locks and what is measured of it are the same
 * (trial/crew_parts.h).
 */
#ifndef SIMULATION_H
#define SIMULATION_H

#include "counts.h"
#include "model.h"
#include "trial/trial.h"

/* What the host of such a trial is told, and leaves beside the result: memory that the processes share. */
struct simulation {
  struct model model;
  struct counts counts; /* of the window */
  uint64_t n_events;    /* of the whole trial: see counts_events() */
  bool counts_sections; /* see services.h */
  const char *machine;  /* its name */
  unsigned n_trace;     /* requests of the window to write down; 0: none */
  char trace_path[1100];
};

/* The version of the cost model and the engine: rises when the same profile and seed give other rows. */
enum { SIMULATION_VERSION = 4 };

/* The lock of that name as a guest, or NULL: its code is not compiled here, so the simulator sees none of its accesses.
 */
const struct lk_ops *simulation_find_guest(const char *name);

/*
 * Runs the trial, whose lock is a guest and whose host_data is a struct simulation. Beyond --warmup the threads warm up
 * until they have handed the lock over a few times each: all that begin at once crowd it in a way that is soon over.
 */
void simulation_run(const struct trial *trial, struct trial_result *result, struct workload_key *state);

#endif
