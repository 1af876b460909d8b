// SPDX-License-Identifier: MIT
/* system.h: the C library's own functions, for what stays with the system: SYSTEM(pthread_mutex_lock)(mutex). */
#ifndef PRELOAD_SYSTEM_H
#define PRELOAD_SYSTEM_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <threads.h>

#define SYSTEM_FUNCTIONS(X)                                                                                            \
  X(pthread_mutex_init)                                                                                                \
  X(pthread_mutex_destroy)                                                                                             \
  X(pthread_mutex_lock)                                                                                                \
  X(pthread_mutex_trylock)                                                                                             \
  X(pthread_mutex_timedlock)                                                                                           \
  X(pthread_mutex_unlock)                                                                                              \
  X(pthread_cond_init)                                                                                                 \
  X(pthread_cond_destroy)                                                                                              \
  X(pthread_cond_wait)                                                                                                 \
  X(pthread_cond_timedwait)                                                                                            \
  X(pthread_cond_signal)                                                                                               \
  X(pthread_cond_broadcast)                                                                                            \
  X(pthread_rwlock_init)                                                                                               \
  X(pthread_rwlock_destroy)                                                                                            \
  X(pthread_rwlock_rdlock)                                                                                             \
  X(pthread_rwlock_tryrdlock)                                                                                          \
  X(pthread_rwlock_timedrdlock)                                                                                        \
  X(pthread_rwlock_wrlock)                                                                                             \
  X(pthread_rwlock_trywrlock)                                                                                          \
  X(pthread_rwlock_timedwrlock)                                                                                        \
  X(pthread_rwlock_unlock)                                                                                             \
  X(pthread_spin_init)                                                                                                 \
  X(pthread_spin_destroy)                                                                                              \
  X(pthread_spin_lock)                                                                                                 \
  X(pthread_spin_trylock)                                                                                              \
  X(pthread_spin_unlock)                                                                                               \
  X(sched_yield)                                                                                                       \
  X(dlopen)                                                                                                            \
  X(dlsym)

/* Since glibc 2.30 only: no program of an older one can call them. */
#define SYSTEM_NEWER_FUNCTIONS(X)                                                                                      \
  X(pthread_mutex_clocklock)                                                                                           \
  X(pthread_cond_clockwait)                                                                                            \
  X(pthread_rwlock_clockrdlock)                                                                                        \
  X(pthread_rwlock_clockwrlock)

struct system_functions {
#define SYSTEM_MEMBER(name) __typeof__(&name) name;
  SYSTEM_FUNCTIONS(SYSTEM_MEMBER)
  SYSTEM_NEWER_FUNCTIONS(SYSTEM_MEMBER)
#undef SYSTEM_MEMBER
};

extern struct system_functions system_functions;
extern _Atomic(bool) system_is_found;

/* Fills system_functions; any number of threads may do so at a time, since all write the same. */
void system_find(void);

static inline const struct system_functions *system_ready(void) {
  /* Acquire: pairs with the release in system_find. */
  if (__builtin_expect(!atomic_load_explicit(&system_is_found, memory_order_acquire), 0)) system_find();
  return &system_functions;
}

#define SYSTEM(name) (system_ready()->name)

/* Of what one of those that take a lock returns. A robust mutex is its taker's too if the owner has died. */
static inline bool system_has_lock(int error) { return error == 0 || error == EOWNERDEAD; }

#endif
