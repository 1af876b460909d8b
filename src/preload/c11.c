// SPDX-License-Identifier: MIT
/*
 * c11.c: C11's mutexes and conditions. libc's own call libc's own locks, past ours, on the same bytes. Under observe,
 * where a lock is known by who calls, they say so: OBSERVED.
 */
#include <errno.h>
#include <pthread.h>
#include <threads.h>

#include "export.h"

#ifdef OBSERVED
#include "observe_calls.h"
#define pthread_mutex_init(...) observe_mutex_init(__VA_ARGS__, OBSERVE_SITE)
#define pthread_mutex_lock(...) observe_mutex_lock(__VA_ARGS__, OBSERVE_SITE)
#define pthread_mutex_trylock(...) observe_mutex_trylock(__VA_ARGS__, OBSERVE_SITE)
#define pthread_mutex_timedlock(...) observe_mutex_timedlock(__VA_ARGS__, OBSERVE_SITE)
#define pthread_cond_wait(...) observe_cond_wait(__VA_ARGS__, OBSERVE_SITE)
#define pthread_cond_timedwait(...) observe_cond_timedwait(__VA_ARGS__, OBSERVE_SITE)
#endif

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t), "as in glibc");

static pthread_mutex_t *mutex_of(mtx_t *mutex) { return (pthread_mutex_t *)(void *)mutex; }
static pthread_cond_t *cond_of(cnd_t *cond) { return (pthread_cond_t *)(void *)cond; }

static int result_of(int error) {
  switch (error) {
    case 0:
      return thrd_success;
    case EBUSY:
      return thrd_busy;
    case ETIMEDOUT:
      return thrd_timedout;
    case ENOMEM:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

EXPORT int mtx_init(mtx_t *mutex, int type) {
  pthread_mutexattr_t attributes;
  if ((type & ~(mtx_plain | mtx_timed | mtx_recursive)) != 0) return thrd_error;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  const int error = pthread_mutex_init(mutex_of(mutex), &attributes);
  pthread_mutexattr_destroy(&attributes);
  return result_of(error);
}

EXPORT void mtx_destroy(mtx_t *mutex) { pthread_mutex_destroy(mutex_of(mutex)); }
EXPORT int mtx_lock(mtx_t *mutex) { return result_of(pthread_mutex_lock(mutex_of(mutex))); }
EXPORT int mtx_trylock(mtx_t *mutex) { return result_of(pthread_mutex_trylock(mutex_of(mutex))); }
EXPORT int mtx_unlock(mtx_t *mutex) { return result_of(pthread_mutex_unlock(mutex_of(mutex))); }
EXPORT int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict deadline) {
  return result_of(pthread_mutex_timedlock(mutex_of(mutex), deadline));
}

EXPORT int cnd_init(cnd_t *cond) { return result_of(pthread_cond_init(cond_of(cond), NULL)); }
EXPORT void cnd_destroy(cnd_t *cond) { pthread_cond_destroy(cond_of(cond)); }
EXPORT int cnd_signal(cnd_t *cond) { return result_of(pthread_cond_signal(cond_of(cond))); }
EXPORT int cnd_broadcast(cnd_t *cond) { return result_of(pthread_cond_broadcast(cond_of(cond))); }
EXPORT int cnd_wait(cnd_t *cond, mtx_t *mutex) { return result_of(pthread_cond_wait(cond_of(cond), mutex_of(mutex))); }
EXPORT int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict deadline) {
  return result_of(pthread_cond_timedwait(cond_of(cond), mutex_of(mutex), deadline));
}
