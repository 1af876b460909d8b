// SPDX-License-Identifier: MIT
/*
 * nudge.h: makes threads that spin for each other give up their time slices. A queue of spinners that outnumber the
 * CPUs needs a slice for each hand-off: seconds, for a hundred. So what waits for such a queue to end sends each of
 * its threads the signal, again and again.
 *
 * Illegal while it matters whether a sleeper is woken up: system calls are restarted, and a futex is then looked at
 * again, as if it had been woken.
 */
#ifndef NUDGE_H
#define NUDGE_H

#include <signal.h>

enum { NUDGE_SIGNAL = SIGURG };

/* Sets the handler of the signal, for the process. */
void nudge_prepare(void);

#endif
