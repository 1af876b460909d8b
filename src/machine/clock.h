// SPDX-License-Identifier: MIT
/*
 * clock.h: two clocks. clock_now_ns() is the system's, for windows and time stamps. clock_ticks() is the
 * processor's counter where it can be trusted (a third of the price), for delays and waits
 * inside the loop, else the system's clock once more; a tick is not a cycle, and only clock_ticks_to_ns() says how long
 * it is.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct clock_scale {
  bool uses_counter; /* false: a tick is a nanosecond of clock_now_ns() */
  double ns_per_tick;
  uint64_t spin_excess_ticks; /* by which clock_spin() would last longer than asked for */
};

/* Set by clock_calibrate(), read-only afterwards. */
extern struct clock_scale clock_scale;

/* Chooses the counter, and measures its rate against the system's clock and clock_spin(): for about 20 ms. Call once.
 */
void clock_calibrate(void);

/*
 * Whether the processor's counter tells the time: on x86 its flags promise that it runs evenly (constant_tsc and
 * nonstop_tsc, or tsc_reliable), and the kernel keeps time by it (clock source tsc, or kvm-clock, which adds to it).
 * Under `root`, "" but for tests, are the /proc and /sys to look at.
 */
bool clock_may_use_counter(const char *root);

/* Nanoseconds of CLOCK_MONOTONIC. */
static inline uint64_t clock_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Sleeps until CLOCK_MONOTONIC has come to that. */
void clock_sleep_until(uint64_t ns);

/* How long the machine has been suspended since it was started, to some microseconds: CLOCK_MONOTONIC stands then. */
uint64_t clock_suspended_ns(void);

/*
 * The counter, read without waiting for earlier instructions: for delays. The compilers' own names, since the header
 * that has the usual ones (x86intrin.h) costs gcc half of its time for a lock.
 */
static inline uint64_t clock_ticks(void) {
#if defined(__x86_64__) || defined(__i386__)
  if (clock_scale.uses_counter) return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
  if (clock_scale.uses_counter) {
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
  }
#endif
  return clock_now_ns();
}

/* The counter, read after every earlier instruction and before every later one: for waits. */
static inline uint64_t clock_ticks_ordered(void) {
#if defined(__x86_64__) || defined(__i386__)
  if (clock_scale.uses_counter) {
    __builtin_ia32_lfence();
    const uint64_t ticks = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return ticks;
  }
#elif defined(__aarch64__)
  if (clock_scale.uses_counter) {
    uint64_t ticks;
    __asm__ volatile("isb; mrs %0, cntvct_el0; isb" : "=r"(ticks)::"memory");
    return ticks;
  }
#endif
  return clock_now_ns();
}

/* Readings on two CPUs may be a few ticks apart: what ended before it began took no time, not almost for ever. */
static inline uint64_t clock_ticks_between(uint64_t start, uint64_t end) { return end > start ? end - start : 0; }

/*
 * Spins for that many ticks in the mean: bounded by the clock, since a calibrated loop drifts (up to twofold seen), and
 * less what the readings add, the first, the last and half of one between, which was measured (35 ns in some virtual
 * machines). Two readings are the least.
 */
static inline void clock_spin(uint64_t n_ticks) {
  const uint64_t start = clock_ticks();
  while (clock_ticks() - start + clock_scale.spin_excess_ticks < n_ticks) {
  }
}

static inline double clock_ticks_to_ns(double ticks) { return ticks * clock_scale.ns_per_tick; }

static inline uint64_t clock_ns_to_ticks(double ns) { return (uint64_t)(ns / clock_scale.ns_per_tick + 0.5); }

#endif
