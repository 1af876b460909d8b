// SPDX-License-Identifier: MIT
/*
 * pass.c: `lockbench exec --lock none`. All locks stay the system's; each acquisition passes through here and is
 * counted, which shows what standing in the way costs, and what a program does with its locks.
 */
#include <errno.h>
#include <pthread.h>

#include "export.h"
#include "process.h"
#include "system.h"
#include "thread.h"

uint32_t host_first_generation(void) { return 0; }
void host_renew_contexts(struct thread *thread) { (void)thread; }

/* What glibc has in the first word of a mutex that somebody holds; of its other kinds too. */
static bool is_held(const pthread_mutex_t *mutex) { return *(const volatile int *)&mutex->__data.__lock != 0; }

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex) {
  struct thread *const me = thread_ready();
  thread_count(me, COUNT_ACQUIRED);
  if (is_held(mutex)) thread_count(me, COUNT_CONTENDED);
  return SYSTEM(pthread_mutex_lock)(mutex);
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex) {
  struct thread *const me = thread_ready();
  const int error = SYSTEM(pthread_mutex_trylock)(mutex);
  thread_count(me, COUNT_TRIED);
  if (error == 0) thread_count(me, COUNT_ACQUIRED);
  return error;
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex) { return SYSTEM(pthread_mutex_unlock)(mutex); }

static int count_timed(int error) {
  struct thread *const me = thread_ready();
  thread_count(me, COUNT_TIMED);
  if (error == 0) thread_count(me, COUNT_ACQUIRED);
  return error;
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
  return count_timed(SYSTEM(pthread_mutex_timedlock)(mutex, deadline));
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline) {
  return count_timed(SYSTEM(pthread_mutex_clocklock)(mutex, clock, deadline));
}

EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
  thread_count(thread_ready(), COUNT_WAITS);
  return SYSTEM(pthread_cond_wait)(cond, mutex);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline) {
  thread_count(thread_ready(), COUNT_WAITS);
  return SYSTEM(pthread_cond_timedwait)(cond, mutex, deadline);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *deadline) {
  thread_count(thread_ready(), COUNT_WAITS);
  return SYSTEM(pthread_cond_clockwait)(cond, mutex, clock, deadline);
}

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *lock) {
  thread_count(thread_ready(), COUNT_READ);
  return SYSTEM(pthread_rwlock_rdlock)(lock);
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *lock) {
  thread_count(thread_ready(), COUNT_WRITTEN);
  return SYSTEM(pthread_rwlock_wrlock)(lock);
}

EXPORT int pthread_spin_lock(pthread_spinlock_t *spin) {
  thread_count(thread_ready(), COUNT_SPIN_SYSTEM);
  return SYSTEM(pthread_spin_lock)(spin);
}
