// SPDX-License-Identifier: MIT
/*
 * lk_cpu.h of the model checker: included before a lock, it takes the place of the real one, whose guard it sets. No
 * CPU is known: what a lock does where it knows that another thread cannot run is to wait longer, and the checker tries
 * every length of a wait.
 */
#ifndef LK_CPU_H
#define LK_CPU_H

#include <stdint.h>

#define LK_CPU_UNKNOWN UINT32_MAX

static inline uint32_t lk_cpu(void) { return LK_CPU_UNKNOWN; }

#endif
