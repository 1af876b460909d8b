// SPDX-License-Identifier: MIT
/*
 * lk_arch.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets. A
 * pause is nothing: the checker tries every length of a wait anyway, and it does not read inline assembly.
 *
 * GenMC finds loops that only wait by itself, lets no thread go round in them, and reports a thread that waits in one
 * for what never comes. It errs on two kinds of loops, which are marked here for it:
 *   - a compare-exchange that is tried again with the value found: each failure is progress, not a wait;
 *   - a loop around a loop that waits: with LK_PAUSE_BLOCKS the waits are not GenMC's to find, but a thread that comes
 *     to a pause stays there. Right only for locks that do nothing after a pause but look again at the word that they
 *     looked at last, since what comes after a pause is not tried.
 */
#ifndef LK_MODEL_ARCH_H
#define LK_MODEL_ARCH_H

#define LK_WHOLE_WORDS
#define lk_pause lk_pause_of_processor
#include "../../../locks/lk_arch.h"
#undef lk_pause

#include <stdbool.h>

#ifdef __CONFIG_GENMC_INODE_DATA_SIZE /* GenMC's, always set */
#include <genmc.h>

enum { LK_MODEL_MAX_THREADS = 8 };

/* From 0, in the order of their making. */
static inline int lk_model_thread(void) { return __VERIFIER_thread_self(); }

static int lk_model_steps[LK_MODEL_MAX_THREADS];

/* Changes something that is never looked at: so a loop around it does more than wait. False. */
static inline bool lk_model_progress(void) {
  lk_model_steps[lk_model_thread()] = 1;
  return false;
}

#undef atomic_compare_exchange_weak_explicit
#define atomic_compare_exchange_weak_explicit(place, expected, desired, success, failure)                              \
  (__c11_atomic_compare_exchange_weak(place, expected, desired, success, failure) || lk_model_progress())

#undef atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit(place, expected, desired, success, failure)                            \
  (__c11_atomic_compare_exchange_strong(place, expected, desired, success, failure) || lk_model_progress())

#ifdef LK_PAUSE_BLOCKS
/* Each load may be the one before a pause, which then waits for another value of that word. */
#undef atomic_load_explicit
#define atomic_load_explicit(place, order)                                                                             \
  (__VERIFIER_loop_begin(), __VERIFIER_spin_start(), __c11_atomic_load(place, order))

static inline void lk_pause(void) { __VERIFIER_spin_end(false); }
#else
static inline void lk_pause(void) {}
#endif
#else
static inline int lk_model_thread(void) {
  static _Atomic(int) n_threads;
  static _Thread_local int number = -1;
  return number < 0 ? number = n_threads++ : number;
}

static inline bool lk_model_progress(void) { return false; }

static inline void lk_pause(void) {}
#endif

#endif
