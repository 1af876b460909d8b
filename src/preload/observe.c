// SPDX-License-Identifier: MIT
/*
 * observe.c: `lockbench observe`. All locks stay the system's: each call of the program's is libc's own, with what the
 * recorder notes before and behind it. A call that may wait tries first: if that fails, the lock is held, and the wait
 * is timed.
 *
 * A lock's note lies in bytes of it that glibc does not use: 24 to 39 of a mutex (the list of robust ones, which are
 * left alone), 16 to 23 and 40 to 47 of a readers/writer lock (padding). Initialisers write zeros there. Others have
 * theirs in the recording.
 */
#include "observe_calls.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <threads.h>

#include "clock.h"
#include "export.h"
#include "mutex.h"
#include "recorder.h"
#include "system.h"

_Static_assert(offsetof(pthread_mutex_t, __data.__list) == 24 && sizeof(struct recording_note) == 16 &&
                   sizeof(pthread_mutex_t) >= 40,
               "a note lies where robust mutexes have their list");
_Static_assert(offsetof(pthread_rwlock_t, __data.__pad3) == 16 && offsetof(pthread_rwlock_t, __data.__pad4) == 20 &&
                   offsetof(pthread_rwlock_t, __data.__pad2) == 40,
               "a note lies in padding");

RECORDER_INLINE struct recorder_note note_of_mutex(struct recorder *me, pthread_mutex_t *mutex, uint64_t site) {
  if (LK_UNLIKELY(mutex->__data.__kind & MUTEX_OTHER_KINDS))
    return recorder_note_beside(me, mutex, RECORDING_MUTEX, site);
  struct recording_note *const note = (struct recording_note *)(void *)&mutex->__data.__list;
  return (struct recorder_note){&note->lock, &note->holder, &note->site};
}

RECORDER_INLINE struct recorder_note note_of_rwlock(struct recorder *me, pthread_rwlock_t *lock, uint64_t site) {
  if (LK_UNLIKELY(lock->__data.__shared != 0)) return recorder_note_beside(me, lock, RECORDING_RWLOCK, site);
  return (struct recorder_note){(_Atomic(uint32_t) *)&lock->__data.__pad3, (_Atomic(uint32_t) *)&lock->__data.__pad4,
                                (_Atomic(uint64_t) *)&lock->__data.__pad2};
}

RECORDER_INLINE struct recorder_call call_of_mutex(pthread_mutex_t *mutex, uint64_t site) {
  struct recorder *const me = recorder_ready();
  return (struct recorder_call){.me = me, .note = note_of_mutex(me, mutex, site), .address = mutex, .site = site};
}

RECORDER_INLINE struct recorder_call call_of_rwlock(pthread_rwlock_t *lock, uint64_t site) {
  struct recorder *const me = recorder_ready();
  return (struct recorder_call){.me = me, .note = note_of_rwlock(me, lock, site), .address = lock, .site = site};
}

RECORDER_INLINE struct recorder_call call_of_spin(pthread_spinlock_t *spin, uint64_t site) {
  struct recorder *const me = recorder_ready();
  const void *const address = (const void *)(uintptr_t)spin;
  return (struct recorder_call){
      .me = me, .note = recorder_note_beside(me, address, RECORDING_SPIN, site), .address = address, .site = site};
}

/* Whether the calling thread, which holds it, has locked it more than once. What it does between its first lock and its
   last unlock is no acquisition and no release to others. */
RECORDER_INLINE bool is_held_again(const pthread_mutex_t *mutex) {
  return LK_UNLIKELY((mutex->__data.__kind & 3) == PTHREAD_MUTEX_RECURSIVE_NP) && mutex->__data.__count > 1;
}

/* The lock is the caller's. `is_again` is asked only of one that it seemed to be inside of. */
#define TOOK(call, is_shared, is_again)                                                                                \
  ({                                                                                                                   \
    if (LK_UNLIKELY((call)->held == NULL) && (is_again))                                                               \
      recorder_took_again(call);                                                                                       \
    else                                                                                                               \
      recorder_took(call, NULL, is_shared);                                                                            \
  })

/*
 * A robust mutex that cannot be recovered stays locked for ever by glibc's trylock, which says so only once. So it is
 * not tried but locked, unless another thread is seen to have it.
 */
