// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>

#include "trap.h"

static pthread_mutex_t shared = PTHREAD_MUTEX_INITIALIZER;
static long n_inside; /* guarded by it */
static atomic_bool is_held, is_told;

static void init_as(pthread_mutex_t *mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  REQUIRE(pthread_mutexattr_settype(&attributes, type) == 0);
  REQUIRE(pthread_mutex_init(mutex, &attributes) == 0);
  pthread_mutexattr_destroy(&attributes);
}

static void *add_up(void *mutex) {
  for (int i = 0; i < 20000; i++) {
    REQUIRE(pthread_mutex_lock(mutex) == 0);
    n_inside++;
    REQUIRE(pthread_mutex_unlock(mutex) == 0);
  }
  return NULL;
}

static void count_with(pthread_mutex_t *mutex) {
  n_inside = 0;
  const pthread_t other = trap_start(add_up, mutex);
  add_up(mutex);
  trap_join(other);
  REQUIRE(n_inside == 40000);
}

static void excludes(void) {
  pthread_mutex_t initialised, adaptive;
  REQUIRE(pthread_mutex_init(&initialised, NULL) == 0);
  init_as(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
  count_with(&shared);
  count_with(&initialised);
  count_with(&adaptive);
  REQUIRE(pthread_mutex_destroy(&initialised) == 0 && pthread_mutex_destroy(&adaptive) == 0);
}

static void *unlock_it(void *mutex) {
  pthread_mutex_unlock(mutex);
  return NULL;
}

/* Undefined, and done all the same: another thread unlocks. */
static void as_semaphore(void) {
  for (int i = 0; i < 300; i++) {
    pthread_mutex_lock(&shared);
    const pthread_t other = trap_start(unlock_it, &shared);
    pthread_mutex_lock(&shared);
    pthread_mutex_unlock(&shared);
    trap_join(other);
  }
}

static void *lock_twice(void *mutex) {
  pthread_mutex_lock(mutex);
  atomic_store(&is_held, true);
  pthread_mutex_lock(mutex);
  atomic_store(&is_told, true);
  pthread_mutex_unlock(mutex);
  return NULL;
}

/* A normal mutex makes its own thread wait as any other: here until one that may not do so unlocks. */
static void locked_twice(void) {
  pthread_mutex_t mutex;
  init_as(&mutex, PTHREAD_MUTEX_NORMAL);
  atomic_store(&is_held, false);
  atomic_store(&is_told, false);
  const pthread_t thread = trap_start(lock_twice, &mutex);
  while (!atomic_load(&is_held)) usleep(100);
  usleep(20000); /* in which it comes to wait */
  REQUIRE(!atomic_load(&is_told));
  pthread_mutex_unlock(&mutex);
  trap_join(thread);
  REQUIRE(pthread_mutex_destroy(&mutex) == 0);
}

static void any_order(void) {
  enum { N = 100 };
  pthread_mutex_t mutexes[N];
  for (int i = 0; i < N; i++) pthread_mutex_init(&mutexes[i], NULL);
  for (int round = 0; round < 100; round++) {
    for (int i = 0; i < N; i++) pthread_mutex_lock(&mutexes[i]);
    for (int i = 0; i < N; i++) pthread_mutex_unlock(&mutexes[i * 37 % N]);
  }
  for (int i = 0; i < 10000; i++) { /* hand over hand */
    pthread_mutex_lock(&mutexes[i % N]);
    if (i > 0) pthread_mutex_unlock(&mutexes[(i - 1) % N]);
  }
}

static void *try_it(void *mutex) { return (void *)(long)pthread_mutex_trylock(mutex); }

static long try_elsewhere(pthread_mutex_t *mutex) {
  void *error;
  REQUIRE(pthread_join(trap_start(try_it, mutex), &error) == 0);
  return (long)error;
}

static void check_recursive(pthread_mutex_t *mutex) {
  REQUIRE(pthread_mutex_lock(mutex) == 0 && pthread_mutex_lock(mutex) == 0 && pthread_mutex_trylock(mutex) == 0);
  for (int i = 0; i < 3; i++) {
    REQUIRE(try_elsewhere(mutex) == EBUSY);
    REQUIRE(pthread_mutex_unlock(mutex) == 0);
  }
  REQUIRE(pthread_mutex_unlock(mutex) == EPERM);
  count_with(mutex);
}

static void recursive(void) {
  static pthread_mutex_t constant = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutex_t mutex;
  init_as(&mutex, PTHREAD_MUTEX_RECURSIVE);
  check_recursive(&mutex);
  check_recursive(&constant);
}

static void error_checking(void) {
  static pthread_mutex_t constant = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  pthread_mutex_t mutex, *const both[] = {&mutex, &constant};
  init_as(&mutex, PTHREAD_MUTEX_ERRORCHECK);
  for (int i = 0; i < 2; i++) {
    const struct timespec soon = trap_in_ms(CLOCK_REALTIME, 10);
    REQUIRE(pthread_mutex_unlock(both[i]) == EPERM);
    REQUIRE(pthread_mutex_lock(both[i]) == 0);
    REQUIRE(pthread_mutex_lock(both[i]) == EDEADLK);
    REQUIRE(pthread_mutex_timedlock(both[i], &soon) == EDEADLK);
    REQUIRE(pthread_mutex_clocklock(both[i], CLOCK_PROCESS_CPUTIME_ID, &soon) == EINVAL);
    REQUIRE(pthread_mutex_trylock(both[i]) == EBUSY);
    REQUIRE(pthread_mutex_unlock(both[i]) == 0);
    count_with(both[i]);
  }
}

/* Kinds that must stay what they are. */
static void inherits_priority(void) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t mutex;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  REQUIRE(pthread_mutex_init(&mutex, &attributes) == 0);
  REQUIRE(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_trylock(&mutex) == EBUSY &&
          pthread_mutex_unlock(&mutex) == 0);
}

