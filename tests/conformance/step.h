// SPDX-License-Identifier: MIT
/*
 * step.h: stops a thread behind one chosen instruction. x86 has a flag for it, which user code may set: the thread
 * traps after each instruction. Elsewhere, and under sanitizers, whose own code would be stepped too, it is not
 * possible.
 */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>

/* Why threads cannot be stepped here, or NULL. Call it first: it prepares the process. */
const char *step_why_not(void);

/*
 * Behind the n-th instruction from here on (n from 1) at_stop(argument) is called, in the handler of a signal, unless
 * step_end() comes before. Illegal in between: to block signals, as starting a thread does.
 */
void step_begin(unsigned n, void (*at_stop)(void *argument), void *argument);

/* Steps no more. */
void step_end(void);

#endif
