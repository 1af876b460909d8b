// SPDX-License-Identifier: MIT
/*
 * sleepers.h: sleeping on a word of memory, and the kernel's lock with priority inheritance, as futex(2) has them. Who
 * slept first is woken first; all threads have the same priority.
 */
#ifndef SLEEPERS_H
#define SLEEPERS_H

#include <stdint.h>

#include "system.h"

/* Of the current thread; each returns 0 or a count as the system call does, or a negative errno. */
long futex_wait(volatile uint32_t *word, uint32_t expected, int64_t deadline_ps); /* INT64_MAX: none */
long futex_wake(volatile uint32_t *word, uint32_t n_most);
long futex_lock_pi(volatile uint32_t *word);
long futex_unlock_pi(volatile uint32_t *word);

/* The number by which such a word knows the current thread. */
uint32_t futex_thread_id(void);

#endif
