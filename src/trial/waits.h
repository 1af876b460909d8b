// SPDX-License-Identifier: MIT
/*
 * waits.h: the waits of a trial's window: how long they were, which of them were still open at its close, and how much
 * of the threads' time went into long ones.
 *
 * A wait that is open at the close is entered with the length that it had then, which is a lower bound: a quantile from
 * that length upwards is one too. Quantiles count acquisitions, to which a starved thread contributes few; the shares
 * of time count each moment of each thread once, so that a thread that waits all the time weighs as much as one that
 * works.
 */
#ifndef WAITS_H
#define WAITS_H

#include "histogram.h"

/* From 1 us on in powers of ten, up to 100 ms. */
enum { WAITS_N_LIMITS = 6 };

struct waits {
  struct histogram lengths; /* ticks; of all, the open ones too */
  uint64_t n_open, shortest_open;
  uint64_t limits[WAITS_N_LIMITS];         /* ticks, ascending; constant once made */
  uint64_t class_time[WAITS_N_LIMITS + 1]; /* ticks inside of the window; [i]: in waits that reach i limits */
};

/* Of zeroed memory, with the limits on this machine's clock. */
void waits_make(struct waits *waits);

/* A wait of `length` ticks, of which `time_in_window` were in the window. */
static inline void waits_add(struct waits *waits, uint64_t length, uint64_t time_in_window) {
  unsigned n_reached = 0;
  while (n_reached < WAITS_N_LIMITS && length >= waits->limits[n_reached]) n_reached++;
  waits->class_time[n_reached] += time_in_window;
  histogram_add(&waits->lengths, length);
}

/* The same for a wait that was open at the close, and had lasted that long then. */
void waits_add_open(struct waits *waits, uint64_t length, uint64_t time_in_window);

/* Adds all of `from` to `into`, whose limits are the same. */
void waits_merge(struct waits *into, const struct waits *from);

/*
 * The share of the waits that are shorter than every open one, to the width of a bucket: a quantile above it is a lower
 * bound. NaN without open waits.
 */
double waits_bound_from(const struct waits *waits);

/* Ticks of the window spent in waits of at least limits[limit]. */
uint64_t waits_time_from(const struct waits *waits, unsigned limit);

#endif
