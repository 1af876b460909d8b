// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "trap.h"

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static long n_written, n_seen; /* equal but while somebody writes */
static atomic_bool is_there, is_over;

static void *read_and_write(void *given) {
  for (int i = 0; i < 10000; i++) {
    if (i % 10 == 0) {
      REQUIRE(pthread_rwlock_wrlock(given) == 0);
      n_written++;
      n_seen++;
    } else {
      REQUIRE(pthread_rwlock_rdlock(given) == 0);
      REQUIRE(n_written == n_seen);
    }
    REQUIRE(pthread_rwlock_unlock(given) == 0);
  }
  return NULL;
}

static void excludes(void) {
  static pthread_rwlock_t preferring = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
  pthread_rwlock_t *const made = malloc(sizeof *made), *const locks[] = {&lock, &preferring, made};
  REQUIRE(pthread_rwlock_init(made, NULL) == 0);
  for (int i = 0; i < 3; i++) {
    n_written = n_seen = 0;
    const pthread_t other = trap_start(read_and_write, locks[i]);
    read_and_write(locks[i]);
    trap_join(other);
    REQUIRE(n_written == 2000);
  }
  REQUIRE(pthread_rwlock_destroy(made) == 0);
  free(made);
}

static void tries(void) {
  pthread_rwlock_t one = PTHREAD_RWLOCK_INITIALIZER;
  REQUIRE(pthread_rwlock_rdlock(&one) == 0 && pthread_rwlock_rdlock(&one) == 0);
  REQUIRE(pthread_rwlock_tryrdlock(&one) == 0 && pthread_rwlock_trywrlock(&one) == EBUSY);
  for (int i = 0; i < 3; i++) REQUIRE(pthread_rwlock_unlock(&one) == 0);
  REQUIRE(pthread_rwlock_trywrlock(&one) == 0 && pthread_rwlock_tryrdlock(&one) == EBUSY);
  REQUIRE(pthread_rwlock_wrlock(&one) == EDEADLK && pthread_rwlock_rdlock(&one) == EDEADLK);
  REQUIRE(pthread_rwlock_unlock(&one) == 0 && pthread_rwlock_trywrlock(&one) == 0);
  REQUIRE(pthread_rwlock_unlock(&one) == 0);
}

static void *write_once(void *given) {
  atomic_store(&is_there, true);
  REQUIRE(pthread_rwlock_wrlock(given) == 0 && pthread_rwlock_unlock(given) == 0);
  return NULL;
}

