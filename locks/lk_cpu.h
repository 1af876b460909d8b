// SPDX-License-Identifier: MIT
/*
 * lk_cpu.h: the CPU on which the calling thread runs, for locks that judge by it whether another thread can run at the
 * same time. A guess: the thread may be moved right after it was asked.
 *
 * Linux writes it into a thread's memory each time that it lets the thread run (rseq(2), which glibc registers since
 * 2.35): to read it costs a load. Elsewhere it is not known, since to ask the system would cost more than a lock.
 */
#ifndef LK_CPU_H
#define LK_CPU_H

#include <stddef.h>
#include <stdint.h>

#define LK_CPU_UNKNOWN UINT32_MAX

#if defined(__has_include) && defined(__has_builtin)
#if __has_include(<sys/rseq.h>) && __has_builtin(__builtin_thread_pointer)
#define LK_CPU_IS_PUBLISHED 1
#endif
#endif

#ifdef LK_CPU_IS_PUBLISHED
#include <sys/rseq.h>

/* Some number from 2^32 - 2 on, where the kernel has refused to publish it. */
static inline uint32_t lk_cpu(void) {
  const char *const mine = (const char *)__builtin_thread_pointer() + __rseq_offset;
  return *(const volatile uint32_t *)(const volatile void *)(mine + offsetof(struct rseq, cpu_id));
}
#else
static inline uint32_t lk_cpu(void) { return LK_CPU_UNKNOWN; }
#endif

#endif
