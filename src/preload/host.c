// SPDX-License-Identifier: MIT
/*
 * host.c: the template that becomes one shared object per mutex. Compiled with -DLK=<name> it includes that lock's
 * header and puts the lock, inlined, in the place of the program's mutexes and, where a word is room enough, of its
 * spin locks. What does not depend on the lock is in the files beside it.
 *
 * The fast path looks at one line of the mutex: whether the kind is plain, and whether the lock is made ready in this
 * process. Everything else goes through one of the functions called *_slow.
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
#include "mutex.h"
#include "process.h"
#include "stop.h"
#include "system.h"
#include "the_lock.h"
#include "thread.h"

#if FN(has_heap)
enum { HAS_HEAP = true };
#else
enum { HAS_HEAP = false };
#endif

enum {
  IS_BESIDE = HAS_HEAP || sizeof(lock_type) > MUTEX_ROOM || _Alignof(lock_type) > _Alignof(struct mutex),
  HAS_CONTEXT = sizeof(ctx_type) > 1,
  CAN_FREE = (FN(traits) & LK_FREED_BY_LAST) != 0, /* unlock does not touch a lock that somebody destroys behind it */
  SERVES_SPINS =
      !IS_BESIDE && !HAS_CONTEXT && sizeof(lock_type) <= sizeof(pthread_spinlock_t) &&
      !(FN(traits) & LK_PARKS), /* a word that sleepers wait on may be shared by processes, and ours is not */
};

/* In the room of a mutex whose lock lies beside it. A mutex that was copied has the address of another in it. */
struct beside {
  lock_type *lock;
  const struct mutex *self;
};
_Static_assert(sizeof(struct beside) <= MUTEX_ROOM, "an object's address fits");

static ALWAYS_INLINE struct beside *beside_of(struct mutex *mutex) { return (struct beside *)(void *)mutex->room; }

static ALWAYS_INLINE lock_type *lock_of(struct mutex *mutex) {
  return IS_BESIDE ? beside_of(mutex)->lock : (lock_type *)(void *)mutex->room;
}

static ALWAYS_INLINE bool is_ready(struct mutex *mutex, const struct thread *me) {
  /* Acquire: pairs with the release in make, after which the lock is as init left it. */
  return atomic_load_explicit(&mutex->generation, memory_order_acquire) == thread_generation(me) &&
         (!IS_BESIDE || beside_of(mutex)->self == mutex);
}

/* A zeroed lock is a free one unless init writes something else; then each mutex is made ready when it is first used.
 */
static bool is_free_when_zero(void) {
  const struct lk_config config = lk_config_default(1, 1);
  union {
    lock_type lock;
    unsigned char bytes[sizeof(lock_type)];
  } made;
  if (IS_BESIDE) return false;
  memset(&made, 0, sizeof made);
  (void)FN(init)(&made.lock, &config);
  for (size_t i = 0; i < sizeof made.bytes; i++)
    if (made.bytes[i] != 0) return false;
  return true;
}

uint32_t host_first_generation(void) { return is_free_when_zero() ? 0 : 1; }

/* Who holds it, as far as can be seen without holding it oneself. */
static ALWAYS_INLINE void *holder_of(const struct mutex *mutex) {
  /* Relaxed: only the owner relies on it, and has written it. */
  return atomic_load_explicit(&mutex->holder, memory_order_relaxed);
}

static ALWAYS_INLINE void set_holder(struct mutex *mutex, void *holder) {
  atomic_store_explicit(&mutex->holder, holder, memory_order_relaxed); /* as above */
}

/* Contexts: one for each acquisition, from a list of the thread's. Whoever unlocks, which need not be who locked, takes
   it into its own list. Where init comes anew each time, the list needs no room beside the context. */
#if FN(ctx_is_any)
enum { CONTEXT_IS_ANY = true };
struct context {
  ctx_type ctx;
  struct context *next;
};
#else
enum { CONTEXT_IS_ANY = false };
struct context {
  union {
    ctx_type ctx;
    struct context *next;
  };
};
#endif

enum { CONTEXTS_AT_A_TIME = 16 };

static ctx_type no_context;

LK_COLD static struct context *make_contexts(struct thread *me, lock_type *lock) {
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  struct context *const made = memory_take(CONTEXTS_AT_A_TIME * sizeof *made);
  for (int i = 0; i < CONTEXTS_AT_A_TIME; i++) {
    if (CONTEXT_IS_ANY && !FN(ctx_init)(lock, &made[i].ctx, NULL)) stop(QUOTE(LK) " has no context for a thread");
    made[i].next = i + 1 < CONTEXTS_AT_A_TIME ? &made[i + 1] : me->contexts;
  }
  process_leave(process, &signals);
  return me->contexts = made;
}

