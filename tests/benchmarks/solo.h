// SPDX-License-Identifier: MIT
/*
 * solo.h: one worker alone on one CPU, for comparisons of a few percent: loops take turns in one process, many
 * times, and what is compared are medians of the CPU time of an operation.
 */
#ifndef SOLO_H
#define SOLO_H

#include "registry.h"
#include "trial/worker.h"

enum { SOLO_MAX_ROUNDS = 1000 };

/* A worker of the plain workload (5 keys, 90 % reads) at a lock of its own. */
struct solo {
  const char *name;
  const struct lk_ops *ops;
  void (*work)(struct worker *worker); /* runs until the phase is PHASE_STOP */
  struct worker worker;
  struct worker_signal signal;
  unsigned n_rounds;
  double ns_per_operation[SOLO_MAX_ROUNDS];
};

/* `work` NULL: the harness's own loop of that lock. Returns 0 or an errno. */
int solo_make(struct solo *solo, const char *name, const struct lk_ops *ops, void (*work)(struct worker *worker));

/*
 * Binds the calling thread to one CPU and lets the loops take n_rounds turns of ms each, in a changing order and with
 * each layout of their code in turn (worker.code_layout: a `work` of one's own has to heed it). There is a second
 * thread, so that the system's locks do not leave out their atomics. Returns 0 or an errno.
 */
int solo_compare(struct solo *solos, unsigned n_solos, unsigned n_rounds, unsigned ms);

/* The median over the rounds. */
double solo_median_ns(struct solo *solo);

/* The arguments [ROUNDS [MS]], or what is given for them. */
void solo_arguments(int n_arguments, char **arguments, unsigned *n_rounds, unsigned *ms);

#endif
