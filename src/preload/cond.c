// SPDX-License-Identifier: MIT
/*
 * cond.c: condition variables for every mutex, ours or the system's, over the bytes of a pthread_cond_t.
 *
 * The queue is that of lk_cond.h, which is proven there: waiters in order of arrival, each asleep on a word of its own
 * stack; a broadcast wakes the first, and each, once it has the mutex, wakes the next, so that they never storm a lock
 * that hands over in order. There the queue is guarded by the mutex. POSIX lets a program signal without it, so here it
 * is guarded by a lock in the condition, held for a few instructions.
 *
 *   queue       zero in a static initialiser, and empty
 *   guard       of the queue
 *   clock       of timedwait; 0 is CLOCK_REALTIME
 *   generation  of processes, as in a mutex: in the child of a fork those that wait are the parent's
 *
 * A waiter that was taken out of the queue never touches the condition again, so it may be destroyed right after a
 * broadcast, with one exception: one that is cancelled after it was signalled passes the signal on. Whether a waiter
 * was taken is therefore told at the waiter: one that gives up, at its deadline or cancelled, says that it leaves
 * before it enters the guard, and who signals passes it by. It is in the queue until it is out by itself, and the
 * condition is not destroyed before.
 * Conditions that processes share stay with the system; glibc marks them by a bit of a word that is 0 in ours.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "export.h"
#include "futex.h"
#include "lk_cond.h"
#include "process.h"
#include "stop.h"
#include "system.h"
#include "thread.h"

struct cond {
  struct lk_cond queue;
  struct lk_futex guard;
  uint32_t clock;
  _Atomic(uint32_t) generation;
};
_Static_assert(sizeof(struct cond) <= offsetof(pthread_cond_t, __data.__wrefs), "the system's mark stays zero");

enum state { QUEUED, LEAVING, TAKEN };

/* One that waits; the waiter first, so that the queue's nodes are these. */
struct waiting {
  struct lk_cond_waiter waiter;
  _Atomic(uint32_t) state; /* QUEUED to LEAVING by itself, or to TAKEN by who signals */
  struct cond *cond;
  pthread_mutex_t *mutex;
  bool was_broadcast; /* how it was taken; written before it is woken */
};
_Static_assert(offsetof(struct waiting, waiter) == 0, "a node of the queue is what waits");

static bool is_shared(const pthread_cond_t *cond) { return (cond->__data.__wrefs & 1) != 0; }

static struct cond *cond_of(pthread_cond_t *cond) { return (struct cond *)(void *)cond; }

static bool is_ready(struct cond *cond, const struct thread *me) {
  /* Acquire: pairs with the release in adopt. */
  return atomic_load_explicit(&cond->generation, memory_order_acquire) == thread_generation(me);
}

/* Forgets what was before a fork. */
LK_COLD static void adopt(struct cond *cond, const struct thread *me) {
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  if (!is_ready(cond, me)) {
    lk_cond_init(&cond->queue);
    (void)lk_futex_init(&cond->guard, NULL);
    /* Release: pairs with the acquire in is_ready. */
    atomic_store_explicit(&cond->generation, process->generation, memory_order_release);
  }
  process_leave(process, &signals);
}

static void enter(struct cond *cond) {
  const struct thread *const me = thread_ready();
  if (LK_UNLIKELY(!is_ready(cond, me))) adopt(cond, me);
  lk_futex_lock(&cond->guard, NULL);
}

static void leave(struct cond *cond) { lk_futex_unlock(&cond->guard, NULL); }

static struct waiting *waiting_of(struct lk_cond_waiter *waiter) { return (struct waiting *)(void *)waiter; }

