// SPDX-License-Identifier: MIT
#include "observe_cost.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "machine/clock.h"
#include "preload/recording.h"
#include "sorting.h"

/* A round is some of the periods in which a burst of pairs is timed and a pause is not, 1024 pairs
   (preload/recorder.c): in shorter ones the median says what one with a burst in it takes, or one without. */
enum { N_ROUNDS = 31, N_PAIRS = 8 * 1024, N_WARMUP = 50000, PATIENCE_S = 10 };

typedef int step(pthread_mutex_t *);

struct pair {
  step *lock, *unlock;
  pthread_mutex_t mutex;
  double ns[N_ROUNDS];
};

static void *sleep_on(void *nothing) {
  for (;;) pause();
  return nothing;
}

static void run(struct pair *pair, int n) {
  for (int i = 0; i < n; i++) {
    pair->lock(&pair->mutex);
    pair->unlock(&pair->mutex);
  }
}

/* In the child. glibc leaves out atomic instructions as long as there is one thread. */
static double measure(void *library) {
  static struct pair pairs[2];
  pthread_t other;
  void *const handles[2] = {RTLD_DEFAULT, library};
  for (int i = 0; i < 2; i++) {
    pairs[i].mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    pairs[i].lock = (step *)dlsym(handles[i], "pthread_mutex_lock");
    pairs[i].unlock = (step *)dlsym(handles[i], "pthread_mutex_unlock");
    if (pairs[i].lock == NULL || pairs[i].unlock == NULL) return NAN;
  }
  if (pthread_create(&other, NULL, sleep_on, NULL) != 0) return NAN;
  for (int i = 0; i < 2; i++) run(&pairs[i], N_WARMUP);
  for (int round = 0; round < N_ROUNDS; round++)
    for (int i = 0; i < 2; i++) {
      const uint64_t start = clock_now_ns();
      run(&pairs[i], N_PAIRS);
      pairs[i].ns[round] = (double)(clock_now_ns() - start) / N_PAIRS;
    }
  for (int i = 0; i < 2; i++) sort_reals(pairs[i].ns, N_ROUNDS);
  return pairs[1].ns[N_ROUNDS / 2] - pairs[0].ns[N_ROUNDS / 2];
}

/* With a recording of its own, which nobody reads. */
static double measure_library(const char *path) {
  struct launch launch = {.command = "observe"};
  struct recording *const recording = launch_share(&launch, RECORDING_VARIABLE, sizeof *recording, RECORDING_MAGIC);
  if (recording == NULL) return NAN;
  recording->uses_counter = clock_scale.uses_counter;
  recording->ns_per_tick = clock_scale.ns_per_tick;
  putenv(launch.shared_variables[0]);
  void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  return library != NULL ? measure(library) : NAN;
}

double observe_cost_measure(const char *library) {
  double *const cost_ns = mmap(NULL, sizeof *cost_ns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (cost_ns == MAP_FAILED) return NAN;
  *cost_ns = NAN;
  const pid_t child = fork();
  if (child == 0) {
    alarm(PATIENCE_S);
    *cost_ns = measure_library(library);
    _exit(0);
  }
  int status;
  if (child > 0) waitpid(child, &status, 0);
  const double measured = *cost_ns;
  munmap(cost_ns, sizeof *cost_ns);
  return measured;
}
