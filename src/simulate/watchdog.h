// SPDX-License-Identifier: MIT
/* watchdog.h: takes the time of a simulated trial forward, and tells when nothing goes on any more, and who is at what.
 */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial/crew_parts.h"

struct watchdog {
  const struct crew *crew;
  int64_t patience_ps; /* for so long no thread may end an operation */
  uint64_t n_done;     /* by all threads, when one last did */
  int64_t done_ps;
};

/* For a crew whose CPUs take so much of a slice. */
struct watchdog watchdog_make(const struct crew *crew);

/* Operations that all threads have ended so far, failed tries too. */
uint64_t watchdog_count(const struct crew *crew);

/*
 * Runs the simulation up to that time. False, and one line in `why`, if it hangs: all threads sleep, or none has ended
 * an operation for longer than the watchdog's patience.
 */
bool watchdog_run(struct watchdog *watchdog, int64_t until_ps, char *why, size_t why_bytes);

/* The same until all threads are over. */
bool watchdog_finish(struct watchdog *watchdog, char *why, size_t why_bytes);

#endif
