// SPDX-License-Identifier: MIT
/*
 * trap.h: uses of mutexes and conditions that are legal, or common all the same, and over which libraries that replace
 * locks have stumbled. Each is a function; the program ends with 1 and a line at the first thing that is not as it is
 * with glibc's own locks.
 */
#ifndef TRAP_H
#define TRAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct trap {
  const char *name;
  void (*spring)(void);
};

/* A row without a name ends each. */
extern const struct trap traps_of_mutexes[], traps_of_conditions[], traps_of_processes[], traps_of_rwlocks[];

#define REQUIRE(condition)                                                                                             \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: wanted: %s\n", __FILE__, __LINE__, #condition);                                          \
      _exit(1);                                                                                                        \
    }                                                                                                                  \
  } while (0)

static inline struct timespec trap_in_ms(clockid_t clock, long ms) {
  struct timespec time;
  clock_gettime(clock, &time);
  time.tv_sec += ms / 1000;
  time.tv_nsec += ms % 1000 * 1000000;
  if (time.tv_nsec >= 1000000000) time.tv_nsec -= 1000000000, time.tv_sec++;
  return time;
}

static inline double trap_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static inline pthread_t trap_start(void *(*run)(void *), void *argument) {
  pthread_t thread;
  REQUIRE(pthread_create(&thread, NULL, run, argument) == 0);
  return thread;
}

static inline void trap_join(pthread_t thread) { REQUIRE(pthread_join(thread, NULL) == 0); }

/* In the child of a fork, which has to set up all that it needs for its first lock, when the process gets no more
 * memory.
 */
static inline void trap_without_memory(void (*use)(void)) {
  const struct rlimit none = {0, RLIM_INFINITY};
  int status;
  const pid_t child = fork();
  if (child == 0) {
    REQUIRE(setrlimit(RLIMIT_AS, &none) == 0);
    REQUIRE(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    use();
    _exit(0);
  }
  REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#endif