/* Relaxed, both: it only decides between two; what they do then is ordered by the guard, and by is_woken. */
static bool turn_to(struct waiting *waiting, enum state state) {
  uint32_t queued = QUEUED;
  return atomic_compare_exchange_strong_explicit(&waiting->state, &queued, state, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/* Takes one that nobody has signalled out of the queue; false: it was signalled. */
static bool give_up(struct waiting *waiting) {
  if (!turn_to(waiting, LEAVING)) return false;
  enter(waiting->cond);
  lk_cond_unlink(&waiting->cond->queue, &waiting->waiter);
  leave(waiting->cond);
  return true;
}

/* Under the guard: the first that waits, or all, as a chain for lk_cond_wake. */
static struct lk_cond_waiter *take(struct cond *cond, bool is_broadcast) {
  struct lk_cond_waiter *chain = NULL, **end = &chain, *next = cond->queue.first;
  const struct lk_cond_waiter *const last = next != NULL ? next->previous : NULL;
  for (struct lk_cond_waiter *waiter = NULL; waiter != last && (is_broadcast || chain == NULL);) {
    waiter = next;
    next = waiter->next;
    if (!turn_to(waiting_of(waiter), TAKEN)) continue;
    lk_cond_unlink(&cond->queue, waiter);
    waiting_of(waiter)->was_broadcast = is_broadcast;
    waiter->next = NULL;
    *end = waiter;
    end = &waiter->next;
  }
  return chain;
}

/* Under the guard: whether one in the queue is in that state. */
static bool has(const struct cond *cond, enum state state) {
  for (struct lk_cond_waiter *waiter = cond->queue.first; waiter != NULL;) {
    if (atomic_load_explicit(&waiting_of(waiter)->state, memory_order_relaxed) == state) return true; /* see turn_to */
    waiter = waiter->next != cond->queue.first ? waiter->next : NULL;
  }
  return false;
}

/* A signal that reached a thread which cannot use it goes to the next. */
static void pass_on(struct waiting *waiting) {
  if (waiting->waiter.next != NULL)
    lk_cond_wake(waiting->waiter.next);
  else if (!waiting->was_broadcast) /* after a broadcast there is nobody, and the condition may be gone */
    pthread_cond_signal((pthread_cond_t *)(void *)waiting->cond);
}

/* A thread that is cancelled has the mutex when its handlers run. */
static void be_cancelled(void *argument) {
  struct waiting *const waiting = argument;
  const bool was_taken = !give_up(waiting);
  if (was_taken) lk_cond_sleep(&waiting->waiter); /* its waker is still to come */
  pthread_mutex_lock(waiting->mutex);
  if (was_taken) pass_on(waiting);
}

/* Sleeps until woken, for no reason, or until the deadline: 0 or ETIMEDOUT. A thread may be cancelled here and only
   here; asynchronously, since a look at whether it was, before the system call, would come too early. */
static int sleep_once(struct waiting *waiting, clockid_t clock, const struct timespec *deadline) {
  const int operation = FUTEX_WAIT_BITSET_PRIVATE | (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);
  int type;
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type);
  const long result =
      syscall(SYS_futex, &waiting->waiter.is_woken, operation, 0, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
  const int error = result == 0 ? 0 : errno;
  pthread_setcanceltype(type, NULL);
  return error == ETIMEDOUT ? ETIMEDOUT : 0;
}

static int sleep_until(struct waiting *waiting, clockid_t clock, const struct timespec *deadline) {
  static const struct timespec long_ago = {0, 0}; /* which futex(2) knows no time before */
  int error = 0;
  if (deadline != NULL && deadline->tv_sec < 0) deadline = &long_ago;
  while (!lk_cond_is_woken(&waiting->waiter))
    if (sleep_once(waiting, clock, deadline) == ETIMEDOUT && deadline != NULL) {
      if (give_up(waiting)) return ETIMEDOUT;
      deadline = NULL; /* it was signalled: its turn will come */
    }
  return error;
}

static int wait_on(pthread_cond_t *given, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline) {
  const int caller_errno = errno;
  if (deadline != NULL && !clock_is_valid(deadline)) return EINVAL;
  struct waiting waiting = {.state = QUEUED, .cond = cond_of(given), .mutex = mutex, .was_broadcast = false};
  thread_count(thread_ready(), COUNT_WAITS);
  enter(waiting.cond);
  lk_cond_join(&waiting.cond->queue, &waiting.waiter);
  leave(waiting.cond);
  int error = pthread_mutex_unlock(mutex);
  if (error != 0) { /* it is not the caller's */
    if (!give_up(&waiting)) {
      lk_cond_sleep(&waiting.waiter);
      pass_on(&waiting);
    }
    return error;
  }
  pthread_cleanup_push(be_cancelled, &waiting);
  error = sleep_until(&waiting, clock, deadline);
  pthread_cleanup_pop(0);
  const int error_of_mutex = pthread_mutex_lock(mutex);
  if (error == 0) lk_cond_wake(waiting.waiter.next);
  errno = caller_errno;
  return error_of_mutex != 0 ? error_of_mutex : error;
}

EXPORT int pthread_cond_init(pthread_cond_t *given, const pthread_condattr_t *attributes) {
  clockid_t clock = CLOCK_REALTIME;
  int is_shared_wanted = 0;
  if (attributes != NULL) {
    pthread_condattr_getclock(attributes, &clock);
    pthread_condattr_getpshared(attributes, &is_shared_wanted);
    if (is_shared_wanted) return SYSTEM(pthread_cond_init)(given, attributes);
  }
  memset(given, 0, sizeof *given);
  cond_of(given)->clock = (uint32_t)clock;
  return 0;
}

EXPORT int pthread_cond_destroy(pthread_cond_t *given) {
  if (is_shared(given)) return SYSTEM(pthread_cond_destroy)(given);
  struct cond *const cond = cond_of(given);
  for (;;) {
    enter(cond); /* behind those that have just been there */
    const bool is_leaving = has(cond, LEAVING), is_waited_for = has(cond, QUEUED);
    leave(cond);
    if (!is_leaving) {
      if (is_waited_for) thread_count(thread_ready(), COUNT_DESTROYED_WAITED);
      return 0;
    }
    clock_nap(50000);
  }
}

/* The system's condition gives the mutex back and takes it as its own kind of mutex. */
static void check_mutex(const pthread_mutex_t *mutex) {
  if ((mutex->__data.__kind & 0xfc) == 0)
    stop("the program waits for a condition that processes share with a mutex that they do not share");
}

EXPORT int pthread_cond_wait(pthread_cond_t *given, pthread_mutex_t *mutex) {
  if (!is_shared(given)) return wait_on(given, mutex, CLOCK_REALTIME, NULL);
  check_mutex(mutex);
  return SYSTEM(pthread_cond_wait)(given, mutex);
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *given, pthread_mutex_t *mutex, const struct timespec *deadline) {
  if (!is_shared(given)) return wait_on(given, mutex, (clockid_t)cond_of(given)->clock, deadline);
  check_mutex(mutex);
  return SYSTEM(pthread_cond_timedwait)(given, mutex, deadline);
}

EXPORT int pthread_cond_clockwait(pthread_cond_t *given, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *deadline) {
  if (!clock_is_known(clock)) return EINVAL;
  if (!is_shared(given)) return wait_on(given, mutex, clock, deadline);
  check_mutex(mutex);
  return SYSTEM(pthread_cond_clockwait)(given, mutex, clock, deadline);
}

/* Whether nobody waits: who does had joined before it gave back the mutex under which the caller changed something. A
   look without the guard, since most signals find nobody. */
static bool is_idle(struct cond *cond) { return *(struct lk_cond_waiter *volatile *)&cond->queue.first == NULL; }

EXPORT int pthread_cond_signal(pthread_cond_t *given) {
  if (is_shared(given)) return SYSTEM(pthread_cond_signal)(given);
  struct cond *const cond = cond_of(given);
  if (is_idle(cond)) return 0;
  enter(cond);
  struct lk_cond_waiter *const taken = take(cond, false);
  leave(cond);
  lk_cond_wake(taken);
  return 0;
}

EXPORT int pthread_cond_broadcast(pthread_cond_t *given) {
  if (is_shared(given)) return SYSTEM(pthread_cond_broadcast)(given);
  struct cond *const cond = cond_of(given);
  if (is_idle(cond)) return 0;
  enter(cond);
  struct lk_cond_waiter *const taken = take(cond, true);
  leave(cond);
  lk_cond_wake(taken);
  return 0;
}
