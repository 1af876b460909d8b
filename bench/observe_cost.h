// SPDX-License-Identifier: MIT
/* observe_cost.h: what observation costs. */
#ifndef OBSERVE_COST_H
#define OBSERVE_COST_H

/*
 * What a lock and unlock of a free mutex takes longer with the library of that path between it and libc, in ns, in a
 * process with two threads: measured here and now, in a few milliseconds, in turns with libc's own. NAN: it could not
 * be measured.
 */
double observe_cost_measure(const char *library);

#endif
