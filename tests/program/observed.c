// SPDX-License-Identifier: MIT
/*
 * observed: does with locks what observe.py knows of: observed WHAT... Who waits is known from glibc's own mark in a
 * mutex (2: held, and somebody sleeps), not from a time that should have been long enough.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

enum { SECTION_MS = 20, N_CROWD = 200, N_CROWD_OF_SPINS = 9000, N_LONG_GAPS = 500, LONG_GAP_NS = 100000 };

static pthread_mutex_t hot = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER, outer, inner;
static pthread_mutex_t crowd[N_CROWD], *waited_for = &hot;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;

static void nap(long ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static struct timespec in_ms(long ms) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  time.tv_sec += ms / 1000;
  time.tv_nsec += ms % 1000 * 1000000;
  if (time.tv_nsec >= 1000000000) time.tv_nsec -= 1000000000, time.tv_sec++;
  return time;
}

static __attribute__((noinline)) void *wait_for_hot(void *nothing) {
  pthread_mutex_lock(waited_for); /* the waiter's */
  pthread_mutex_unlock(waited_for);
  return nothing;
}

static pthread_t start(void *(*run)(void *)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) != 0) exit(1);
  return thread;
}

static __attribute__((noinline)) void hold_hot(void) {
  pthread_mutex_lock(waited_for); /* the holder's */
  const pthread_t waiter = start(wait_for_hot);
  while (*(volatile int *)&waited_for->__data.__lock != 2) nap(1);
  nap(SECTION_MS);
  pthread_mutex_unlock(waited_for);
  pthread_join(waiter, NULL);
}

/* Through a function that only wraps the lock. */
static __attribute__((noinline)) void hot_mutex_lock(void) {
  pthread_mutex_lock(&hot); /* the wrapper's */
  __asm__ volatile("");
}

static __attribute__((noinline)) void *wait_through_wrapper(void *nothing) {
  hot_mutex_lock(); /* the waiter's through it */
  pthread_mutex_unlock(&hot);
  return nothing;
}

static __attribute__((noinline)) void hold_through_wrapper(void) {
  hot_mutex_lock(); /* the holder's through it */
  const pthread_t waiter = start(wait_through_wrapper);
  while (*(volatile int *)&hot.__data.__lock != 2) nap(1);
  nap(SECTION_MS);
  pthread_mutex_unlock(&hot);
  pthread_join(waiter, NULL);
}

/* So often before that there is no time for a look at the stack when it counts. */
static __attribute__((noinline)) void hold_through_wrapper_at_last(void) {
  for (int i = 0; i < 2000; i++) {
    hot_mutex_lock();
    pthread_mutex_unlock(&hot);
  }
  hold_through_wrapper();
}

static void nest(void) {
  pthread_mutex_init(&outer, NULL); /* the outer one's */
  pthread_mutex_init(&inner, NULL); /* the inner one's */
  for (int i = 0; i < 7; i++) {
    pthread_mutex_lock(&outer);
    pthread_mutex_lock(&inner);
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(&outer);
  }
}

static void read_and_write(void) {
  for (int i = 0; i < 10; i++) {
    if (i < 9)
      pthread_rwlock_rdlock(&table); /* the readers' */
    else
      pthread_rwlock_wrlock(&table);
    pthread_rwlock_unlock(&table);
  }
  pthread_rwlock_rdlock(&table);
  pthread_rwlock_tryrdlock(&table);
  if (pthread_rwlock_trywrlock(&table) != EBUSY) exit(1);
  pthread_rwlock_unlock(&table);
  pthread_rwlock_unlock(&table);
}

static void try(void) {
  for (int i = 0; i < 5; i++) {
    const int is_held = i % 2;
    if (is_held) pthread_mutex_lock(&hot);
    if (pthread_mutex_trylock(&hot) != (is_held ? EBUSY : 0)) exit(1);
    pthread_mutex_unlock(&hot);
  }
}

static void wait_until_late(void) {
  const struct timespec soon = in_ms(SECTION_MS);
  pthread_mutex_lock(&hot);
  if (pthread_mutex_timedlock(&hot, &soon) != ETIMEDOUT) exit(1);
  pthread_mutex_unlock(&hot);
}

