// SPDX-License-Identifier: MIT
/*
 * host_rw.c: the template that becomes one shared object per readers/writer lock, as host.c does per mutex. The lock
 * lies beside the program's, in an object that is found through it: most of ours are larger.
 *
 *   bytes 0, 8   the lock, and the address of the program's lock that it is for
 *         16     generation of processes, as in a mutex
 *         20     serial: no two locks that were made have the same
 *         28     glibc's mark of a lock that processes share, which stays with the system; here 0
 *         32     the use of the thread that writes; NULL: nobody does
 *         48     glibc's kind; left where it is, without a meaning here
 *
 * A thread lists its uses, one for each lock that it is inside of and a few that it was inside of last, each with its
 * context. unlock does not say what it ends: if nobody writes, it ends a reading. And a thread may read-lock what it
 * reads already: behind a writer that waits a lock which is fair to writers would not let it in, so it only counts.
 */
#define LK_ALLOC(n_bytes) memory_take(n_bytes) /* of memory.h; before any header of a lock */
#define LK_FREE(memory) memory_give(memory)

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "export.h"
#include "memory.h"
#include "process.h"
#include "stop.h"
#include "system.h"
#include "the_lock.h"
#include "thread.h"

_Static_assert((FN(traits) & LK_FREED_BY_LAST) != 0, "its memory is used again while others may be on their way out");

enum { MOST_THREADS = 4096, MOST_IDLE = 8 };

struct use {
  ctx_type ctx;
  struct use *next;
  const struct rw *rw;
  uint32_t serial; /* of the lock that the context is for; 0: of none */
  uint32_t depth;  /* how often the thread is inside; 0: the context only waits to be used again */
};

struct rw {
  lock_type *lock;
  const struct rw *self;
  _Atomic(uint32_t) generation;
  uint32_t serial;
  uint64_t unused;
  _Atomic(struct use *) writer;
};
_Static_assert(offsetof(struct rw, unused) + 4 == offsetof(pthread_rwlock_t, __data.__shared), "glibc's mark is kept");
_Static_assert(sizeof(struct rw) <= offsetof(pthread_rwlock_t, __data.__flags), "glibc's kind is kept");

static struct rw *rw_of(pthread_rwlock_t *given) { return (struct rw *)(void *)given; }
static bool is_shared(const pthread_rwlock_t *given) { return given->__data.__shared != 0; }

static void count_system(void) { thread_count(thread_ready(), COUNT_RW_SYSTEM); }

static bool is_ready(const struct rw *rw, const struct thread *me) {
  /* Acquire: pairs with the release in make. */
  return atomic_load_explicit(&rw->generation, memory_order_acquire) == thread_generation(me) && rw->self == rw;
}

static struct use *writer_of(const struct rw *rw) {
  return atomic_load_explicit(&rw->writer, memory_order_relaxed); /* only the writer relies on it, and wrote it */
}

static void set_writer(struct rw *rw, struct use *use) {
  atomic_store_explicit(&rw->writer, use, memory_order_relaxed); /* as above */
}

uint32_t host_first_generation(void) { return 1; } /* each lock is made ready when it is first used */

void host_renew_contexts(struct thread *thread) { (void)thread; } /* a use is as good for the next thread */

/* Under the guard. */
static const struct lk_config *config_of_process(void) {
  static struct lk_config config;
  cpu_set_t cpus;
  if (config.n_threads == 0)
    config =
        lk_config_default(MOST_THREADS, sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1);
  return &config;
}

/* Under the guard. */
static void make(struct process *process, struct rw *rw) {
  static uint32_t last_serial;
  struct object *const object = memory_object(process, rw, sizeof(lock_type));
  if (object->has_lock) FN(destroy)(object->bytes);
  if (!FN(init)(object->bytes, config_of_process())) stop(QUOTE(LK) " cannot be made");
  object->has_lock = true;
  rw->lock = object->bytes;
  rw->self = rw;
  rw->serial = ++last_serial;
  set_writer(rw, NULL);
  /* Release: pairs with the acquire in is_ready. */
  atomic_store_explicit(&rw->generation, process->generation, memory_order_release);
}

/* By a writer; a copy is held by nobody. */
static bool is_held(const struct rw *rw) { return rw->self == rw && writer_of(rw) != NULL; }

/* As in host.c: what waited before a fork is the parent's. A lock that the thread which called fork writes under is its
   to unlock. */
LK_COLD static void adopt(struct rw *rw, const struct thread *me) {
  const int caller_errno = errno;
  struct process *const process = process_ready();
  while (!is_ready(rw, me)) {
    sigset_t signals;
    process_enter(process, &signals);
    const bool is_free = !is_held(rw);
    if (is_free && !is_ready(rw, me)) make(process, rw);
    process_leave(process, &signals);
    if (!is_free) clock_nap(1000000);
  }
  errno = caller_errno;
}

