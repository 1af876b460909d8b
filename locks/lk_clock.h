// SPDX-License-Identifier: MIT
/*
 * lk_clock.h: the time, for locks that judge by it how long a thread has waited or whether it still runs. Monotonic
 * nanoseconds, the same for all threads; about 30 ns a call where the system answers without entering the kernel.
 *
 * time.h hides the clock from programs that ask for plain C11, whose only one may be set back. There it is declared
 * here, where that can be done in one way only; with 32 bits the size of the time depends on more than C11 lets us see
 * (_TIME_BITS), and the kernel is asked in its own types, which costs some 100 ns more.
 */
#ifndef LK_CLOCK_H
#define LK_CLOCK_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "lk_arch.h"

enum { LK_CLOCK_MONOTONIC = 1 }; /* CLOCK_MONOTONIC of Linux */

#if defined(CLOCK_MONOTONIC) || __SIZEOF_LONG__ == 8

#ifndef CLOCK_MONOTONIC
extern int clock_gettime(int clock_id, struct timespec *now);
#endif

static inline uint64_t lk_clock_ns(void) {
  struct timespec now;
  (void)clock_gettime(LK_CLOCK_MONOTONIC, &now); /* of this clock and a valid address it cannot fail */
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#else

#include "lk_wait.h" /* syscall */

#ifdef SYS_clock_gettime64
enum { LK_CLOCK_CALL = SYS_clock_gettime64 };
#else /* x32, where the first call already had 64 bits */
enum { LK_CLOCK_CALL = SYS_clock_gettime };
#endif

static inline uint64_t lk_clock_ns(void) {
  struct {
    int64_t s, ns;
  } now;
  (void)syscall(LK_CLOCK_CALL, LK_CLOCK_MONOTONIC, &now);
  return (uint64_t)now.s * 1000000000u + (uint64_t)now.ns;
}

#endif

/* Until then on the CPU, and away from memory. */
static inline void lk_clock_pause_until(uint64_t time_ns) {
  do lk_pause();
  while (lk_clock_ns() < time_ns);
}

/* Until then, but once at least: lets others have the CPU. */
static inline void lk_clock_yield_until(uint64_t time_ns) {
  do sched_yield();
  while (lk_clock_ns() < time_ns);
}

#endif
