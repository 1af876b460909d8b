// SPDX-License-Identifier: MIT
#include "services.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "access.h"
#include "sleepers.h"

#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif

/* Their prototypes are in guest.h, which only guests can include. */
void *guest_alloc(size_t n_bytes);
uint32_t guest_cpu(void);
void guest_pause(void);
int guest_clock_gettime(clockid_t clock, struct timespec *now);
int guest_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left);
int guest_sched_yield(void);
void guest_spend_section(uint64_t n_ns);
long guest_syscall(long number, ...);

struct clock_scale guest_clock_scale = {.uses_counter = false, .ns_per_tick = 1};

bool guest_counts_sections;

void *guest_alloc(size_t n_bytes) { return arena_take(n_bytes, LK_LINE_BYTES); }

/* As the kernel publishes it: where the thread last began to run. */
uint32_t guest_cpu(void) { return guests.current != NULL ? guests.current->cpu->index : 0; }

void guest_pause(void) {
  if (guests.current == NULL) return;
  guests.current->now_ps += guests.model->pause_ps;
  guests.current->is_pausing = true;
}

/* In steps, between which others get their turns, and siblings begin and end to be busy. */
void guest_spend_section(uint64_t n_ns) {
  enum { STEP_NS = 50 };
  guests.current->is_pausing = false;
  for (uint64_t left = n_ns; left > 0;) {
    const uint64_t step = left < STEP_NS ? left : STEP_NS;
    tally.n_others++;
    system_spend((int64_t)step * 1000);
    system_sync();
    left -= step;
  }
}

int guest_clock_gettime(clockid_t clock, struct timespec *now) {
  (void)clock;
  if (guests.current != NULL) {
    tally.n_others++;
    system_spend(model_ps(guests.model->parameters.clock_ns));
    system_sync();
  }
  const uint64_t ns = services_ns(guests.current != NULL ? guests.current->now_ps : guests.now_ps);
  *now = (struct timespec){.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  return 0;
}

static uint64_t ns_of(const struct timespec *time) {
  return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

int guest_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
  (void)clock, (void)flags, (void)left;
  tally.n_others++;
  system_spend(model_ps(guests.model->parameters.syscall_ns));
  system_sync();
  access_drain();
  (void)system_sleep(guests.current->now_ps + model_ps((double)ns_of(time)));
  return 0;
}

int guest_sched_yield(void) {
  tally.n_others++;
  system_spend(model_ps(guests.model->parameters.syscall_ns));
  system_sync();
  system_yield();
  return 0;
}

/* `time`: how long, or until when; NULL: for ever. */
static long do_futex(volatile uint32_t *word, int operation, uint32_t value, const struct timespec *time) {
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      return futex_wait(word, value, time != NULL ? guests.current->now_ps + model_ps((double)ns_of(time)) : INT64_MAX);
    case FUTEX_WAIT_BITSET:
      return futex_wait(word, value, time != NULL ? services_ps(ns_of(time)) : INT64_MAX);
    case FUTEX_WAKE:
      return futex_wake(word, value);
    case FUTEX_LOCK_PI:
      return futex_lock_pi(word);
    case FUTEX_UNLOCK_PI:
      return futex_unlock_pi(word);
    default:
      return -ENOSYS;
  }
}

long guest_syscall(long number, ...) {
  long result;
  if (number == SYS_gettid) {
    result = futex_thread_id();
  } else if (number == SYS_futex) {
    va_list arguments;
    va_start(arguments, number);
    volatile uint32_t *word = va_arg(arguments, volatile uint32_t *);
    const int operation = va_arg(arguments, int);
    const uint32_t value = va_arg(arguments, uint32_t);
    const int command = operation & FUTEX_CMD_MASK;
    const bool has_time = command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET;
    result = do_futex(word, operation, value, has_time ? va_arg(arguments, const struct timespec *) : NULL);
    va_end(arguments);
  } else {
    result = -ENOSYS;
  }
  if (result == -ENOSYS) {
    fprintf(stderr, "the simulator does not know the system call %ld of this lock\n", number);
    abort();
  }
  if (result >= 0) return result;
  errno = (int)-result;
  return -1;
}
