// SPDX-License-Identifier: MIT
/*
 * lk_clock.h: the time, for locks that judge by it how long somebody has waited or whether he still runs.
 * Monotonic nanoseconds, the same for all threads; about 30 ns a call where the system
 * answers without entering the kernel.
 */
#ifndef LK_CLOCK_H
#define LK_CLOCK_H

#include <stdint.h>
#include <time.h>

/* time.h hides both from programs that ask for plain C11, whose only clock may be set back. */
extern int clock_gettime(int clock_id, struct timespec *now);

enum { LK_CLOCK_MONOTONIC = 1 }; /* CLOCK_MONOTONIC of Linux */

static inline uint64_t lk_clock_ns(void) {
  struct timespec now;
  (void)clock_gettime(LK_CLOCK_MONOTONIC, &now); /* of this clock and a valid address it cannot fail */
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
