// SPDX-License-Identifier: MIT
/* observe_calls.h: for c11.c under observe: a lock that C11's functions take was taken where they were called. */
#ifndef PRELOAD_OBSERVE_CALLS_H
#define PRELOAD_OBSERVE_CALLS_H

#include <pthread.h>
#include <stdint.h>

/* As pthread's functions without the prefix; site: where their caller's call returns to. */
int observe_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes, uint64_t site);
int observe_mutex_lock(pthread_mutex_t *mutex, uint64_t site);
int observe_mutex_trylock(pthread_mutex_t *mutex, uint64_t site);
int observe_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline, uint64_t site);
int observe_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t site);
int observe_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline,
                           uint64_t site);

#define OBSERVE_SITE ((uint64_t)(uintptr_t)__builtin_return_address(0))

#endif
