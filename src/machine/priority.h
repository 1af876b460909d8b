// SPDX-License-Identifier: MIT
/*
 * priority.h: under real-time scheduling (chrt -f, chrt -r) a thread that spins keeps its CPU from all others that are
 * not above it. So the workers of a trial run one priority below what lockbench was started with: then who closes the
 * window and who watches the time limit get a CPU.
 */
#ifndef PRIORITY_H
#define PRIORITY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether this thread has a real-time policy. `name` gets it with its priority, such as "SCHED_FIFO 50", or "". */
bool priority_is_real_time(char *name, size_t name_bytes);

/* Whether there is a priority below this thread's for the workers, or why not. */
bool priority_has_room(char *why, size_t why_bytes);

/* A thread that is made with these attributes runs one priority below this one, if that is real-time. */
void priority_lower(pthread_attr_t *attributes);

#endif
