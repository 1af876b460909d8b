// SPDX-License-Identifier: MIT
/*
 * pair: what a lock and unlock of a mutex that nobody else uses costs in this process, in ns, for exec_overhead.py to
 * run under each lock. With a second thread, which glibc needs to see before it uses atomic instructions, unless told
 * `alone`. Nothing makes a pair faster than it is, and much slower what runs beside it: so the least of many blocks,
 * each shorter than a time slice, is told.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { N_BLOCKS = 400, N_PAIRS = 20000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *sleep_on(void *nothing) {
  for (;;) pause();
  return nothing;
}

static void lock_and_unlock(void) {
  for (int i = 0; i < N_PAIRS; i++) {
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
  double least_ns = INFINITY;
  for (int block = 0; block < N_BLOCKS; block++) {
    const double start = now_ns();
    lock_and_unlock();
    least_ns = fmin(least_ns, now_ns() - start);
  }
  printf("%.3f\n", least_ns / N_PAIRS);
  return 0;
}
