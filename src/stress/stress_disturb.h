// SPDX-License-Identifier: MIT
/* stress_disturb.h: what keeps a round's workers from running straight on: programs beside them, and signals. */
#ifndef STRESS_DISTURB_H
#define STRESS_DISTURB_H

#include "stress_round.h"

/* Programs that take the CPUs away from the workers, until the round must stop. */
struct stress_hogs {
  unsigned n;
  struct stress_hog *hogs;
};

struct stress_hogs stress_start_hogs(struct stress_round *round);
void stress_join_hogs(struct stress_hogs *hogs);

/* Prepares the process for stress_interrupt(), which sends some threads of the round a signal that makes them dawdle.
 */
void stress_prepare_interrupts(void);
void stress_interrupt(struct stress_round *round, struct random_state *random);

#endif
