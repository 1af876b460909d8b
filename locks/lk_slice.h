// SPDX-License-Identifier: MIT
/*
 * lk_slice.h: a little more time for a thread whose time slice ends inside of a section, so that it does not lose its
 * CPU with the lock held while others wait for it. For programs, around any lock; no lock here needs it:
 *
 *   struct lk_slice slice;
 *   lk_slice_enable(&slice);   once, by the thread that uses it; it stays where it is
 *
 *   lk_mcs_lock(&lock, &ctx);
 *   lk_slice_request(&slice);
 *   ...
 *   lk_mcs_unlock(&lock, &ctx);
 *   lk_slice_end(&slice);
 *
 * Linux has it since 7.0, if it is built with CONFIG_RSEQ_SLICE_EXTENSION (Documentation/userspace-api/rseq.rst). The
 * thread asks by a byte in memory that it shares with the kernel. If its slice ends while that is set, the kernel may
 * let it go on, for 5 us unless the administrator says otherwise, and tells so in the byte behind. Out of the section
 * the thread looks there, and gives the CPU up: so it owes a system call only for time that it was given. Any other
 * system call gives the CPU up too, before it is served: what unlock wakes then wakes up late, but the lock is free.
 *
 * Of nested sections the outermost one asks. Where the system has no such thing, request and end write a byte of
 * *slice and read another, and nothing comes of it.
 */
#ifndef LK_SLICE_H
#define LK_SLICE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "lk_arch.h"
#include "lk_lang.h"
#include "lk_wait.h" /* syscall */

/* Where the C library tells where that memory is, on the processors whose system calls have the common numbers. */
#if defined(__has_include) && defined(__has_builtin)
#if __has_include(<sys/rseq.h>) && __has_builtin(__builtin_thread_pointer) && !defined(__mips__) &&                    \
    !defined(__alpha__) && !(defined(__x86_64__) && defined(__ILP32__))
#define LK_SLICE_IS_POSSIBLE 1
#include <sys/rseq.h>
#endif
#endif

enum lk_slice_state {
  LK_SLICE_ON,
  LK_SLICE_NOT_IN_KERNEL,    /* too old, or built without it */
  LK_SLICE_TURNED_OFF,       /* when the system was started: rseq_slice_ext=off */
  LK_SLICE_NOT_IN_C_LIBRARY, /* which shares no memory with the kernel, or too little: glibc before 2.41 */
};

/* Of the thread and the kernel, on one CPU: no order between CPUs is at stake. */
struct lk_slice_control {
  uint8_t request; /* set and cleared by the thread; cleared by the kernel when it grants */
  uint8_t granted; /* the kernel's */
  uint16_t reserved;
};

struct lk_slice {
  volatile struct lk_slice_control *control; /* the kernel's, or `unused` */
  struct lk_slice_control unused;
};

/* From <linux/prctl.h>, <linux/rseq.h> and <asm/unistd.h>, which on most systems are older than that. */
enum {
  LK_SLICE_PRCTL = 79, /* PR_RSEQ_SLICE_EXTENSION */
  LK_SLICE_PRCTL_SET = 2,
  LK_SLICE_PRCTL_ENABLE = 1,
  LK_SLICE_NOT_SUPPORTED = 524, /* ENOTSUPP, an error of the kernel's own */
  LK_SLICE_CONTROL_AT = 28,     /* in struct rseq */
  LK_SLICE_RSEQ_BYTES = 33,     /* of the first struct rseq with it; a C library that says 32 means 20 */
  LK_SLICE_YIELD_CALL = 471,    /* rseq_slice_yield */
};

/* Whether the calling thread will be given more time. The errno is left as it was, here and below. */
static inline enum lk_slice_state lk_slice_enable(struct lk_slice *slice) {
  enum lk_slice_state state = LK_SLICE_NOT_IN_C_LIBRARY;
  slice->unused.request = slice->unused.granted = 0;
  slice->control = &slice->unused;
#ifdef LK_SLICE_IS_POSSIBLE
  const int caller_errno = errno;
  const int error = prctl(LK_SLICE_PRCTL, LK_SLICE_PRCTL_SET, LK_SLICE_PRCTL_ENABLE, 0, 0) == 0 ? 0 : errno;
  errno = caller_errno;
  const bool has_room = __rseq_size >= LK_SLICE_RSEQ_BYTES;
  if (error == 0 && has_room) {
    slice->control = (volatile struct lk_slice_control *)(void *)((char *)__builtin_thread_pointer() + __rseq_offset +
                                                                  LK_SLICE_CONTROL_AT);
    state = LK_SLICE_ON;
  } else if (error == LK_SLICE_NOT_SUPPORTED && has_room) {
    state = LK_SLICE_TURNED_OFF;
  } else if (error != 0 && error != ENXIO && error != LK_SLICE_NOT_SUPPORTED) {
    state = LK_SLICE_NOT_IN_KERNEL; /* EINVAL, as of any prctl that it does not know */
  }
#endif
  return state;
}

/* After lock. The compiler must not move the section before it. */
static inline void lk_slice_request(struct lk_slice *slice) {
  slice->control->request = 1;
  atomic_signal_fence(memory_order_seq_cst);
}

LK_COLD static void lk_slice_yield(void) {
  const int caller_errno = errno;
  (void)syscall(LK_SLICE_YIELD_CALL);
  errno = caller_errno;
}

/* After unlock. What was granted may be revoked right before the call, which then does nothing. */
static inline void lk_slice_end(struct lk_slice *slice) {
  atomic_signal_fence(memory_order_seq_cst);
  slice->control->request = 0;
  if (LK_UNLIKELY(slice->control->granted != 0)) lk_slice_yield();
}

#endif
