// SPDX-License-Identifier: MIT
/* call_cost.h: what the calls cost that locks and harness make beside the lock: clock reads, wakes without a waiter. */
#ifndef CALL_COST_H
#define CALL_COST_H

struct clock_cost {
  double read_ns;       /* one reading among many in a row */
  double resolution_ns; /* the least difference, not 0, between two readings in a row: nothing shorter can be timed */
};

/*
 * Each measures for a few milliseconds: the median of batches of 100 calls. NaN where the clock is too coarse to tell.
 * clock_calibrate() comes first.
 */

/* clock_now_ns(), which is lk_clock_ns() too. */
struct clock_cost call_cost_system_clock(void);

/* clock_ticks_ordered(), by which waits are timed. */
struct clock_cost call_cost_wait_clock(void);

/* A futex wake of a word on which no thread sleeps, in ns: the system call alone. */
double call_cost_futex_wake_ns(void);

#endif
