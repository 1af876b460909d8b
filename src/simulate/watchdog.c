// SPDX-License-Identifier: MIT
#include "watchdog.h"

#include <stdio.h>
#include <string.h>

#include "places.h"
#include "system.h"

enum { N_LOOKS = 4, N_TURNS = 20, N_TOLD = 3 };

static int64_t slowest_transfer_ps(const struct model *model) {
  int64_t ps = 0;
  for (size_t i = 0; i < (size_t)model->n_cores * model->n_cores; i++)
    if (model->transfer_ps[i] > ps) ps = model->transfer_ps[i];
  return ps;
}

/* What a thread waits for between two of its operations, and for its CPU. */
struct watchdog watchdog_make(const struct crew *crew) {
  const struct workload *workload = &crew->trial->workload;
  const struct parameters *parameters = &guests.model->parameters;
  const unsigned n_per_cpu = (crew->n_members - 1) / crew->trial->placement->n_cpus + 1;
  double ns = 1e6 + 20.0 * ((double)workload->cs_ns + (double)workload->think_ns + parameters->wake_ns) +
              20.0 * (double)workload->backoff_max_ns;
  if (workload->rate_per_s > 0) ns += 50 * 1e9 / workload->rate_per_s;
  /* Where all of a crowd retry a compare-exchange, one gets through each time that all have had the line. */
  ns += 4.0 * crew->n_members * crew->n_members * ((double)slowest_transfer_ps(guests.model) / 1e3);
  if (n_per_cpu > 1) ns += N_TURNS * parameters->slice_ns * n_per_cpu;
  return (struct watchdog){.crew = crew, .patience_ps = model_ps(ns)};
}

uint64_t watchdog_count(const struct crew *crew) {
  uint64_t n = 0;
  for (unsigned i = 0; i < crew->n_members; i++) {
    /* Relaxed: no thread runs while the host looks. */
    struct worker_counts *counts = &crew->members[i].worker.counts;
    n += atomic_load_explicit(&counts->n_reads, memory_order_relaxed) +
         atomic_load_explicit(&counts->n_writes, memory_order_relaxed) +
         atomic_load_explicit(&counts->n_failed_tries, memory_order_relaxed);
  }
  return n;
}

/* What the thread is at, in words. */
static void tell_thread(const struct crew *crew, const struct guest_thread *thread, char *text, size_t n_bytes) {
  const bool sleeps = thread->state == THREAD_ASLEEP;
  char where[64];
  place_name(crew, sleeps && thread->sleeps_on != NULL ? thread->sleeps_on : thread->last_address, where, sizeof where);
  snprintf(text, n_bytes, "%s %s",
           sleeps                           ? "sleeps at"
           : thread->cpu->running == thread ? "is at"
                                            : "waits for a CPU at",
           where);
}

/* Says what the first threads are at that are neither over nor at the same as one before. */
static void tell_who(const struct crew *crew, const char *what, char *why, size_t why_bytes) {
  char told[N_TOLD][96];
  unsigned n_told = 0;
  size_t used = (size_t)snprintf(why, why_bytes, "%s", what);
  for (unsigned i = 0; i < guests.n_threads && n_told < N_TOLD && used < why_bytes; i++) {
    bool is_told = guests.threads[i].state == THREAD_OVER;
    tell_thread(crew, &guests.threads[i], told[n_told], sizeof told[n_told]);
    for (unsigned j = 0; j < n_told; j++) is_told |= strcmp(told[j], told[n_told]) == 0;
    if (is_told) continue;
    used += (size_t)snprintf(why + used, why_bytes - used, "%s thread %u %s", n_told == 0 ? ":" : ",", i, told[n_told]);
    n_told++;
  }
}

bool watchdog_run(struct watchdog *watchdog, int64_t until_ps, char *why, size_t why_bytes) {
  for (int64_t at_ps = guests.now_ps; at_ps < until_ps;) {
    at_ps += watchdog->patience_ps / N_LOOKS;
    const enum system_end end = system_run(at_ps < until_ps ? at_ps : until_ps);
    if (end == SYSTEM_ALL_OVER) return true;
    const uint64_t n_done = watchdog_count(watchdog->crew);
    if (n_done != watchdog->n_done) {
      watchdog->n_done = n_done;
      watchdog->done_ps = guests.now_ps;
    }
    if (end == SYSTEM_ALL_ASLEEP) {
      tell_who(watchdog->crew, "deadlock, all threads sleep", why, why_bytes);
      return false;
    }
    if (guests.now_ps - watchdog->done_ps > watchdog->patience_ps) {
      char what[80];
      snprintf(what, sizeof what, "no operation ended in %.3g ms", (double)watchdog->patience_ps / 1e9);
      tell_who(watchdog->crew, what, why, why_bytes);
      return false;
    }
  }
  return true;
}

bool watchdog_finish(struct watchdog *watchdog, char *why, size_t why_bytes) {
  while (guests.n_over < guests.n_threads)
    if (!watchdog_run(watchdog, guests.now_ps + watchdog->patience_ps / N_LOOKS, why, why_bytes)) return false;
  return true;
}
