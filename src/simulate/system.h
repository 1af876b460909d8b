// SPDX-License-Identifier: MIT
/*
 * system.h: the threads of a simulation, the CPUs that they take turns on, and the time. Each thread has a clock of its
 * own; the one that is furthest behind runs, until its clock is ahead of what happens next (system_sync). So all that
 * threads see of each other happens in the order of time, and each run is the same.
 *
 * A CPU runs its threads by turns of a slice, as a queue: who was woken or has had its slice comes last. The slices and
 * the time to wake up vary at random by half, or all CPUs would switch in step. There is no balancing: threads are
 * pinned.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "coroutine.h"
#include "counts.h"
#include "events.h"
#include "lk_arch.h"
#include "model.h"
#include "store_buffer.h"

enum { SYSTEM_MAX_THREADS = 4096, SYSTEM_MAX_SIBLINGS = 7 };

enum thread_state { THREAD_READY, THREAD_ASLEEP, THREAD_OVER };

struct guest_thread {
  int64_t now_ps; /* its clock */
  struct cpu *cpu;
  unsigned core, id;
  bool is_pausing; /* its last step was a pause */
  enum thread_state state;
  const volatile void *last_address; /* that it accessed, for who asks why nothing goes on */
  const volatile void *sleeps_on;    /* a futex's word, or NULL: only the time wakes it */
  int64_t wake_at_ps;                /* when it is asleep; INT64_MAX: nobody but a thread wakes it */
  bool is_timed_out;
  struct guest_thread *next;         /* on its CPU's queue */
  struct guest_thread *next_sleeper; /* see sleepers.c; whom the time woke may be on both, until it runs */
  struct coroutine coroutine;
  void (*body)(void *);
  void *argument;
  struct store_buffer stores; /* last: it is large, and hardly used while a thread polls */
};

struct cpu {
  unsigned index, n_siblings;
  struct guest_thread *running;      /* NULL: it is idle */
  struct guest_thread *first, *last; /* those that wait for it */
  int64_t slice_end_ps, busy_since_ps, busy_ps;
  struct cpu *siblings[SYSTEM_MAX_SIBLINGS];
};

struct system {
  const struct model *model;
  struct guest_thread *current; /* NULL: the host */
  int64_t horizon_ps;           /* up to which the current thread may go on without looking at anything else */
  struct events events;
  struct guest_thread *threads;
  unsigned n_threads, n_over;
  struct cpu *cpus;
  int64_t limit_ps, now_ps;
  struct coroutine host;
  struct random_state random;
};

extern struct system guests;

/* Makes an empty system of that model. Returns 0 or an errno. */
int system_begin(const struct model *model, unsigned n_threads, uint64_t seed);

/* The next thread begins on that CPU at a random time before start_ns. Returns 0 or ENOMEM. */
int system_start_thread(void (*body)(void *), void *argument, unsigned cpu, double start_ns);

enum system_end { SYSTEM_TIME_IS_UP, SYSTEM_ALL_OVER, SYSTEM_ALL_ASLEEP };

/* By the host: runs all threads up to that time, or until nothing can happen any more. */
enum system_end system_run(int64_t until_ps);

/* All CPUs' time in which a thread was on them so far. */
int64_t system_busy_ps(void);

/* By the current thread: see system_sync(). */
void system_sync_slowly(void);

/* The first store of the thread's buffer is to reach its line, when it has it. */
void system_expect_commit(struct guest_thread *thread);

/* By the current thread: sleeps until system_wake(), or wake_at_ps (INT64_MAX: never). False: the time has come. */
bool system_sleep(int64_t wake_at_ps);

/* By the current thread: ends the sleep of another. */
void system_wake(struct guest_thread *thread);

/* By the current thread: lets the others on its CPU go first. */
void system_yield(void);

/* Uniform in 0.5 .. 1.5 of the mean. */
int64_t system_around(double mean_ns);

/* By the current thread: lets everything happen that comes before its clock. */
static inline void system_sync(void) {
  if (LK_UNLIKELY(guests.current->now_ps >= guests.horizon_ps)) system_sync_slowly();
}

/* The current thread computes for that long, longer beside siblings that are busy. */
static inline void system_spend(int64_t ps) {
  struct guest_thread *const thread = guests.current;
  const struct cpu *const cpu = thread->cpu;
  if (LK_LIKELY(cpu->n_siblings == 0)) {
    thread->now_ps += ps;
    return;
  }
  double factor = 1;
  for (unsigned i = 0; i < cpu->n_siblings; i++) {
    const struct guest_thread *const sibling = cpu->siblings[i]->running;
    if (sibling != NULL)
      factor += sibling->is_pausing ? guests.model->parameters.smt_pause : guests.model->parameters.smt_busy;
  }
  thread->now_ps += (int64_t)((double)ps * factor);
}

#endif
