// SPDX-License-Identifier: MIT
/*
 * patience.h: how long somebody has waited for what may never come, in time in which it could have come. Who waits
 * looks at the clock again and again; a long time between two looks is one in which the processes or the machine stood
 * still (Ctrl-Z, a frozen cgroup or virtual machine), and counts for no more than two looks' distance.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include "clock.h"

enum { PATIENCE_LOOK_NS = 100 * 1000 * 1000 }; /* at least so often one has to look */

struct patience {
  uint64_t last_ns, spent_ns;
};

static inline struct patience patience_begin(void) { return (struct patience){.last_ns = clock_now_ns()}; }

/* A look at `now_ns`, none earlier than the one before. Returns what has been spent so far. */
static inline uint64_t patience_spend(struct patience *patience, uint64_t now_ns) {
  const uint64_t elapsed_ns = now_ns - patience->last_ns, most_ns = 2 * (uint64_t)PATIENCE_LOOK_NS;
  patience->last_ns = now_ns;
  patience->spent_ns += elapsed_ns < most_ns ? elapsed_ns : most_ns;
  return patience->spent_ns;
}

/* What was waited for could not come until `now_ns`. */
static inline void patience_excuse(struct patience *patience, uint64_t now_ns) { patience->last_ns = now_ns; }

#endif