/* Never initialised, as std::mutex: zero bytes are a free mutex. */
static void zeroed(void) {
  for (int i = 0; i < 1000; i++) {
    pthread_mutex_t *const mutex = calloc(1, sizeof *mutex);
    pthread_mutex_lock(mutex);
    REQUIRE(pthread_mutex_trylock(mutex) == EBUSY);
    pthread_mutex_unlock(mutex);
    free(mutex);
  }
}

/* Undefined, and common: memory is used again though the mutex in it was neither unlocked nor destroyed. */
static void reused(void) {
  pthread_mutex_t *const mutex = malloc(sizeof *mutex);
  for (int i = 0; i < 1000; i++) {
    memset(mutex, 0xa5, sizeof *mutex);
    *mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(mutex);
    if (i % 2 == 0)
      memset(mutex, 0, sizeof *mutex);
    else
      pthread_mutex_init(mutex, NULL);
    REQUIRE(pthread_mutex_trylock(mutex) == 0);
  }
  free(mutex);
}

/* Undefined, and common: a free mutex moves with the memory that it lies in (realloc). */
static void copied(void) {
  pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b;
  pthread_mutex_lock(&a), pthread_mutex_unlock(&a);
  memcpy(&b, &a, sizeof a);
  pthread_mutex_lock(&a);
  REQUIRE(pthread_mutex_trylock(&b) == 0);
  REQUIRE(pthread_mutex_trylock(&a) == EBUSY);
  pthread_mutex_unlock(&b), pthread_mutex_unlock(&a);
}

static void trylock(void) {
  errno = 77;
  pthread_mutex_lock(&shared);
  REQUIRE(pthread_mutex_trylock(&shared) == EBUSY && try_elsewhere(&shared) == EBUSY);
  pthread_mutex_unlock(&shared);
  REQUIRE(pthread_mutex_trylock(&shared) == 0);
  pthread_mutex_unlock(&shared);
  REQUIRE(errno == 77);
}

static void *hold_until_told(void *mutex) {
  pthread_mutex_lock(mutex);
  atomic_store(&is_held, true);
  while (!atomic_load(&is_told)) usleep(1000);
  pthread_mutex_unlock(mutex);
  return NULL;
}

static void deadlines(void) {
  atomic_store(&is_held, false);
  atomic_store(&is_told, false);
  const pthread_t holder = trap_start(hold_until_told, &shared);
  while (!atomic_load(&is_held)) usleep(100);
  const double start = trap_now();
  struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 50);
  REQUIRE(pthread_mutex_timedlock(&shared, &deadline) == ETIMEDOUT);
  deadline = trap_in_ms(CLOCK_MONOTONIC, 30);
  REQUIRE(pthread_mutex_clocklock(&shared, CLOCK_MONOTONIC, &deadline) == ETIMEDOUT);
  REQUIRE(trap_now() - start > 0.079);
  deadline.tv_nsec = 1000000000;
  REQUIRE(pthread_mutex_timedlock(&shared, &deadline) == EINVAL);
  atomic_store(&is_told, true);
  deadline = trap_in_ms(CLOCK_REALTIME, 60000);
  REQUIRE(pthread_mutex_timedlock(&shared, &deadline) == 0);
  pthread_mutex_unlock(&shared);
  trap_join(holder);
  REQUIRE(pthread_mutex_clocklock(&shared, CLOCK_PROCESS_CPUTIME_ID, &deadline) == EINVAL); /* though it is free */
}

