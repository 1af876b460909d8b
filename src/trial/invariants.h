// SPDX-License-Identifier: MIT
/*
 * invariants.h: what must hold between the numbers of one trial, whatever the lock and the machine. A result that
 * breaks one is the harness's fault, and must not become a row that looks like a measurement.
 */
#ifndef INVARIANTS_H
#define INVARIANTS_H

#include <stdbool.h>

#include "trial.h"

/* Whether they hold of a trial that came to its end; if not, `why` has one line that names the first that does not. */
bool invariants_hold(const struct trial *trial, const struct trial_result *result, char *why, size_t why_bytes);

#endif
