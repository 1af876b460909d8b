// SPDX-License-Identifier: MIT
/*
 * lk_arch.h: what differs between processors. Nothing else in locks/ may assume one.
 *
 * LK_LINE_BYTES is the destructive interference size: the distance at which two variables stop
 * disturbing each other. x86 fetches lines of 64 bytes in adjacent pairs, and several Arm server
 * and Apple cores have lines of 128, so 128 is right on both; it costs only memory elsewhere.
 */
#ifndef LK_ARCH_H
#define LK_ARCH_H

#include "lk_lang.h"

enum { LK_LINE_BYTES = 128 };

#define LK_LIKELY(x) __builtin_expect(!!(x), 1)
#define LK_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A slow path: kept out of the loop that inlines the lock, and out of its instruction cache lines. */
#define LK_COLD __attribute__((noinline, cold, unused))

/*
 * Defines name[n]: memory of the process, zero at its start and never freed, for an algorithm whose locks share a
 * table. Weak and visible, so that a program has one, however many of its files and libraries, in C or C++, include the
 * header. If a library that is loaded at run time shares locks with the program, link that with -rdynamic: else there
 * are two.
 */
#define LK_PROCESS_WIDE(type, name, n) __attribute__((weak, visibility("default"))) type name[n]

/* A function that a macro defines in a program's file, which may not need it. */
#define LK_UNUSED __attribute__((unused))

/*
 * The bytes of an atomic word can be accessed by themselves, as atomics, lowest first: what some algorithms are made of
 * and C11 has no word for. The processors of this file can; a checker, which models C11, says LK_WHOLE_WORDS.
 */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(LK_WHOLE_WORDS)
#define LK_HAS_PARTS 1
#endif

/* Tells the core that this is a waiting loop: saves power and, with SMT, leaves the core to the sibling. */
static inline void lk_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  /* `yield` is a no-op on most Arm cores; `isb` waits about as long as PAUSE does. */
  __asm__ volatile("isb" ::: "memory");
#elif defined(__riscv)
  /* The encoding of Zihintpause's `pause`, a hint that older cores ignore. */
  __asm__ volatile(".insn i 0x0F, 0, x0, x0, 0x010" ::: "memory");
#else
  atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
