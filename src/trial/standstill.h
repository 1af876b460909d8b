// SPDX-License-Identifier: MIT
/*
 * standstill.h: sleeps through a window and tells how much of it everything stood still: the processes (Ctrl-Z, a
 * frozen cgroup), the virtual machine, or the machine (suspended).
 *
 * Who sleeps in steps wakes up late then. So it does where other programs have the CPUs; that is no standstill if the
 * process ran meanwhile, on one CPU at least. A long one is, whatever the process's CPU time says: a virtual machine
 * that was frozen books the time on whoever ran.
 */
#ifndef STANDSTILL_H
#define STANDSTILL_H

#include <stdint.h>

enum {
  STANDSTILL_STEP_NS = 20 * 1000 * 1000, /* at least: a wake-up takes a worker's CPU for some microseconds */
  STANDSTILL_LONG_NS = 100 * 1000 * 1000,
};

struct standstill {
  uint64_t last_ns, last_cpu_ns, still_ns;
  uint64_t suspended_ns; /* before the window; CLOCK_MONOTONIC leaves it out */
};

/* suspended_ns here and at the end: clock_suspended_ns(). */
struct standstill standstill_begin(uint64_t open_ns, uint64_t suspended_ns);

/* Sleeps until `duration_ns` after the begin, in steps of a sixteenth of that or longer. */
void standstill_sleep(struct standstill *standstill, uint64_t duration_ns);

/* A wake-up at now_ns that was to be at wanted_ns; cpu_ns is the CPU time that the process has had so far. */
void standstill_wake(struct standstill *standstill, uint64_t wanted_ns, uint64_t now_ns, uint64_t cpu_ns);

/* How much of the window, which was closed at `close_ns`, everything stood still. In seconds. */
double standstill_end(struct standstill *standstill, uint64_t close_ns, uint64_t suspended_ns);

#endif
