// SPDX-License-Identifier: MIT
#include "arrival.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

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

void arrival_announce(struct arrival *arrival) {
  arrival->thread = pthread_self();
  arrival->thread_id = gettid();
  arrival->cpu_ns = cpu_ns_of(arrival->thread);
  atomic_store_explicit(&arrival->is_arriving, true, memory_order_release);
}

bool arrival_is_in_line(const struct arrival *arrival, bool may_sleep) {
  if (!atomic_load_explicit(&arrival->is_arriving, memory_order_acquire)) return false;
  return cpu_ns_of(arrival->thread) > arrival->cpu_ns + 1000000 || (may_sleep && is_asleep(arrival->thread_id));
}