static struct thread *enter(struct rw *rw) {
  struct thread *const me = thread_ready();
  if (LK_UNLIKELY(!is_ready(rw, me))) adopt(rw, me);
  return me;
}

/* Under a writer of the parent's, or under the thread that called fork. */
static bool is_held_since_fork(const struct rw *rw, const struct thread *me) {
  return !is_ready(rw, me) && is_held(rw);
}

static bool is_of(const struct use *use, const struct rw *rw) { return use->rw == rw && use->serial == rw->serial; }

/* The use by which the thread is inside, or NULL. */
static struct use *find_inside(const struct thread *me, const struct rw *rw) {
  for (struct use *use = me->readings; use != NULL; use = use->next)
    if (use->depth > 0 && is_of(use, rw)) return use;
  return NULL;
}

LK_COLD static struct use *make_use(void) {
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals); /* for the signals' sake */
  struct use *const use = memory_take(sizeof *use);
  process_leave(process, &signals);
  use->serial = use->depth = 0;
  return use;
}

/* A use to come in by: the one from the last time if it is still there, else that which was idle for longest. It is put
   in front. */
static struct use *take_use(struct thread *me, struct rw *rw) {
  struct use **link = (struct use **)&me->readings, **chosen = NULL;
  unsigned n_idle = 0;
  for (; *link != NULL; link = &(*link)->next) {
    if ((*link)->depth > 0) continue;
    n_idle++;
    chosen = link;
    if (is_of(*link, rw)) break;
  }
  struct use *use = *link != NULL ? *link : n_idle >= MOST_IDLE ? *chosen : NULL;
  if (use != NULL)
    *chosen = use->next;
  else
    use = make_use();
  use->next = me->readings;
  me->readings = use;
  if (use->serial != 0 && is_of(use, rw)) return use;
  if (use->serial != 0) FN(ctx_destroy)(NULL, &use->ctx); /* its lock may be gone, which such a context must stand */
  if (!FN(ctx_init)(rw->lock, &use->ctx, NULL)) stop(QUOTE(LK) " has no context for a thread");
  use->rw = rw;
  use->serial = rw->serial;
  return use;
}

static int read_again(struct thread *me, struct use *use) {
  if (use->depth == UINT32_MAX) return EAGAIN;
  use->depth++;
  thread_count(me, COUNT_READ);
  thread_count(me, COUNT_READ_AGAIN);
  return 0;
}

static int read_in(struct thread *me, struct use *use) {
  use->depth = 1;
  thread_count(me, COUNT_READ);
  return 0;
}

static int write_in(struct thread *me, struct rw *rw, struct use *use) {
  use->depth = 1;
  set_writer(rw, use);
  thread_count(me, COUNT_WRITTEN);
  return 0;
}

static bool try_read(struct rw *rw, struct use *use) { return FN(tryrdlock)(rw->lock, &use->ctx); }
static bool try_write(struct rw *rw, struct use *use) { return FN(trywrlock)(rw->lock, &use->ctx); }

/* As far as whoever held it at a fork is concerned: 0, or why it cannot be had until the deadline. */
static int wait_for_fork(const struct rw *rw, clockid_t clock, const struct timespec *deadline) {
  if (!clock_is_known(clock)) return EINVAL; /* though it be free, or the caller's */
  return CLOCK_TRY_UNTIL(!is_held_since_fork(rw, thread_ready()), clock, deadline);
}

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t *given) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_rdlock)(given);
  struct rw *const rw = rw_of(given);
  struct thread *const me = enter(rw);
  struct use *const inside = find_inside(me, rw);
  if (inside != NULL) return writer_of(rw) == inside ? EDEADLK : read_again(me, inside);
  struct use *const use = take_use(me, rw);
  if (writer_of(rw) != NULL) thread_count(me, COUNT_RW_CONTENDED);
  FN(rdlock)(rw->lock, &use->ctx);
  return read_in(me, use);
}

EXPORT int pthread_rwlock_tryrdlock(pthread_rwlock_t *given) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_tryrdlock)(given);
  struct rw *const rw = rw_of(given);
  if (is_held_since_fork(rw, thread_ready())) return EBUSY;
  struct thread *const me = enter(rw);
  struct use *const inside = find_inside(me, rw);
  if (inside != NULL) return writer_of(rw) == inside ? EBUSY : read_again(me, inside);
  struct use *const use = take_use(me, rw);
  return try_read(rw, use) ? read_in(me, use) : EBUSY;
}

EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t *given, clockid_t clock, const struct timespec *deadline) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_clockrdlock)(given, clock, deadline);
  struct rw *const rw = rw_of(given);
  int error = wait_for_fork(rw, clock, deadline);
  if (error != 0) return error;
  struct thread *const me = enter(rw);
  struct use *const inside = find_inside(me, rw);
  if (inside != NULL) return writer_of(rw) == inside ? EDEADLK : read_again(me, inside);
  struct use *const use = take_use(me, rw);
  error = CLOCK_TRY_UNTIL(try_read(rw, use), clock, deadline);
  return error == 0 ? read_in(me, use) : error;
}

EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t *given, const struct timespec *deadline) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_timedrdlock)(given, deadline);
  return pthread_rwlock_clockrdlock(given, CLOCK_REALTIME, deadline);
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t *given) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_wrlock)(given);
  struct rw *const rw = rw_of(given);
  struct thread *const me = enter(rw);
  struct use *const inside = find_inside(me, rw);
  if (inside != NULL && writer_of(rw) == inside) return EDEADLK;
  struct use *const use = take_use(me, rw);
  if (writer_of(rw) != NULL) thread_count(me, COUNT_RW_CONTENDED);
  FN(wrlock)(rw->lock, &use->ctx); /* for ever, if the caller reads: as with the system's */
  return write_in(me, rw, use);
}

EXPORT int pthread_rwlock_trywrlock(pthread_rwlock_t *given) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_trywrlock)(given);
  struct rw *const rw = rw_of(given);
  if (is_held_since_fork(rw, thread_ready())) return EBUSY;
  struct thread *const me = enter(rw);
  if (find_inside(me, rw) != NULL) return EBUSY;
  struct use *const use = take_use(me, rw);
  return try_write(rw, use) ? write_in(me, rw, use) : EBUSY;
}

EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t *given, clockid_t clock, const struct timespec *deadline) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_clockwrlock)(given, clock, deadline);
  struct rw *const rw = rw_of(given);
  int error = wait_for_fork(rw, clock, deadline);
  if (error != 0) return error;
  struct thread *const me = enter(rw);
  struct use *const inside = find_inside(me, rw);
  if (inside != NULL && writer_of(rw) == inside) return EDEADLK;
  struct use *const use = take_use(me, rw);
  error = CLOCK_TRY_UNTIL(try_write(rw, use), clock, deadline);
  return error == 0 ? write_in(me, rw, use) : error;
}

EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t *given, const struct timespec *deadline) {
  if (is_shared(given)) return count_system(), SYSTEM(pthread_rwlock_timedwrlock)(given, deadline);
  return pthread_rwlock_clockwrlock(given, CLOCK_REALTIME, deadline);
}

/* Held since before a fork, by the thread that called it. */
LK_COLD static int unlock_in_child(struct rw *rw) {
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  make(process, rw);
  process_leave(process, &signals);
  return 0;
}

EXPORT int pthread_rwlock_unlock(pthread_rwlock_t *given) {
  if (is_shared(given)) return SYSTEM(pthread_rwlock_unlock)(given);
  struct rw *const rw = rw_of(given);
  struct thread *const me = thread_ready();
  if (LK_UNLIKELY(!is_ready(rw, me))) return unlock_in_child(rw);
  struct use *const writer = writer_of(rw), *const inside = writer != NULL ? writer : find_inside(me, rw);
  if (inside == NULL) {
    thread_count(me, COUNT_UNLOCKED_FREE); /* or another thread's reading, which POSIX does not define */
    return 0;
  }
  lock_type *const lock = rw->lock;
  if (writer != NULL) {
    set_writer(rw, NULL);
    inside->depth = 0;
    FN(wrunlock)(lock, &inside->ctx);
  } else if (--inside->depth == 0) {
    FN(rdunlock)(lock, &inside->ctx);
  }
  return 0;
}

EXPORT int pthread_rwlock_init(pthread_rwlock_t *given, const pthread_rwlockattr_t *attributes) {
  int is_shared_wanted = 0;
  if (attributes != NULL) pthread_rwlockattr_getpshared(attributes, &is_shared_wanted);
  if (is_shared_wanted) return SYSTEM(pthread_rwlock_init)(given, attributes);
  memset(given, 0, sizeof *given);
  return 0;
}

EXPORT int pthread_rwlock_destroy(pthread_rwlock_t *given) {
  if (is_shared(given)) return SYSTEM(pthread_rwlock_destroy)(given);
  struct rw *const rw = rw_of(given);
  struct thread *const me = thread_ready();
  if (!is_ready(rw, me)) return 0;
  if (writer_of(rw) != NULL || find_inside(me, rw) != NULL) {
    thread_count(me, COUNT_DESTROYED_HELD);
    return 0; /* as glibc does; who holds it may still leave, and a lock that is made here later gets its object */
  }
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  struct object *const object = memory_object(process, rw, sizeof(lock_type));
  if (object->has_lock) FN(destroy)(object->bytes);
  memory_forget(process, object);
  process_leave(process, &signals);
  memset(given, 0, sizeof *rw);
  return 0;
}
