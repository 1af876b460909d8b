// SPDX-License-Identifier: MIT
/*
 * crew.h: the inside of a trial: the worker threads, from their binding to their last count. It runs in the
 * trial's own process (trial.c), which ends with it.
 */
#ifndef CREW_H
#define CREW_H

#include "trial.h"

/*
 * Runs the trial and fills the result, state included. Returns when all workers have ended; a lock that lets
 * one hang is the business of the watchdog in trial.c. A failure to set up is TRIAL_DISTURBED with a reason.
 */
void crew_run(const struct trial *trial, struct trial_result *result, struct workload_key *state);

#endif