static bool is_robust(const pthread_mutex_t *mutex) { return (mutex->__data.__kind & MUTEX_ROBUST_KIND) != 0; }

static bool is_held_elsewhere(const pthread_mutex_t *mutex) {
  const uint32_t word = (uint32_t) * (const volatile int *)&mutex->__data.__lock, owner = word & FUTEX_TID_MASK;
  return owner != 0 && owner != (uint32_t)thread_self->system_id && (word & FUTEX_OWNER_DIED) == 0;
}

#define TRY_FIRST(mutex, wait)                                                                                         \
  (LK_LIKELY(!is_robust(mutex)) ? SYSTEM(pthread_mutex_trylock)(mutex) : is_held_elsewhere(mutex) ? EBUSY : (wait))

/* `try` and `wait` are calls of libc's, and the second one's error is the value where the first one found the lock
 * held. */
#define TAKE(call, try, wait, is_shared, is_again)                                                                     \
  ({                                                                                                                   \
    recorder_asks(call);                                                                                               \
    recorder_goes_in(call, is_shared);                                                                                 \
    int error_ = try;                                                                                                  \
    if (LK_LIKELY(system_has_lock(error_))) {                                                                          \
      TOOK(call, is_shared, is_again);                                                                                 \
    } else {                                                                                                           \
      (call)->held = recorder_take_back(*(call), is_shared);                                                           \
      if (error_ == EBUSY) {                                                                                           \
        const struct recorder_wait wait_ = recorder_waits(*(call));                                                    \
        error_ = wait;                                                                                                 \
        if (system_has_lock(error_)) recorder_took(call, &wait_, is_shared);                                           \
        if (error_ == ETIMEDOUT) recorder_waited_in_vain(*(call), wait_);                                              \
      }                                                                                                                \
    }                                                                                                                  \
    error_;                                                                                                            \
  })

/* The same for a call that does not wait. */
#define TRY(call, try, is_shared, is_again)                                                                            \
  ({                                                                                                                   \
    recorder_asks(call);                                                                                               \
    const int error_ = try;                                                                                            \
    recorder_count(call, RECORDED_TRIED);                                                                              \
    if (system_has_lock(error_))                                                                                       \
      TOOK(call, is_shared, is_again);                                                                                 \
    else                                                                                                               \
      recorder_count(call, RECORDED_TRIES_FAILED);                                                                     \
    error_;                                                                                                            \
  })

#define TIMED(call, try, wait, is_shared, is_again)                                                                    \
  ({                                                                                                                   \
    recorder_count(call, RECORDED_TIMED);                                                                              \
    TAKE(call, try, wait, is_shared, is_again);                                                                        \
  })

int observe_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes, uint64_t site) {
  const int error = SYSTEM(pthread_mutex_init)(mutex, attributes);
  if (error != 0) return error;
  recorder_made(call_of_mutex(mutex, site), RECORDING_MUTEX);
  return 0;
}

int observe_mutex_lock(pthread_mutex_t *mutex, uint64_t site) {
  struct recorder_call call = call_of_mutex(mutex, site);
  if (!recorder_knows(&call, RECORDING_MUTEX)) return SYSTEM(pthread_mutex_lock)(mutex);
  return TAKE(&call, TRY_FIRST(mutex, SYSTEM(pthread_mutex_lock)(mutex)), SYSTEM(pthread_mutex_lock)(mutex), false,
              is_held_again(mutex));
}

int observe_mutex_trylock(pthread_mutex_t *mutex, uint64_t site) {
  struct recorder_call call = call_of_mutex(mutex, site);
  if (!recorder_knows(&call, RECORDING_MUTEX)) return SYSTEM(pthread_mutex_trylock)(mutex);
  return TRY(&call, SYSTEM(pthread_mutex_trylock)(mutex), false, is_held_again(mutex));
}

int observe_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline, uint64_t site) {
  struct recorder_call call = call_of_mutex(mutex, site);
  if (!recorder_knows(&call, RECORDING_MUTEX)) return SYSTEM(pthread_mutex_timedlock)(mutex, deadline);
  return TIMED(&call, TRY_FIRST(mutex, SYSTEM(pthread_mutex_timedlock)(mutex, deadline)),
               SYSTEM(pthread_mutex_timedlock)(mutex, deadline), false, is_held_again(mutex));
}

