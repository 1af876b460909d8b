// SPDX-License-Identifier: MIT
/*
 * lk_arch.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets. A
 * pause is nothing: the checker tries every length of a wait anyway, and it does not read inline assembly.
 *
 * The checker finds loops that only wait by itself, and lets no thread go round in them; but it takes a loop around
 * such a loop for one that waits in vain. For locks that have that, LK_PAUSE_BLOCKS marks the waits instead: a
 * thread that comes to a pause stays there. That is right only for those that do nothing but pause and look again at
 * the one word that they read last, since what they would do after the pause is not tried.
 */
#ifndef LK_MODEL_ARCH_H
#define LK_MODEL_ARCH_H

#define lk_pause lk_pause_of_processor
#include "../../../locks/lk_arch.h"
#undef lk_pause

#ifdef LK_PAUSE_BLOCKS
#include <genmc.h>

/* Each load may be the one before a pause, which then waits for another value of that word. */
#undef atomic_load_explicit
#define atomic_load_explicit(place, order)                                                                             \
  (__VERIFIER_loop_begin(), __VERIFIER_spin_start(), __c11_atomic_load(place, order))

static inline void lk_pause(void) { __VERIFIER_spin_end(false); }
#else
static inline void lk_pause(void) {}
#endif

#endif
