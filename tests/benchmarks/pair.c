// SPDX-License-Identifier: MIT
/*
 * pair: what a lock and unlock of a mutex that nobody else uses costs in this process, in ns, for exec_overhead.py to
 * run under each lock. With a second thread, which glibc needs to see before it uses atomic instructions, unless told
 * `alone`.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_WARMUP = 1000000, N_PAIRS = 20000000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *sleep_on(void *nothing) {
  for (;;) pause();
  return nothing;
}

static void lock_and_unlock(long n) {
  for (long i = 0; i < n; i++) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
  }
}

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int n_arguments, char **arguments) {
  pthread_t other;
  const int is_alone = n_arguments == 2 && strcmp(arguments[1], "alone") == 0;
  if (!is_alone && pthread_create(&other, NULL, sleep_on, NULL) != 0) return 1;
  lock_and_unlock(N_WARMUP);
  const double start = now_ns();
  lock_and_unlock(N_PAIRS);
  printf("%.3f\n", (now_ns() - start) / N_PAIRS);
  return 0;
}
