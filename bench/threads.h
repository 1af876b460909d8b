// SPDX-License-Identifier: MIT
/*
 * threads.h: how many threads to measure with where no option says. Locks cross over between two threads and all CPUs,
 * where the next thread is farther away than those before, and where threads outnumber the CPUs.
 */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>

#include "machine/placement.h"
#include "registry.h"

/* The powers of two below 2^32, two edges per level, and four more at the CPUs' number. */
enum { THREADS_MAX_COUNTS = 32 + 2 * LK_N_LEVELS + 4 };

/*
 * Fills `counts`, ascending and at most `max` each: the powers of two up to the n CPUs of the placement; its edges; n,
 * n + 1, 2n, 8n. An edge is the last number of threads that are all in one core, cache, node or package, or that are
 * all in different ones. Returns how many counts there are.
 */
unsigned threads_default(const struct placement *placement, const struct topology *topology, unsigned max,
                         unsigned counts[THREADS_MAX_COUNTS]);

/*
 * Whether a default run measures this lock with so many threads: with more than two on a CPU only locks that park,
 * since of a spinning one such a trial shows but the scheduler.
 */
bool threads_suit(const struct lk_ops *lock, unsigned n_threads, const struct placement *placement);

#endif
