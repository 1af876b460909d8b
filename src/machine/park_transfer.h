// SPDX-License-Identifier: MIT
/* park_transfer.h: how long a lock takes to its next owner if that one sleeps in the kernel. */
#ifndef PARK_TRANSFER_H
#define PARK_TRANSFER_H

#include "topology.h"

/* From the call that wakes a thread until that thread runs: half of a round trip. NaN where not measured. */
struct park_transfer {
  double one_way_ns;     /* of the median round trip */
  double one_way_p99_ns; /* of the 99th percentile; NaN if fewer than 100 round trips were made */
};

/*
 * Two threads bound to cpus[a] and cpus[b], which may be the same CPU, pass a token by futex wait and wake for about
 * 20 ms, in a process of their own. Only round trips in which both fell asleep are counted. If other programs have
 * the CPUs it goes on until it has ten, for a quarter of a second at most. The times are NaN if there are fewer, if the
 * median is beyond a millisecond, which only other programs make it, or if the threads cannot be had.
 */
struct park_transfer park_transfer_measure(const struct topology *topology, unsigned a, unsigned b);

#endif
