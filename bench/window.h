// SPDX-License-Identifier: MIT
/* window.h: how long the timed window of a trial is. */
#ifndef WINDOW_H
#define WINDOW_H

#include "options.h"

/* What each thread gets in the window of a trial that times waits, where threads share CPUs. */
enum { WINDOW_N_TURNS = 20 };

/*
 * Seconds: as asked for, but longer in a trial that times the waits of more threads than CPUs. There each thread gets a
 * turn on its CPU now and then, and a wait often lasts until the next: a window of a few turns would tell where it was
 * cut, and little of the lock. At most --timeout, unless --duration is longer.
 *
 * The length is fixed beforehand. A window that went on until each thread had been served would end with the longest
 * wait, so that what is measured would decide how long it is measured; and no run could tell how long it will take.
 */
double window_s(const struct options *options, bool times_waits, unsigned n_threads, unsigned n_cpus);

#endif
