// SPDX-License-Identifier: MIT
/* stress_step.h: threads that stop between two instructions (x86). */
#ifndef STRESS_STEP_H
#define STRESS_STEP_H

#include "random.h"

/*
 * Prepares the process for stress_stop_soon(), which stops the calling thread for a while behind one of its next
 * instructions, unless it calls stress_stop_no_more() before. Illegal in between: to block signals, as starting a
 * thread does; the trap would kill the process.
 */
void stress_prepare_steps(void);
void stress_stop_soon(struct random_state *random);
void stress_stop_no_more(void);

#endif