static ALWAYS_INLINE ctx_type *take_context(struct thread *me, lock_type *lock) {
  if (!HAS_CONTEXT) return &no_context;
  struct context *context = me->contexts;
  if (LK_UNLIKELY(context == NULL)) context = make_contexts(me, lock);
  me->contexts = context->next;
  if (!CONTEXT_IS_ANY && LK_UNLIKELY(!FN(ctx_init)(lock, &context->ctx, NULL)))
    stop(QUOTE(LK) " has no context for a thread");
  return &context->ctx;
}

static ALWAYS_INLINE void give_context(struct thread *me, ctx_type *ctx) {
  if (!HAS_CONTEXT) return;
  struct context *const context = (struct context *)(void *)ctx;
  context->next = me->contexts;
  me->contexts = context;
}

/* A context that is any lock's may still be the ended thread's in another way: pi_futex has the thread's number in it.
 */
void host_renew_contexts(struct thread *thread) {
  if (!CONTEXT_IS_ANY) return;
  for (struct context *context = thread->contexts; context != NULL; context = context->next) {
    FN(ctx_destroy)(NULL, &context->ctx);
    if (!FN(ctx_init)(NULL, &context->ctx, NULL)) stop(QUOTE(LK) " has no context for a thread");
  }
}

static ALWAYS_INLINE void acquire_mutex(struct mutex *mutex, struct thread *me) {
  lock_type *const lock = lock_of(mutex);
  ctx_type *const ctx = take_context(me, lock);
  thread_count(me, COUNT_ACQUIRED);
  if (LK_UNLIKELY(holder_of(mutex) != NULL)) thread_count(me, COUNT_CONTENDED);
  FN(lock)(lock, ctx);
  set_holder(mutex, ctx);
}

static ALWAYS_INLINE bool try_acquire_mutex(struct mutex *mutex, struct thread *me) {
#if FN(no_trylock)
  (void)mutex, (void)me;
  stop(QUOTE(LK) " has no trylock, and the program tries or waits with a deadline: choose another lock");
#else
  lock_type *const lock = lock_of(mutex);
  ctx_type *const ctx = take_context(me, lock);
  if (!FN(trylock)(lock, ctx)) {
    give_context(me, ctx);
    return false;
  }
  thread_count(me, COUNT_ACQUIRED);
  set_holder(mutex, ctx);
  return true;
#endif
}

static ALWAYS_INLINE int release_mutex(struct mutex *mutex, struct thread *me) {
  ctx_type *const ctx = holder_of(mutex);
  if (LK_UNLIKELY(ctx == NULL)) {
    thread_count(me, COUNT_UNLOCKED_FREE);
    return 0; /* as glibc does */
  }
  set_holder(mutex, NULL);
  FN(unlock)(lock_of(mutex), ctx);
  give_context(me, ctx);
  return 0;
}

/* Under the guard. */
static const struct lk_config *config_of_process(void) {
  static struct lk_config config;
  enum { MOST_THREADS = 4096 };
  if (config.n_threads == 0) {
    cpu_set_t cpus;
    const int caller_errno = errno;
    const int n_cpus = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    errno = caller_errno;
    config = lk_config_default(MOST_THREADS, (unsigned)n_cpus);
  }
  return &config;
}

/* Under the guard: the lock of a mutex that nobody holds, or that only a parent process knows. */
static void make(struct process *process, struct mutex *mutex) {
  if (IS_BESIDE) {
    struct object *const object = memory_object(process, mutex, sizeof(lock_type));
    if (object->has_lock && !CAN_FREE) {
      object->address = NULL; /* a late unlock may still be in it: it is never used again */
      make(process, mutex);
      return;
    }
    if (object->has_lock) FN(destroy)(object->bytes);
    object->has_lock = true;
    *beside_of(mutex) = (struct beside){.lock = object->bytes, .self = mutex};
  }
  if (!FN(init)(lock_of(mutex), config_of_process())) stop(QUOTE(LK) " cannot be made");
  set_holder(mutex, NULL);
  atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed); /* as holder */
  mutex->depth = 0;
  /* Release: pairs with the acquire in is_ready. */
  atomic_store_explicit(&mutex->generation, process->generation, memory_order_release);
}

/* A copy of a mutex whose lock lies beside it is held by nobody. */
static bool is_held(struct mutex *mutex) {
  return (!IS_BESIDE || beside_of(mutex)->self == mutex) && holder_of(mutex) != NULL;
}