static void *write_for_ever(void *nothing) {
  pthread_rwlock_wrlock(&table);
  return nothing;
}

static void read_too_late_while_inside(void) {
  const struct timespec soon = in_ms(SECTION_MS);
  pthread_join(start(write_for_ever), NULL);
  pthread_mutex_lock(&outer);
  if (pthread_rwlock_timedrdlock(&table, &soon) != ETIMEDOUT) exit(1);
  pthread_mutex_unlock(&outer);
}

static void wait_for_condition(void) {
  static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
  const struct timespec soon = in_ms(SECTION_MS);
  pthread_mutex_lock(&hot);
  if (pthread_cond_timedwait(&never, &hot, &soon) != ETIMEDOUT) exit(1);
  pthread_mutex_unlock(&hot);
}

static void *lock_other_once(void *nothing) {
  pthread_mutex_lock(&other);
  pthread_mutex_unlock(&other);
  return nothing;
}

static void hand_over(void) {
  for (int i = 0; i < 3; i++) {
    lock_other_once(NULL);
    pthread_join(start(lock_other_once), NULL);
  }
}

static void lock_twice(void) {
  pthread_mutex_t recursive;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  pthread_mutex_init(&recursive, &attributes); /* the recursive one's */
  pthread_mutex_lock(&recursive);
  pthread_mutex_lock(&recursive);
  pthread_mutex_unlock(&recursive);
  pthread_mutex_unlock(&recursive);
}

static void spin(void) {
  pthread_spinlock_t lock;
  pthread_spin_init(&lock, 0); /* the spin lock's */
  for (int i = 0; i < 4; i++) {
    pthread_spin_lock(&lock);
    pthread_spin_unlock(&lock);
  }
}

static void lock_by_c11(void) {
  mtx_t mutex;
  mtx_init(&mutex, mtx_plain); /* C11's */
  mtx_lock(&mutex);            /* C11's lock */
  mtx_unlock(&mutex);
}

/* In a robust mutex there is no room for a note. */
static void lock_robust(void) {
  pthread_mutex_t robust;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes); /* the robust one's */
  for (int i = 0; i < 3; i++) {
    pthread_mutex_lock(&robust);
    pthread_mutex_unlock(&robust);
  }
}

static __attribute__((noinline)) void lock_in_crowd(int i) {
  pthread_mutex_lock(&crowd[i]); /* the crowd's */
  pthread_mutex_unlock(&crowd[i]);
}

static void lock_crowd(void) {
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < N_CROWD; i++) lock_in_crowd(i);
}

static void lock_crowd_and_one_often(void) {
  lock_crowd();
  for (int i = 0; i < 1000; i++) lock_in_crowd(N_CROWD - 1);
}

static void lock_crowd_and_wait_for_one(void) {
  lock_crowd();
  waited_for = &crowd[N_CROWD - 1];
  hold_hot();
  lock_crowd();
}

static void lock_too_many(void) {
  static pthread_spinlock_t crowd[N_CROWD_OF_SPINS];
  for (int i = 0; i < N_CROWD_OF_SPINS; i++) {
    pthread_spin_init(&crowd[i], 0);
    pthread_spin_lock(&crowd[i]);
    pthread_spin_unlock(&crowd[i]);
  }
}

/* A mutex that is moved while it is free, as in an array that grows. */
static void move(void) {
  pthread_mutex_t *const first = malloc(sizeof *first), *const second = malloc(sizeof *second);
  if (first == NULL || second == NULL) exit(1);
  pthread_mutex_init(first, NULL); /* the moved one's */
  pthread_mutex_lock(first);
  pthread_mutex_unlock(first);
  memcpy(second, first, sizeof *second);
  pthread_mutex_lock(second);
  pthread_mutex_unlock(second);
  free(first);
  free(second);
}

static void many(void) {
  for (int i = 0; i < 100000; i++) lock_other_once(NULL);
}

