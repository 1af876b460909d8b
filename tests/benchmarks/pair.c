// SPDX-License-Identifier: MIT
/*
 * pair: what a lock and unlock of a mutex that nobody else uses costs in this process, in ns, for exec_overhead.py to
 * run under each lock. With a second thread, which glibc needs to see before it uses atomic instructions, unless told
 * `alone`. Nothing makes a pair faster than it is, and much slower what runs beside it: so the least of several blocks,
 * each shorter than a time slice, is taken. A mutex that lies as far into its page as what exec writes into another one
 * takes longer, see preload/page.h: so there is one on each line of a page, and the median is told, and the longest.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, LINE_BYTES = 64, N_PLACES = PAGE_BYTES / LINE_BYTES, N_BLOCKS = 8, N_PAIRS = 16000 };

static struct place {
  _Alignas(LINE_BYTES) pthread_mutex_t mutex; /* zero: free */
} places[N_PLACES] __attribute__((aligned(PAGE_BYTES)));

static void *sleep_on(void *nothing) {
  for (;;) pause();
  return nothing;
}

static void lock_and_unlock(pthread_mutex_t *mutex) {
  for (int i = 0; i < N_PAIRS; i++) {
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
  }
}

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int n_arguments, char **arguments) {
  pthread_t other;
  const int is_alone = n_arguments == 2 && strcmp(arguments[1], "alone") == 0;
  if (!is_alone && pthread_create(&other, NULL, sleep_on, NULL) != 0) return 1;
  double least_ns[N_PLACES];
  for (int i = 0; i < N_PLACES; i++) least_ns[i] = INFINITY;
  for (int block = 0; block < N_BLOCKS; block++)
    for (int i = 0; i < N_PLACES; i++) {
      const double start = now_ns();
      lock_and_unlock(&places[i].mutex);
      least_ns[i] = fmin(least_ns[i], now_ns() - start);
    }
  qsort(least_ns, N_PLACES, sizeof *least_ns, compare);
  printf("%.3f %.3f\n", least_ns[N_PLACES / 2] / N_PAIRS, least_ns[N_PLACES - 1] / N_PAIRS);
  return 0;
}