/* By a thread of the parent's, or by the one that called fork. */
static bool is_held_since_fork(struct mutex *mutex, const struct thread *me) {
  return !is_ready(mutex, me) && is_held(mutex);
}

/*
 * Makes a lock ready that was never used, or last used before a fork. Then those who waited for it are in the parent,
 * and what they left in the lock must go: a free lock is made anew at once. One that was held is left to the thread
 * which called fork, if it is that one's, to unlock; else it is held for ever, as it would be with the system's
 * mutexes.
 */
LK_COLD static void adopt(struct mutex *mutex, const struct thread *me) {
  struct process *const process = process_ready();
  while (!is_ready(mutex, me)) {
    sigset_t signals;
    process_enter(process, &signals);
    const bool is_free = !is_held(mutex);
    if (is_free && !is_ready(mutex, me)) make(process, mutex);
    process_leave(process, &signals);
    if (!is_free) clock_nap(1000000);
  }
}

static bool is_own(const struct mutex *mutex) {
  /* Relaxed: only the calling thread writes its own number there. */
  return !mutex_is_plain(mutex) && atomic_load_explicit(&mutex->owner, memory_order_relaxed) == thread_number;
}

static void own(struct mutex *mutex) {
  if (!mutex_is_plain(mutex))
    atomic_store_explicit(&mutex->owner, thread_number, memory_order_relaxed); /* see is_own */
}

/* Of a mutex that the caller has already: again if it is recursive, else the error. */
static int acquire_again(struct mutex *mutex, struct thread *me, int error) {
  if (mutex->kind != PTHREAD_MUTEX_RECURSIVE_NP) return error;
  if (mutex->depth == UINT32_MAX) return EAGAIN;
  mutex->depth++;
  thread_count(me, COUNT_ACQUIRED);
  return 0;
}

LK_COLD static int lock_slow(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_ready();
  if (!mutex_is_ours(mutex)) {
    thread_count(me, COUNT_SYSTEM);
    return SYSTEM(pthread_mutex_lock)(given);
  }
  if (is_own(mutex)) return acquire_again(mutex, me, EDEADLK);
  adopt(mutex, me);
  acquire_mutex(mutex, me);
  own(mutex);
  return 0;
}

LK_COLD static int trylock_slow(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_ready();
  if (!mutex_is_ours(mutex)) {
    thread_count(me, COUNT_SYSTEM);
    return SYSTEM(pthread_mutex_trylock)(given);
  }
  thread_count(me, COUNT_TRIED);
  if (is_own(mutex)) return acquire_again(mutex, me, EBUSY);
  if (is_held_since_fork(mutex, me)) return EBUSY;
  adopt(mutex, me);
  if (!try_acquire_mutex(mutex, me)) return EBUSY;
  own(mutex);
  return 0;
}

LK_COLD static int unlock_slow(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  if (!mutex_is_ours(mutex)) return SYSTEM(pthread_mutex_unlock)(given);
  struct thread *const me = thread_ready();
  if (!mutex_is_plain(mutex)) {
    if (!is_own(mutex)) return EPERM;
    if (mutex->depth > 0) {
      mutex->depth--;
      return 0;
    }
    atomic_store_explicit(&mutex->owner, 0, memory_order_relaxed); /* see is_own */
  }
  if (is_ready(mutex, me) || holder_of(mutex) == NULL) return release_mutex(mutex, me);
  /* Held since before a fork: those that wait for it, and the context, are the parent's. */
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  make(process, mutex);
  process_leave(process, &signals);
  return 0;
}

EXPORT int pthread_mutex_lock(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_self;
  if (LK_UNLIKELY(!mutex_is_plain(mutex) || !is_ready(mutex, me))) return lock_slow(given);
  acquire_mutex(mutex, me);
  return 0;
}

EXPORT int pthread_mutex_trylock(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_self;
  if (LK_UNLIKELY(!mutex_is_plain(mutex) || !is_ready(mutex, me))) return trylock_slow(given);
  thread_count(me, COUNT_TRIED);
  return try_acquire_mutex(mutex, me) ? 0 : EBUSY;
}

