// SPDX-License-Identifier: MIT
/*
 * lk_cpu.h of Relacy: included before a lock, it takes the place of the real one, whose guard it sets. There are two
 * CPUs; threads are spread over them by turns, and are preempted as if each had one of its own.
 */
#ifndef LK_CPU_H
#define LK_CPU_H

#include "../engine.h"

#define LK_CPU_UNKNOWN UINT32_MAX

static inline uint32_t lk_cpu() { return static_cast<uint32_t>(rl::ctx().current_thread()) % 2; }

#endif
