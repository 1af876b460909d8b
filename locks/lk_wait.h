// SPDX-License-Identifier: MIT
/*
 * lk_wait.h: sleep while a word has a value; wake those that sleep on it. Linux futex(2), private to
 * one process. A wait may return for no reason: the caller looks at its word again. And the kernel's own lock with
 * priority inheritance, which keeps its queue behind a word.
 */
#ifndef LK_WAIT_H
#define LK_WAIT_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lk_lang.h"

/* unistd.h hides it from programs that ask for plain C11 (glibc, musl), and there is no other way to a futex. */
#if !defined(__USE_MISC) && !defined(_BSD_SOURCE) && !defined(_GNU_SOURCE)
extern long syscall(long number, ...);
#endif

#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64 /* riscv32 and newer 32-bit ports have only this one */
#endif

/* Sleeps if *word is still `expected`; the kernel checks and queues in one step, so no wake is lost. */
static inline void lk_wait_sleep(LK_ATOMIC(uint32_t) *word, uint32_t expected) {
  const int caller_errno = errno; /* a lock leaves it as it was */
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
  errno = caller_errno;
}

/* A moment, as that system call takes it. */
#if defined(SYS_futex_time64) && SYS_futex == SYS_futex_time64
typedef int64_t lk_wait_seconds;
#else
typedef long lk_wait_seconds;
#endif

/* The same until lk_clock_ns() is deadline_ns; false: it is. */
static inline bool lk_wait_sleep_until(LK_ATOMIC(uint32_t) *word, uint32_t expected, uint64_t deadline_ns) {
  const lk_wait_seconds deadline[2] = {(lk_wait_seconds)(deadline_ns / 1000000000u),
                                       (lk_wait_seconds)(deadline_ns % 1000000000u)};
  const int caller_errno = errno;
  const long result =
      syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
  const bool is_late = result != 0 && errno == ETIMEDOUT;
  errno = caller_errno;
  return !is_late;
}

/* Sleeps for so long at most: for a waiter whose wake-up may be missed, and who looks again by itself then. */
static inline void lk_wait_nap(LK_ATOMIC(uint32_t) *word, uint32_t expected, uint64_t time_ns) {
  const lk_wait_seconds most[2] = {(lk_wait_seconds)(time_ns / 1000000000u), (lk_wait_seconds)(time_ns % 1000000000u)};
  const int caller_errno = errno;
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, most, NULL, 0);
  errno = caller_errno;
}

/* Wakes at most n_threads of those that sleep on the word. */
static inline void lk_wait_wake(LK_ATOMIC(uint32_t) *word, int n_threads) {
  const int caller_errno = errno;
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n_threads, NULL, NULL, 0);
  errno = caller_errno;
}

static inline void lk_wait_wake_one(LK_ATOMIC(uint32_t) *word) { lk_wait_wake(word, 1); }

static inline void lk_wait_wake_all(LK_ATOMIC(uint32_t) *word) { lk_wait_wake(word, INT_MAX); }

/* What stands for the calling thread in the word of a lock with priority inheritance. */
static inline uint32_t lk_wait_thread_id(void) { return (uint32_t)syscall(SYS_gettid); }

/* Takes the lock at *word, in the kernel; sleeps while another thread's id is there. 0, or what went wrong: EINTR and
   EAGAIN ask to try again; EDEADLK: it is ours already, or is held by one who waits for us; ESRCH: by one that has
   ended; all else means that the system cannot do this. */
static inline int lk_wait_lock_pi(LK_ATOMIC(uint32_t) *word) {
  const int caller_errno = errno;
  const int error = syscall(SYS_futex, word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 ? 0 : errno;
  errno = caller_errno;
  return error;
}

/* Hands the lock to the first of those that sleep in lock_pi, or frees it. 0, or what went wrong: it is not ours. */
static inline int lk_wait_unlock_pi(LK_ATOMIC(uint32_t) *word) {
  const int caller_errno = errno;
  const int error = syscall(SYS_futex, word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0) == 0 ? 0 : errno;
  errno = caller_errno;
  return error;
}

#endif