EXPORT int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
  return observe_mutex_init(mutex, attributes, OBSERVE_SITE);
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *mutex) { return observe_mutex_lock(mutex, OBSERVE_SITE); }

EXPORT int pthread_mutex_trylock(pthread_mutex_t *mutex) { return observe_mutex_trylock(mutex, OBSERVE_SITE); }

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline) {
  return observe_mutex_timedlock(mutex, deadline, OBSERVE_SITE);
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline) {
  struct recorder_call call = call_of_mutex(mutex, OBSERVE_SITE);
  if (!clock_is_known(clock) || !recorder_knows(&call, RECORDING_MUTEX))
    return SYSTEM(pthread_mutex_clocklock)(mutex, clock, deadline); /* refused before a try, too */
  return TIMED(&call, TRY_FIRST(mutex, SYSTEM(pthread_mutex_clocklock)(mutex, clock, deadline)),
               SYSTEM(pthread_mutex_clocklock)(mutex, clock, deadline), false, is_held_again(mutex));
}

/* What libc's release takes, a waiter's waking above all, is the lock's doing and in no gap. */
#define GIVE(lock, release)                                                                                            \
  ({                                                                                                                   \
    struct recorder *const me_ = recorder_ready();                                                                     \
    recorder_gives(me_, lock);                                                                                         \
    const int error_ = release;                                                                                        \
    recorder_gave(me_, lock);                                                                                          \
    error_;                                                                                                            \
  })

EXPORT int pthread_mutex_unlock(pthread_mutex_t *mutex) {
  if (is_held_again(mutex)) return SYSTEM(pthread_mutex_unlock)(mutex);
  return GIVE(mutex, SYSTEM(pthread_mutex_unlock)(mutex));
}

/*
 * A wait for a condition releases the mutex and takes it again. Of a thread that is cancelled in it, which has the
 * mutex again when its handlers run, the section there is not seen to begin.
 */
#define WAIT_FOR(mutex, site, wait)                                                                                    \
  ({                                                                                                                   \
    struct recorder_call call_ = call_of_mutex(mutex, site);                                                           \
    const bool is_known_ = recorder_knows(&call_, RECORDING_MUTEX), is_kept_ = is_held_again(mutex);                   \
    if (is_known_) recorder_count(&call_, RECORDED_CONDITION_WAITS);                                                   \
    if (is_known_ && !is_kept_) {                                                                                      \
      recorder_gives(call_.me, mutex);                                                                                 \
      recorder_ends(call_.me, mutex);                                                                                  \
    }                                                                                                                  \
    const int error_ = wait;                                                                                           \
    if (is_known_ && (system_has_lock(error_) || error_ == ETIMEDOUT)) TOOK(&call_, false, is_kept_);                  \
    error_;                                                                                                            \
  })

int observe_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t site) {
  return WAIT_FOR(mutex, site, SYSTEM(pthread_cond_wait)(cond, mutex));
}

int observe_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline,
                           uint64_t site) {
  return WAIT_FOR(mutex, site, SYSTEM(pthread_cond_timedwait)(cond, mutex, deadline));
}

EXPORT int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
  return observe_cond_wait(cond, mutex, OBSERVE_SITE);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *deadline) {
  return observe_cond_timedwait(cond, mutex, deadline, OBSERVE_SITE);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *deadline) {
  return WAIT_FOR(mutex, OBSERVE_SITE, SYSTEM(pthread_cond_clockwait)(cond, mutex, clock, deadline));
}

EXPORT int pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes) {
  const int error = SYSTEM(pthread_rwlock_init)(lock, attributes);
  if (error != 0) return error;
  recorder_made(call_of_rwlock(lock, OBSERVE_SITE), RECORDING_RWLOCK);
  return 0;
}

