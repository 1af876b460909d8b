// SPDX-License-Identifier: MIT
/*
 * calibration.h: how a replay is made to behave as the program did before anything is predicted with it.
 *
 * A recording does not tell what a section touches, and observing lengthens it; so the replay is played under the
 * program's own lock with a few settings, until acquisitions per second and the share of them that found the lock taken
 * are as recorded. What is left is the misfit: no smaller difference between locks is worth a claim.
 */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#include <stdbool.h>

#include "profile.h"

struct calibration_setting {
  unsigned cs_lines;
  double hold_scale, gap_scale;
};

/* What came of a setting; NaN: it could not be measured. */
struct calibration_outcome {
  double acquisitions_per_s, contended;
};

enum { CALIBRATION_MAX_STEPS = 24 };

struct calibration {
  unsigned n_steps;
  struct calibration_step {
    struct calibration_setting setting;
    struct calibration_outcome outcome;
  } steps[CALIBRATION_MAX_STEPS];
  struct calibration_setting best;
  struct calibration_outcome outcome; /* of the best, measured anew: the luck by which it was chosen is not in it */
  double misfit;                      /* 0.1: a tenth too fast or too slow, or contended in a tenth more or less */
};

/*
 * Plays a setting `n_times` and tells in *outcome the median; what it cannot measure is NaN. False: no more is to be
 * tried.
 */
typedef bool calibration_play(void *about, const struct calibration_setting *setting, unsigned n_times,
                              struct calibration_outcome *outcome);

/* How far an outcome is from the target. */
double calibration_misfit(const struct profile_target *target, const struct calibration_outcome *outcome);

/* Looks for the setting that fits best. Returns false if nothing could be measured, or `play` gave up. */
bool calibration_search(struct calibration *calibration, const struct profile_target *target, calibration_play *play,
                        void *about);

#endif
