// SPDX-License-Identifier: MIT
/*
 * paths.h: from where a lock is taken, beyond the function that calls libc. A return address is all that each
 * acquisition can afford; where that lies in a wrapper (std::mutex::lock, a class of the program's) it says nothing. So
 * the stack is looked at now and then, for a hundredth of a thread's time at most: for every acquisition of a thread
 * that takes locks seldom, and for some of the others.
 */
#ifndef PRELOAD_PATHS_H
#define PRELOAD_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "recording.h"

/* A thread's allowance. */
struct paths_budget {
  uint64_t spent_until; /* ticks: what was looked at so far is paid for then */
  uint32_t random;
};

/* Whether there is time to look, which is then spent. */
bool paths_may_look(struct paths_budget *budget, uint64_t now);

/* The number of the path by which the calling thread has come to `site`, where it takes a lock; 0: no room. */
uint32_t paths_look(struct recording *recording, uint32_t lock, uint64_t site);

#endif
