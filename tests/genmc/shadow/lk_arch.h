// SPDX-License-Identifier: MIT
/*
 * lk_arch.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets. A
 * pause is nothing: the checker tries every length of a wait anyway, and it does not read inline assembly.
 */
#ifndef LK_MODEL_ARCH_H
#define LK_MODEL_ARCH_H

#define lk_pause lk_pause_of_processor
#include "../../../locks/lk_arch.h"
#undef lk_pause

static inline void lk_pause(void) {}

#endif