/* Two locks in turns, by one thread. */
static void alternate(void) {
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&hot);
    pthread_mutex_unlock(&hot);
    lock_other_once(NULL);
  }
}

static void fork_children(void) {
  lock_other_once(NULL);
  for (int i = 0; i < 2; i++)
    if (fork() == 0) {
      for (int k = 0; k < 10; k++) lock_other_once(NULL);
      _exit(0);
    }
  while (wait(NULL) > 0) {
  }
}

static void stay(void) {
  for (int i = 0; i < 10; i++) lock_other_once(NULL);
  puts("there");
  fflush(stdout);
  for (;;) pause();
}

static void use_cpu(long ns) {
  struct timespec begin, now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
  do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < ns);
}

static void *lock_after_long_gaps(void *nothing) {
  struct rusage usage;
  for (int i = 0; i < N_LONG_GAPS; i++) {
    use_cpu(LONG_GAP_NS);
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&own);
    pthread_mutex_unlock(&own);
  }
  getrusage(RUSAGE_THREAD, &usage);
  fprintf(stderr, "preempted %ld\n", usage.ru_nivcsw);
  return nothing;
}

/* Two threads that never sleep, on one CPU. */
static void share_a_cpu(void) {
  cpu_set_t cpus, first;
  sched_getaffinity(0, sizeof cpus, &cpus);
  CPU_ZERO(&first);
  for (int cpu = 0; CPU_COUNT(&first) == 0; cpu++)
    if (CPU_ISSET(cpu, &cpus)) CPU_SET(cpu, &first);
  sched_setaffinity(0, sizeof first, &first);
  const pthread_t one = start(lock_after_long_gaps), another = start(lock_after_long_gaps);
  pthread_join(one, NULL);
  pthread_join(another, NULL);
}

/* While it is held, and between: by all names that there are. */
static void give_up_cpu(void) {
  int (*older_yield)(void) = NULL;
  *(void **)&older_yield = dlsym(RTLD_DEFAULT, "pthread_yield"); /* no program is linked to it any more */
  sched_yield();                                                 /* there is no lock yet */
  for (int i = 0; i < 70; i++) {
    pthread_mutex_lock(&hot);
    if (i == 20) nap(2);
    for (int k = 0; k < i % 3; k++) sched_yield();
    if (i % 7 == 0) {
      pthread_mutex_lock(&other);
      thrd_yield();
      pthread_mutex_unlock(&other);
    }
    pthread_mutex_unlock(&hot);
    if (i == 40) nap(2);
    if (i % 5 == 0 && older_yield() != 0) exit(1);
  }
}

static void be_killed(void) {
  lock_other_once(NULL);
  raise(SIGKILL);
}

int main(int n_arguments, char **arguments) {
  static const struct {
    const char *name;
    void (*act)(void);
  } acts[] = {{"contend", hold_hot},
              {"wrapped", hold_through_wrapper},
              {"wrapped-often", hold_through_wrapper_at_last},
              {"nest", nest},
              {"read", read_and_write},
              {"try", try},
              {"late", wait_until_late},
              {"late-inside", read_too_late_while_inside},
              {"condition", wait_for_condition},
              {"hand-over", hand_over},
              {"recursive", lock_twice},
              {"spin", spin},
              {"c11", lock_by_c11},
              {"robust", lock_robust},
              {"crowd", lock_crowd},
              {"crowd-often", lock_crowd_and_one_often},
              {"crowd-waited-for", lock_crowd_and_wait_for_one},
              {"share-cpu", share_a_cpu},
              {"too-many", lock_too_many},
              {"move", move},
              {"many", many},
              {"alternate", alternate},
              {"fork", fork_children},
              {"stay", stay},
              {"give-up-cpu", give_up_cpu},
              {"killed", be_killed}};
  for (int i = 1; i < n_arguments; i++) {
    size_t act = 0;
    while (act < sizeof acts / sizeof *acts && strcmp(acts[act].name, arguments[i]) != 0) act++;
    if (act == sizeof acts / sizeof *acts) return 2;
    acts[act].act();
  }
  return 0;
}
