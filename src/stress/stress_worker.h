// SPDX-License-Identifier: MIT
/* stress_worker.h: a round's workers, which take its locks and check what they protect. */
#ifndef STRESS_WORKER_H
#define STRESS_WORKER_H

/* What a slot's first thread does: argument is the slot. */
void *stress_work(void *argument);

#endif
