// SPDX-License-Identifier: MIT
/* clock.h: deadlines as POSIX gives them, and naps. */
#ifndef PRELOAD_CLOCK_H
#define PRELOAD_CLOCK_H

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline bool clock_is_known(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC; }

static inline bool clock_is_valid(const struct timespec *time) {
  return time->tv_nsec >= 0 && time->tv_nsec < 1000000000;
}

static inline bool clock_has_passed(clockid_t clock, const struct timespec *deadline) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* For less than a second; the caller's errno stays. By a system call: libc's function is one at which a thread is
   cancelled. */
static inline void clock_nap(long ns) {
  const struct timespec time = {0, ns};
  const int caller_errno = errno;
  syscall(SYS_nanosleep, &time, NULL);
  errno = caller_errno;
}

/*
 * Until `try` (an expression) succeeds or the deadline has passed: 0, ETIMEDOUT, or EINVAL. The clock is known. Our
 * locks have no timed wait: who waits with a deadline looks again and again, at most a millisecond apart, and in no
 * order.
 */
#define CLOCK_TRY_UNTIL(try, clock, deadline)                                                                          \
  ({                                                                                                                   \
    const int caller_errno_ = errno;                                                                                   \
    int error_ = (try) ? 0 : clock_is_valid(deadline) ? EBUSY : EINVAL;                                                \
    for (long nap_ns_ = 1000; error_ == EBUSY; nap_ns_ = nap_ns_ < 1000000 ? 2 * nap_ns_ : nap_ns_) {                  \
      if (clock_has_passed(clock, deadline)) {                                                                         \
        error_ = ETIMEDOUT;                                                                                            \
      } else {                                                                                                         \
        clock_nap(nap_ns_);                                                                                            \
        if (try) error_ = 0;                                                                                           \
      }                                                                                                                \
    }                                                                                                                  \
    errno = caller_errno_;                                                                                             \
    error_;                                                                                                            \
  })

#endif
