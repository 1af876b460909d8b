// SPDX-License-Identifier: MIT
/* names.h: what the headers of locks ask of the system, led to the model of it. After all else, before those headers.
 */
#ifndef NAMES_H
#define NAMES_H

#include "system.h"

#define malloc system_malloc
#define aligned_alloc system_aligned_alloc
#define free system_free
#define errno system_errno
#define syscall system_syscall
#define clock_gettime system_clock_gettime
#define sched_yield system_sched_yield

#endif
