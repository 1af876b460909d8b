// SPDX-License-Identifier: MIT
#include "stress_round.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const char *const stress_phase_names[STRESS_N_PHASES] = {"pair",    "crowd", "nested", "hogs",
                                                         "signals", "steps", "churn",  "all"};

void stress_report(struct stress_round *round, enum stress_verdict verdict, const char *format, ...) {
  struct stress_result *const result = round->result;
  if (!atomic_exchange_explicit(&round->is_reported, true, memory_order_relaxed)) {
    va_list arguments;
    va_start(arguments, format);
    const int n = snprintf(result->why, sizeof result->why, "%s: ", stress_phase_names[round->phase]);
    vsnprintf(result->why + n, sizeof result->why - (size_t)n, format, arguments);
    va_end(arguments);
    result->verdict = verdict;
  }
  atomic_store_explicit(&round->must_stop, true, memory_order_relaxed);
}

void *stress_memory(struct stress_round *round, size_t n_bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, LK_LINE_BYTES, n_bytes > 0 ? n_bytes : 1) != 0) {
    stress_report(round, STRESS_CRASHED, "no memory for %zu bytes", n_bytes);
    _exit(0);
  }
  memset(memory, 0xa5, n_bytes); /* a lock must not count on zeroes */
  return memory;
}

pthread_t stress_thread(struct stress_round *round, void *(*body)(void *), void *argument) {
  pthread_t thread;
  const int error = pthread_create(&thread, NULL, body, argument);
  if (error == 0) return thread;
  stress_report(round, STRESS_CRASHED, "cannot start a thread: %s", strerror(error));
  _exit(0);
}

void stress_weigh_little(void) { (void)setpriority(PRIO_PROCESS, (id_t)gettid(), 10); }