/* How one mode of a readers/writer lock is taken; mode: rd, wr. */
#define RWLOCK_MODE(mode, is_shared)                                                                                   \
  EXPORT int pthread_rwlock_##mode##lock(pthread_rwlock_t *lock) {                                                     \
    struct recorder_call call = call_of_rwlock(lock, OBSERVE_SITE);                                                    \
    if (!recorder_knows(&call, RECORDING_RWLOCK)) return SYSTEM(pthread_rwlock_##mode##lock)(lock);                    \
    return TAKE(&call, SYSTEM(pthread_rwlock_try##mode##lock)(lock), SYSTEM(pthread_rwlock_##mode##lock)(lock),        \
                is_shared, false);                                                                                     \
  }                                                                                                                    \
                                                                                                                       \
  EXPORT int pthread_rwlock_try##mode##lock(pthread_rwlock_t *lock) {                                                  \
    struct recorder_call call = call_of_rwlock(lock, OBSERVE_SITE);                                                    \
    if (!recorder_knows(&call, RECORDING_RWLOCK)) return SYSTEM(pthread_rwlock_try##mode##lock)(lock);                 \
    return TRY(&call, SYSTEM(pthread_rwlock_try##mode##lock)(lock), is_shared, false);                                 \
  }                                                                                                                    \
                                                                                                                       \
  EXPORT int pthread_rwlock_timed##mode##lock(pthread_rwlock_t *lock, const struct timespec *deadline) {               \
    struct recorder_call call = call_of_rwlock(lock, OBSERVE_SITE);                                                    \
    if (!recorder_knows(&call, RECORDING_RWLOCK)) return SYSTEM(pthread_rwlock_timed##mode##lock)(lock, deadline);     \
    return TIMED(&call, SYSTEM(pthread_rwlock_try##mode##lock)(lock),                                                  \
                 SYSTEM(pthread_rwlock_timed##mode##lock)(lock, deadline), is_shared, false);                          \
  }                                                                                                                    \
                                                                                                                       \
  EXPORT int pthread_rwlock_clock##mode##lock(pthread_rwlock_t *lock, clockid_t clock,                                 \
                                              const struct timespec *deadline) {                                       \
    struct recorder_call call = call_of_rwlock(lock, OBSERVE_SITE);                                                    \
    if (!clock_is_known(clock) || !recorder_knows(&call, RECORDING_RWLOCK))                                            \
      return SYSTEM(pthread_rwlock_clock##mode##lock)(lock, clock, deadline);                                          \
    return TIMED(&call, SYSTEM(pthread_rwlock_try##mode##lock)(lock),                                                  \
                 SYSTEM(pthread_rwlock_clock##mode##lock)(lock, clock, deadline), is_shared, false);                   \
  }

RWLOCK_MODE(rd, true)
RWLOCK_MODE(wr, false)

EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *lock) { return GIVE(lock, SYSTEM(pthread_rwlock_unlock)(lock)); }

EXPORT int pthread_spin_init(pthread_spinlock_t *spin, int is_shared) {
  const int error = SYSTEM(pthread_spin_init)(spin, is_shared);
  recorder_made(call_of_spin(spin, OBSERVE_SITE), RECORDING_SPIN);
  return error;
}

EXPORT int pthread_spin_lock(pthread_spinlock_t *spin) {
  struct recorder_call call = call_of_spin(spin, OBSERVE_SITE);
  if (!recorder_knows(&call, RECORDING_SPIN)) return SYSTEM(pthread_spin_lock)(spin);
  return TAKE(&call, SYSTEM(pthread_spin_trylock)(spin), SYSTEM(pthread_spin_lock)(spin), false, false);
}

EXPORT int pthread_spin_trylock(pthread_spinlock_t *spin) {
  struct recorder_call call = call_of_spin(spin, OBSERVE_SITE);
  if (!recorder_knows(&call, RECORDING_SPIN)) return SYSTEM(pthread_spin_trylock)(spin);
  return TRY(&call, SYSTEM(pthread_spin_trylock)(spin), false, false);
}

EXPORT int pthread_spin_unlock(pthread_spinlock_t *spin) {
  return GIVE((const void *)(uintptr_t)spin, SYSTEM(pthread_spin_unlock)(spin));
}

/* A thread that has taken no lock yet has nothing to note, nor has a child of fork. */
static int yield(void) {
  struct recorder *const me = thread_self->contexts;
  if (me == NULL) return SYSTEM(sched_yield)();
  const uint64_t start = recorder_yields(me);
  const int error = SYSTEM(sched_yield)();
  recorder_yielded(me, start);
  return error;
}

EXPORT int sched_yield(void) { return yield(); }
EXPORT void thrd_yield(void) { yield(); }

/* Programs of before glibc 2.34 call it; since then its declaration means sched_yield. */
EXPORT int observe_pthread_yield(void) __asm__("pthread_yield");
int observe_pthread_yield(void) { return yield(); }
