// SPDX-License-Identifier: MIT
/*
 * arrivals.h: when the operations of an open loop are to begin: at random times of their own (a Poisson process),
 * whether the last one has ended or not. The wait from then on also counts what a closed loop leaves out: while one
 * operation hangs, the next ones are not even begun ("coordinated omission", G. Tene).
 *
 * Each worker has arrivals of its own, drawn from the trial's seed, outside of the section. The sum of independent
 * Poisson processes is one, so together the workers' arrivals are those of one source that deals its work out to
 * threads at random.
 *
 * How a worker passes the time until an operation is due decides what its wait contains:
 *   - with a CPU to itself it spins on the clock, so that it begins in time, and what it then waits is the lock's
 * doing. It sleeps only while there is more than a millisecond left, and gets up half of one early, which is longer
 * than it takes to wake up;
 *   - with more threads than CPUs spinning would take the CPU from a thread that may have the lock. There it sleeps
 * until the operation is due, and what it takes to wake up and to get a CPU is part of the wait: with more threads than
 *     CPUs the scheduler is measured along with the lock. Only what is nearer than a sleep costs is spun away.
 */
#ifndef ARRIVALS_H
#define ARRIVALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "await.h"
#include "random.h"

struct arrivals {
  struct random_state random;
  double mean_ticks; /* from one to the next; 0: a closed loop, which has none */
  struct await await;
  uint64_t origin;        /* 0: not begun */
  double due_from_origin; /* ticks, with their fractions: rounded, they would add up to another rate */
  uint64_t due;           /* when the next operation is to begin; ticks of the clock */
};

/* Arrivals at a mean rate of per_s > 0 for a worker that has a CPU to itself, or has not. */
struct arrivals arrivals_make(double per_s, bool has_own_cpu, struct random_state random);

/* The process starts at `origin`, not 0: the first operation is due some time after it. */
void arrivals_begin(struct arrivals *arrivals, uint64_t origin);

/* The operation that was due has been begun: on to the next. */
void arrivals_next(struct arrivals *arrivals);

/* Leaves out what was due before `ticks`. */
void arrivals_drop_before(struct arrivals *arrivals, uint64_t ticks);

/* Returns true when the next operation is due, at once if it was so before; false if *phase is no longer `during`. */
bool arrivals_await(const struct arrivals *arrivals, const _Atomic(uint32_t) *phase, uint32_t during);

#endif
