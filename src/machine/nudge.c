// SPDX-License-Identifier: MIT
#include "nudge.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum { MIN_CPU_NS = 20 * 1000 };

/* Of the running thread's CPU time, in ns. */
static uint64_t thread_cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Gives the CPU to the next thread, unless this one has only just got it: a signal that was sent while it had none
 * must not take from it the moment in which it looks whether the lock is its own.
 */
static void yield_to_others(int signal) {
  static _Thread_local uint64_t last_cpu_ns;
  const int error = errno;
  (void)signal;
  if (thread_cpu_ns() - last_cpu_ns > MIN_CPU_NS) {
    sched_yield();
    last_cpu_ns = thread_cpu_ns();
  }
  errno = error;
}

void nudge_prepare(void) {
  sigaction(NUDGE_SIGNAL, &(struct sigaction){.sa_handler = yield_to_others, .sa_flags = SA_RESTART}, NULL);
}
