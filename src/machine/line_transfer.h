// SPDX-License-Identifier: MIT
/* line_transfer.h: how long a cache line takes from one CPU to another, right now. */
#ifndef LINE_TRANSFER_H
#define LINE_TRANSFER_H

#include "topology.h"

/*
 * Two threads bound to cpus[a] and cpus[b] pass one word back and forth for about 2 ms. Returns the one-way
 * time in ns: half of the median round trip over batches of 50. NaN if a and b are the same CPU or the threads
 * cannot be had. Under a hypervisor it changes from second to second, so it belongs beside every trial.
 */
double line_transfer_ns(const struct topology *topology, unsigned a, unsigned b);

#endif
