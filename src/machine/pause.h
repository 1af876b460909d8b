// SPDX-License-Identifier: MIT
/* pause.h: how long one lk_pause() takes on this machine, so that spin budgets can be given in nanoseconds. */
#ifndef PAUSE_H
#define PAUSE_H

#include <stdint.h>

/* Measures for about 2 ms: the median of batches of 100 pauses, in ns. */
double pause_measure_ns(void);

/* How many pauses fill that time; at least 1 unless ns is 0. */
uint32_t pause_count(double ns, double pause_ns);

#endif
