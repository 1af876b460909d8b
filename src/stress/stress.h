// SPDX-License-Identifier: MIT
/*
 * stress.h: one lock under threads that are disturbed wherever it may hurt, after the manner of the kernel's
 * locktorture. Nothing is measured here; it is to find a section that two were in, a waiter that was forgotten, a
 * crash.
 *
 * It runs in short rounds, each in one of the phases below, with locks, contexts and threads of its own. At the end of
 * a round every thread leaves, so that a lost wake-up shows as a hang, and the sums that only the lock protects must be
 * right. Which interleavings occur is chance: a fault that is found is there, one that is not found may be there too.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdint.h>

#include "registry.h"

enum stress_verdict { STRESS_OK, STRESS_BROKEN, STRESS_HUNG, STRESS_CRASHED, STRESS_N_VERDICTS };

/* ok, broken, hung, crashed */
extern const char *const stress_verdict_names[STRESS_N_VERDICTS];

/* Of every kind of disturbance one phase, and one with all of them but the stops, which leave time for little else. */
enum stress_phase {
  STRESS_PAIR,    /* a thread per CPU, two at least */
  STRESS_CROWD,   /* 2 to 8 threads per CPU: owners and next in line are preempted */
  STRESS_NESTED,  /* many locks, up to three of them held at once */
  STRESS_HOGS,    /* beside programs that take the CPUs away: pinned ones, and of the class SCHED_IDLE */
  STRESS_SIGNALS, /* signals interrupt the lock's own code and its system calls (EINTR) */
  STRESS_STEPS,   /* two or three threads that stop between two instructions of the lock's code (x86) */
  STRESS_CHURN,   /* threads and their contexts come and go */
  STRESS_ALL,
  STRESS_N_PHASES
};

extern const char *const stress_phase_names[STRESS_N_PHASES];

struct stress_counts {
  unsigned n_rounds;
  uint64_t n_sections; /* in either mode */
  uint64_t longest_wait_ns;
};

struct stress_result {
  enum stress_verdict verdict;
  char why[200]; /* one line, unless STRESS_OK */
  struct stress_counts of[STRESS_N_PHASES];
};

/*
 * Stresses the lock for about time_s, and for one round of each phase at least, in a process of its own. Not for
 * baselines. Returns 0 with the result filled, or an errno after a message if no process can be made.
 */
int stress_run(const struct lk_ops *lock, double time_s, struct stress_result *result);

#endif
