// SPDX-License-Identifier: MIT
/*
 * pass.c: `lockbench exec --lock none`. All locks stay the system's; each acquisition passes through here and is
 * counted, which shows what a program does with its locks. What there is nothing to count of, as unlock, is not here.
 */
#include <pthread.h>

#include "export.h"
#include "process.h"
#include "system.h"
#include "thread.h"

uint32_t host_first_generation(void) { return 0; }
void host_renew_contexts(struct thread *thread) { (void)thread; }

/* The owner's number, which glibc writes once it has the lock and clears before it gives the lock back, whatever the
   kind. The word of the lock itself, so soon after an atomic instruction on it, takes a sixth of a lock and unlock to
   read. */
static int owner_of(const pthread_mutex_t *mutex) { return *(const volatile int *)&mutex->__data.__owner; }

LK_COLD static void count_held(struct thread *me, int owner) {
  if (owner != me->system_id) thread_count(me, COUNT_CONTENDED); /* else it is the caller's already, and recursive */
}

/* Counts when libc's function is back: it is still writing down the owner then, and the count costs no time of its own.
   Before, the lock's atomic instruction would wait for it. */
EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex) {
  struct thread *const me = thread_ready(); /* before: what a thread's first lock sets up is not done inside of it */
  const int owner = owner_of(mutex);
  const int error = SYSTEM(pthread_mutex_lock)(mutex);
  if (LK_LIKELY(system_has_lock(error))) thread_count(me, COUNT_ACQUIRED);
  if (LK_UNLIKELY(owner != 0)) count_held(me, owner);
  return error;
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex) {
  struct thread *const me = thread_ready();
  const int error = SYSTEM(pthread_mutex_trylock)(mutex);
  thread_count(me, COUNT_TRIED);
  if (system_has_lock(error)) thread_count(me, COUNT_ACQUIRED);
  return error;
}

static int count_timed(struct thread *me, int error) {
  thread_count(me, COUNT_TIMED);
  if (system_has_lock(error)) thread_count(me, COUNT_ACQUIRED);
  return error;
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
  struct thread *const me = thread_ready(); /* before, as above */
  return count_timed(me, SYSTEM(pthread_mutex_timedlock)(mutex, deadline));
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline) {
  struct thread *const me = thread_ready();
  return count_timed(me, SYSTEM(pthread_mutex_clocklock)(mutex, clock, deadline));
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
