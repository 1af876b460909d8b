// SPDX-License-Identifier: MIT
#include "line.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { CERTAIN_CPU_NS = 1000000 };

static long cpu_ns_of(pthread_t thread) {
  clockid_t clock;
  struct timespec time = {0};
  if (pthread_getcpuclockid(thread, &clock) == 0) clock_gettime(clock, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static bool is_asleep(pid_t thread_id) {
  char path[64], state = '?';
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread_id);
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
  fclose(file);
  return state == 'S';
}

void line_arrive(struct line_mark *mark, const struct lk_ops *ops) {
  mark->lock_parks = ops->traits & LK_PARKS;
  mark->thread = pthread_self();
  mark->thread_id = gettid();
  mark->arrived_cpu_ns = cpu_ns_of(mark->thread);
  atomic_store_explicit(&mark->is_arriving, true, memory_order_release);
}

/* Relaxed: for a thread that must know that this was before something else, that something says so. */
void line_leave(struct line_mark *mark) { atomic_store_explicit(&mark->is_arriving, false, memory_order_relaxed); }

void line_begin_again(struct line_mark *mark) {
  /* Acquire: as in line_is_in. */
  if (atomic_load_explicit(&mark->is_arriving, memory_order_acquire)) mark->arrived_cpu_ns = cpu_ns_of(mark->thread);
}

/*
 * A thread that has been running for a millisecond since it was about to ask is in line and spins; one that sleeps
 * since then is in line and parks. Neither is a matter of how fast this machine happens to be. A sleeper at a lock
 * that only spins is not in line yet: the thread sanitizer makes it wait for the others that use the same atomic.
 */
bool line_is_in(const struct line_mark *mark) {
  if (!atomic_load_explicit(&mark->is_arriving, memory_order_acquire)) return false;
  return cpu_ns_of(mark->thread) > mark->arrived_cpu_ns + CERTAIN_CPU_NS ||
         (mark->lock_parks && is_asleep(mark->thread_id));
}