/* A thread that reads may read again, though a writer waits. */
static void read_again(void) {
  for (int i = 0; i < 20; i++) {
    atomic_store(&is_there, false);
    REQUIRE(pthread_rwlock_rdlock(&lock) == 0);
    const pthread_t writer = trap_start(write_once, &lock);
    while (!atomic_load(&is_there)) usleep(100);
    usleep(2000); /* which gives it the time to wait; without it the trap is only less likely to spring */
    REQUIRE(pthread_rwlock_rdlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    REQUIRE(pthread_rwlock_unlock(&lock) == 0);
    trap_join(writer);
  }
}

static void *check_deadlines(void *given) {
  const struct timespec soon = trap_in_ms(CLOCK_REALTIME, 30), soon_too = trap_in_ms(CLOCK_MONOTONIC, 30);
  const struct timespec wrong = {0, -1};
  const double start = trap_now();
  REQUIRE(pthread_rwlock_timedrdlock(given, &soon) == ETIMEDOUT && trap_now() - start > 0.029);
  REQUIRE(pthread_rwlock_clockwrlock(given, CLOCK_MONOTONIC, &soon_too) == ETIMEDOUT);
  REQUIRE(pthread_rwlock_timedwrlock(given, &wrong) == EINVAL);
  return NULL;
}

static void deadlines(void) {
  pthread_rwlock_wrlock(&lock);
  trap_join(trap_start(check_deadlines, &lock));
  const struct timespec soon = trap_in_ms(CLOCK_REALTIME, 30); /* a clock that is none comes first */
  REQUIRE(pthread_rwlock_clockrdlock(&lock, CLOCK_PROCESS_CPUTIME_ID, &soon) == EINVAL);
  pthread_rwlock_unlock(&lock);
  const struct timespec later = trap_in_ms(CLOCK_REALTIME, 5000);
  REQUIRE(pthread_rwlock_timedwrlock(&lock, &later) == 0 && pthread_rwlock_unlock(&lock) == 0);
  REQUIRE(pthread_rwlock_timedrdlock(&lock, &later) == 0 && pthread_rwlock_unlock(&lock) == 0);
}

/* More than a thread keeps in mind, in any order, and made and destroyed. */
static void many(void) {
  enum { N = 200 };
  pthread_rwlock_t *const locks = malloc(N * sizeof *locks);
  for (int round = 0; round < 30; round++) {
    for (int i = 0; i < N; i++) REQUIRE(pthread_rwlock_init(&locks[i], NULL) == 0);
    for (int i = 0; i < N; i++)
      REQUIRE((i % 3 == 0 ? pthread_rwlock_wrlock(&locks[i]) : pthread_rwlock_rdlock(&locks[i])) == 0);
    for (int i = 0; i < N; i++) REQUIRE(pthread_rwlock_unlock(&locks[i * 37 % N]) == 0);
    for (int i = 0; i < N; i++)
      REQUIRE(pthread_rwlock_trywrlock(&locks[i]) == 0 && pthread_rwlock_unlock(&locks[i]) == 0);
    for (int i = 0; i < N; i++) REQUIRE(pthread_rwlock_destroy(&locks[i]) == 0);
  }
  free(locks);
}

/* A child has threads of its own. */
static void forked(void) {
  for (int i = 0; i < 20; i++) {
    int status;
    REQUIRE(pthread_rwlock_wrlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    const pid_t child = fork();
    if (child == 0) {
      alarm(60); /* a child that hangs must not stay */
      const pthread_t other = trap_start(read_and_write, &lock);
      read_and_write(&lock);
      trap_join(other);
      _exit(0);
    }
    REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

static void *write_until_over(void *given) {
  REQUIRE(pthread_rwlock_wrlock(given) == 0);
  atomic_store(&is_there, true);
  while (!atomic_load(&is_over)) usleep(100);
  REQUIRE(pthread_rwlock_unlock(given) == 0);
  return NULL;
}

/* As with mutexes: who only tries, or has a deadline, does not wait for a writer of the parent's. */
static void held_at_a_fork(void) {
  int status;
  atomic_store(&is_over, false);
  atomic_store(&is_there, false);
  const pthread_t writer = trap_start(write_until_over, &lock);
  while (!atomic_load(&is_there)) usleep(100);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const struct timespec soon = trap_in_ms(CLOCK_REALTIME, 20), soon_too = trap_in_ms(CLOCK_MONOTONIC, 20);
    REQUIRE(pthread_rwlock_tryrdlock(&lock) == EBUSY && pthread_rwlock_trywrlock(&lock) == EBUSY);
    REQUIRE(pthread_rwlock_timedrdlock(&lock, &soon) == ETIMEDOUT);
    REQUIRE(pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &soon_too) == ETIMEDOUT);
    _exit(0);
  }
  REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  atomic_store(&is_over, true);
  trap_join(writer);
}

static void *come_and_go(void *given) {
  for (int i = 0; i < 20; i++) REQUIRE(pthread_rwlock_rdlock(given) == 0 && pthread_rwlock_unlock(given) == 0);
  return NULL;
}

static void many_threads(void) {
  for (int i = 0; i < 300; i++) {
    const pthread_t other = trap_start(come_and_go, &lock);
    REQUIRE(pthread_rwlock_wrlock(&lock) == 0 && pthread_rwlock_unlock(&lock) == 0);
    trap_join(other);
  }
}

static void *write_and_end(void *given) {
  REQUIRE(pthread_rwlock_wrlock(given) == 0);
  return NULL;
}

/* A mistake that glibc does not see: the lock goes while somebody is inside, and the next one lies where it was. */
static void destroyed_held(void) {
  pthread_rwlock_t *const one = malloc(sizeof *one);
  REQUIRE(pthread_rwlock_init(one, NULL) == 0);
  trap_join(trap_start(write_and_end, one));
  REQUIRE(pthread_rwlock_destroy(one) == 0 && pthread_rwlock_init(one, NULL) == 0);
  REQUIRE(pthread_rwlock_rdlock(one) == 0 && pthread_rwlock_destroy(one) == 0 && pthread_rwlock_unlock(one) == 0);
  REQUIRE(pthread_rwlock_wrlock(one) == 0 && pthread_rwlock_unlock(one) == 0 && pthread_rwlock_destroy(one) == 0);
  free(one);
}

static void use_a_few(void) {
  enum { N = 20 };
  pthread_rwlock_t locks[N];
  for (int i = 0; i < N; i++) REQUIRE(pthread_rwlock_init(&locks[i], NULL) == 0);
  for (int i = 0; i < N; i++)
    REQUIRE((i % 2 == 0 ? pthread_rwlock_rdlock(&locks[i]) : pthread_rwlock_wrlock(&locks[i])) == 0);
  for (int i = 0; i < N; i++) REQUIRE(pthread_rwlock_unlock(&locks[i]) == 0 && pthread_rwlock_destroy(&locks[i]) == 0);
}

static void without_memory(void) { trap_without_memory(use_a_few); }

const struct trap traps_of_rwlocks[] = {{"rw-excludes", excludes},
                                        {"rw-tries", tries},
                                        {"rw-read-again", read_again},
                                        {"rw-deadlines", deadlines},
                                        {"rw-many", many},
                                        {"rw-forked", forked},
                                        {"rw-held-at-a-fork", held_at_a_fork},
                                        {"rw-many-threads", many_threads},
                                        {"rw-destroyed-held", destroyed_held},
                                        {"rw-without-memory", without_memory},
                                        {NULL, NULL}};