/* Counted by references: whoever is last unmaps the memory while others may still be on their way out of unlock. */
struct counted {
  pthread_mutex_t mutex;
  int n_references;
};

static void *drop(void *argument) {
  struct counted *const object = argument;
  pthread_mutex_lock(&object->mutex);
  const bool is_last = --object->n_references == 0;
  pthread_mutex_unlock(&object->mutex);
  if (!is_last) return NULL;
  pthread_mutex_destroy(&object->mutex);
  munmap(object, sizeof *object);
  return NULL;
}

static void freed_by_last(void) {
  for (int i = 0; i < 1000; i++) {
    struct counted *const object =
        mmap(NULL, sizeof *object, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_init(&object->mutex, NULL);
    object->n_references = 3;
    const pthread_t a = trap_start(drop, object), b = trap_start(drop, object);
    drop(object);
    trap_join(a), trap_join(b);
  }
}

static void many_made(void) {
  for (int i = 0; i < 50000; i++) {
    pthread_mutex_t *const mutex = malloc(sizeof *mutex);
    REQUIRE(pthread_mutex_init(mutex, NULL) == 0);
    pthread_mutex_lock(mutex), pthread_mutex_unlock(mutex);
    REQUIRE(pthread_mutex_destroy(mutex) == 0);
    free(mutex);
  }
}

static void c11(void) {
  mtx_t mutex;
  cnd_t cond;
  REQUIRE(mtx_init(&mutex, mtx_plain | mtx_timed) == thrd_success && cnd_init(&cond) == thrd_success);
  REQUIRE(mtx_lock(&mutex) == thrd_success && mtx_trylock(&mutex) == thrd_busy);
  struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 20);
  REQUIRE(cnd_timedwait(&cond, &mutex, &deadline) == thrd_timedout && mtx_trylock(&mutex) == thrd_busy);
  REQUIRE(cnd_signal(&cond) == thrd_success && mtx_unlock(&mutex) == thrd_success);
  mtx_destroy(&mutex), cnd_destroy(&cond);
  REQUIRE(mtx_init(&mutex, mtx_recursive) == thrd_success);
  REQUIRE(mtx_lock(&mutex) == thrd_success && mtx_lock(&mutex) == thrd_success);
  REQUIRE(mtx_unlock(&mutex) == thrd_success && mtx_unlock(&mutex) == thrd_success);
}

static pthread_spinlock_t spin;

static void *spin_up(void *nothing) {
  for (int i = 0; i < 20000; i++) {
    pthread_spin_lock(&spin);
    n_inside++;
    pthread_spin_unlock(&spin);
  }
  return nothing;
}

static void spin_locks(void) {
  REQUIRE(pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE) == 0);
  REQUIRE(pthread_spin_trylock(&spin) == 0 && pthread_spin_trylock(&spin) == EBUSY && pthread_spin_unlock(&spin) == 0);
  n_inside = 0;
  const pthread_t other = trap_start(spin_up, NULL);
  spin_up(NULL);
  trap_join(other);
  REQUIRE(n_inside == 40000 && pthread_spin_destroy(&spin) == 0);
}

static void use_a_few(void) {
  pthread_mutex_t mutexes[20];
  init_as(&mutexes[0], PTHREAD_MUTEX_RECURSIVE);
  init_as(&mutexes[1], PTHREAD_MUTEX_ERRORCHECK);
  for (int i = 2; i < 20; i++) REQUIRE(pthread_mutex_init(&mutexes[i], NULL) == 0);
  for (int i = 0; i < 20; i++) REQUIRE(pthread_mutex_lock(&mutexes[i]) == 0);
  for (int i = 0; i < 20; i++) REQUIRE(pthread_mutex_unlock(&mutexes[i]) == 0);
  for (int i = 0; i < 20; i++) REQUIRE(pthread_mutex_destroy(&mutexes[i]) == 0);
}

static void without_memory(void) { trap_without_memory(use_a_few); }

const struct trap traps_of_mutexes[] = {{"excludes", excludes},
                                        {"as-semaphore", as_semaphore},
                                        {"locked-twice", locked_twice},
                                        {"any-order", any_order},
                                        {"recursive", recursive},
                                        {"error-checking", error_checking},
                                        {"inherits-priority", inherits_priority},
                                        {"zeroed", zeroed},
                                        {"reused", reused},
                                        {"copied", copied},
                                        {"trylock", trylock},
                                        {"deadlines", deadlines},
                                        {"freed-by-last", freed_by_last},
                                        {"many-made", many_made},
                                        {"c11", c11},
                                        {"spin-locks", spin_locks},
                                        {"without-memory", without_memory},
                                        {NULL, NULL}};
