// SPDX-License-Identifier: MIT
/* counts.h: what a simulation counts of the lines' traffic; it does not depend on what a transfer costs. */
#ifndef COUNTS_H
#define COUNTS_H

#include <stdint.h>

#include "machine/topology.h"

enum miss_kind { MISS_LOAD, MISS_STORE, MISS_RMW, N_MISS_KINDS };

/* Where a missed line comes from: a core at that distance (same CPU stands for none), or memory. */
enum { FROM_MEMORY = N_DISTANCES, N_ORIGINS };

struct counts {
  uint64_t n_accesses; /* to the model's memory */
  uint64_t n_others;   /* events that are none: see counts_events() */
  uint64_t n_misses[N_MISS_KINDS][N_ORIGINS];
  uint64_t n_merged;      /* of a core whose sibling had already asked for the line */
  uint64_t n_upgrades;    /* of a copy that the core had */
  uint64_t n_invalidated; /* copies that were taken away */
  uint64_t n_lines;       /* different lines that were missed, of each owner of the lock by itself */
  uint64_t n_sleeps;      /* threads that gave up their CPU to wait */
  uint64_t n_preemptions; /* threads that lost it to another, or yielded */
};

/*
 * What was simulated, step by step: accesses of threads (a load, a store, a read-modify-write: one each, whatever it
 * has to wait for), and of the others: fences, loads from the own store buffer, steps of a counted section, readings of
 * the clock, system calls, stores that reach their line later, timers, and threads that come onto a CPU. Pauses and
 * accesses to memory that is not the model's are none.
 */
static inline uint64_t counts_events(const struct counts *counts) { return counts->n_accesses + counts->n_others; }

extern struct counts tally; /* of the whole simulation so far */

#endif
