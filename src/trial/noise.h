// SPDX-License-Identifier: MIT
/* noise.h: what of the machine was in a trial's way, so that its figures would not be those of the lock. */
#ifndef NOISE_H
#define NOISE_H

#include <stddef.h>

#include "trial.h"

enum noise {
  NOISE_NONE,
  NOISE_TOLD,    /* a column tells how much. Some machines are always so: the last try counts */
  NOISE_SPOILED, /* nobody could tell from the row what the figures are worth */
};

/* Of a trial that came to its end. `why` gets one line unless there was none. */
enum noise noise_of(const struct trial *trial, const struct trial_result *result, char *why, size_t why_bytes);

#endif