EXPORT int pthread_mutex_unlock(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_self;
  if (LK_UNLIKELY(!mutex_is_plain(mutex) || !is_ready(mutex, me))) return unlock_slow(given);
  return release_mutex(mutex, me);
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t *given, clockid_t clock, const struct timespec *deadline) {
  struct mutex *const mutex = mutex_of(given);
  struct thread *const me = thread_ready();
  if (!mutex_is_ours(mutex)) {
    thread_count(me, COUNT_SYSTEM);
    return SYSTEM(pthread_mutex_clocklock)(given, clock, deadline);
  }
  if (!clock_is_known(clock)) return EINVAL; /* though it be free, or the caller's */
  thread_count(me, COUNT_TIMED);
  if (is_own(mutex)) return acquire_again(mutex, me, EDEADLK);
  int error = CLOCK_TRY_UNTIL(!is_held_since_fork(mutex, me), clock, deadline);
  if (error != 0) return error;
  adopt(mutex, me);
  error = CLOCK_TRY_UNTIL(try_acquire_mutex(mutex, me), clock, deadline);
  if (error == 0) own(mutex);
  return error;
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t *given, const struct timespec *deadline) {
  if (mutex_is_ours(mutex_of(given))) return pthread_mutex_clocklock(given, CLOCK_REALTIME, deadline);
  thread_count(thread_ready(), COUNT_SYSTEM);
  return SYSTEM(pthread_mutex_timedlock)(given, deadline);
}

EXPORT int pthread_mutex_init(pthread_mutex_t *given, const pthread_mutexattr_t *attributes) {
  int type = PTHREAD_MUTEX_TIMED_NP, is_shared = 0, is_robust = 0, protocol = 0;
  if (attributes != NULL) {
    pthread_mutexattr_gettype(attributes, &type);
    pthread_mutexattr_getpshared(attributes, &is_shared);
    pthread_mutexattr_getrobust(attributes, &is_robust);
    pthread_mutexattr_getprotocol(attributes, &protocol);
    if (is_shared || is_robust || protocol != PTHREAD_PRIO_NONE) return SYSTEM(pthread_mutex_init)(given, attributes);
  }
  memset(given, 0, sizeof *given);
  mutex_of(given)->kind = type;
  return 0;
}

EXPORT int pthread_mutex_destroy(pthread_mutex_t *given) {
  struct mutex *const mutex = mutex_of(given);
  if (!mutex_is_ours(mutex)) return SYSTEM(pthread_mutex_destroy)(given);
  struct thread *const me = thread_ready();
  if (!is_ready(mutex, me)) return 0;
  if (holder_of(mutex) != NULL) {
    thread_count(me, COUNT_DESTROYED_HELD);
    return EBUSY;
  }
  if (IS_BESIDE && CAN_FREE) {
    struct process *const process = process_ready();
    sigset_t signals;
    process_enter(process, &signals);
    struct object *const object = memory_object(process, mutex, sizeof(lock_type));
    if (object->has_lock) FN(destroy)(object->bytes);
    memory_forget(process, object);
    process_leave(process, &signals);
  }
  memset(mutex->room, 0, sizeof mutex->room);
  atomic_store_explicit(&mutex->generation, 0, memory_order_relaxed); /* nobody may use it now */
  return 0;
}

/* For spin locks a mutex's bookkeeping has no room: no holder, no generation. */
static ALWAYS_INLINE lock_type *lock_of_spin(pthread_spinlock_t *spin) { return (lock_type *)(uintptr_t)spin; }

EXPORT int pthread_spin_init(pthread_spinlock_t *spin, int is_shared) {
  if (!SERVES_SPINS) return SYSTEM(pthread_spin_init)(spin, is_shared);
  *spin = 0;
  return 0;
}

EXPORT int pthread_spin_destroy(pthread_spinlock_t *spin) {
  return SERVES_SPINS ? 0 : SYSTEM(pthread_spin_destroy)(spin);
}

EXPORT int pthread_spin_lock(pthread_spinlock_t *spin) {
  thread_count(thread_ready(), SERVES_SPINS ? COUNT_SPIN : COUNT_SPIN_SYSTEM);
  if (!SERVES_SPINS) return SYSTEM(pthread_spin_lock)(spin);
  FN(lock)(lock_of_spin(spin), &no_context);
  return 0;
}

EXPORT int pthread_spin_trylock(pthread_spinlock_t *spin) {
  thread_count(thread_ready(), SERVES_SPINS ? COUNT_SPIN : COUNT_SPIN_SYSTEM);
#if !FN(no_trylock)
  if (SERVES_SPINS) return FN(trylock)(lock_of_spin(spin), &no_context) ? 0 : EBUSY;
#endif
  return SYSTEM(pthread_spin_trylock)(spin);
}

EXPORT int pthread_spin_unlock(pthread_spinlock_t *spin) {
  if (!SERVES_SPINS) return SYSTEM(pthread_spin_unlock)(spin);
  FN(unlock)(lock_of_spin(spin), &no_context);
  return 0;
}
