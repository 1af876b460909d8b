// SPDX-License-Identifier: MIT
/* usage.h: what this process has consumed of the machine, and what the machine withheld, between two moments. */
#ifndef USAGE_H
#define USAGE_H

#include "placement.h"
#include "topology.h"

/* Running totals of this process; subtract two of them. */
struct usage {
  double cpu_s;           /* of all threads */
  double ctx_voluntary;   /* switches because a thread waited */
  double ctx_involuntary; /* switches because the scheduler took the CPU away */
};

/* Two system calls: cheap enough to stand at the edge of a timed window. */
struct usage usage_now(void);
struct usage usage_between(const struct usage *start, const struct usage *end);

/* CPU time of all children that have ended and were waited for, and of theirs. */
double usage_of_children_s(void);

/* Moves between CPUs of the threads that live now, from /proc/self/task; slow. NaN if the kernel does not tell. */
double usage_migrations(void);

/* Running totals of the placement's CPUs from /proc/stat, in steps of 10 ms; NaN if the kernel does not tell. */
struct cpu_usage {
  double busy_s;  /* on anything: user, system, interrupts */
  double steal_s; /* in which the hypervisor ran others */
};

struct cpu_usage usage_of_cpus(const struct topology *topology, const struct placement *placement);

#endif
