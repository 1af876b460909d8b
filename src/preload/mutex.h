// SPDX-License-Identifier: MIT
/*
 * mutex.h: a lock of ours over the bytes of a pthread_mutex_t.
 *
 *   bytes 0 to 15   lock        in place, or its object and the address of the mutex that the object is for
 *         16        kind        where glibc has it and as it has it: whose a mutex is can always be told. Its static
 *                               initialisers are zero but for the kind
 *         20        generation  of processes, see process.h, in which the lock was made ready
 *         24        holder      the context that it is held with; NULL: it is free. Written by the owner
 *         32        owner       of a recursive or error-checking one: the number of its thread
 *         36        depth       of a recursive one: how often it was locked again
 *
 * In place rather than by address: mutexes of C++ are neither initialised nor destroyed, and zeroed, copied (while
 * free) and recycled memory is then a free mutex, as it is with glibc.
 */
#ifndef PRELOAD_MUTEX_H
#define PRELOAD_MUTEX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MUTEX_ROOM = 16, MUTEX_OTHER_KINDS = 0xfc, MUTEX_ROBUST_KIND = 16 }; /* robust, priority, process-shared */

struct mutex {
  _Alignas(8) unsigned char room[MUTEX_ROOM];
  int kind;
  _Atomic(uint32_t) generation;
  _Atomic(void *) holder;
  _Atomic(uint32_t) owner;
  uint32_t depth;
};

_Static_assert(sizeof(struct mutex) <= sizeof(pthread_mutex_t), "a mutex of ours fits into the system's");
_Static_assert(offsetof(struct mutex, kind) == offsetof(pthread_mutex_t, __data.__kind), "the kind is where it was");

static inline struct mutex *mutex_of(pthread_mutex_t *mutex) { return (struct mutex *)(void *)mutex; }

/* Neither recursive nor error-checking, and ours. */
static inline bool mutex_is_plain(const struct mutex *mutex) {
  return mutex->kind == PTHREAD_MUTEX_TIMED_NP || mutex->kind == PTHREAD_MUTEX_ADAPTIVE_NP;
}

static inline bool mutex_is_ours(const struct mutex *mutex) { return (mutex->kind & MUTEX_OTHER_KINDS) == 0; }

/* The kinds are four numbers below the bits of the others. */
_Static_assert(PTHREAD_MUTEX_TIMED_NP == 0 && PTHREAD_MUTEX_RECURSIVE_NP == 1 && PTHREAD_MUTEX_ERRORCHECK_NP == 2 &&
                   PTHREAD_MUTEX_ADAPTIVE_NP == 3,
               "glibc's kinds of mutex");

#endif
