// SPDX-License-Identifier: MIT
#include "observe_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "build_info.h"
#include "machine/provenance.h"
#include "observe_lock.h"
#include "symbols.h"

enum { PROFILE_SCHEMA = 1 };

static json_t *number_or_null(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static int64_t to_ns(const struct recording *recording, uint64_t ticks) {
  return llround((double)ticks * recording->ns_per_tick);
}

/* Since the start; a thread's clock may be a little behind ours. */
static int64_t since_start(const struct recording *recording, uint64_t ticks) {
  return ticks > recording->start ? to_ns(recording, ticks - recording->start) : 0;
}

void observe_profile_set_cost(json_t *profile, const struct observe_run *run) {
  double n_acquired = 0;
  size_t i;
  const json_t *lock;
  json_array_foreach (json_object_get(profile, "locks"), i, lock)
    n_acquired += (double)json_integer_value(json_object_get(lock, "acquisitions"));
  const double share_pct = 100 * run->cost_ns * 1e-9 * n_acquired / run->cpu_s;
  json_object_set_new(profile, "cost",
                      json_pack("{s:o, s:o, s:o, s:o, s:o}", "per_acquisition_ns", number_or_null(run->cost_ns),
                                "share_pct", number_or_null(share_pct), "cpu_s", number_or_null(run->cpu_s), "plain_s",
                                number_or_null(run->plain_s), "plain_cpu_s", number_or_null(run->plain_cpu_s)));
}

/* How the thread gave up its CPU; NULL: it did not. */
static json_t *given_up(const struct recording_event *event) {
  /* Relaxed, both: numbers. */
  const int n_yields = atomic_load_explicit(&event->n_yields, memory_order_relaxed);
  const bool has_slept = atomic_load_explicit(&event->slept, memory_order_relaxed) != 0;
  json_t *const how = json_object();
  if (event->n_yields_before > 0) json_object_set_new(how, "gap_yields", json_integer(event->n_yields_before));
  if (event->slept_before) json_object_set_new(how, "gap_slept", json_true());
  if (n_yields > 0) json_object_set_new(how, "yields", json_integer(n_yields));
  if (has_slept) json_object_set_new(how, "slept", json_true());
  if (json_object_size(how) > 0) return how;
  json_decref(how);
  return NULL;
}

static json_t *event_of(const struct recording *recording, const struct recording_event *event) {
  const uint64_t held = atomic_load_explicit(&event->held, memory_order_relaxed); /* a number */
  json_t *const json =
      json_pack("[I, s, I, o, i]", (json_int_t)event->lock, event->is_shared ? "r" : "w",
                (json_int_t)to_ns(recording, event->gap),
                held != RECORDING_NEVER ? json_integer(to_ns(recording, held)) : json_null(), (int)event->depth);
  json_t *const how = given_up(event);
  if (how != NULL) json_array_append_new(json, how);
  return json;
}

static const struct recording_thread *thread_at(const struct recording *recording, uint32_t i) {
  const uint32_t n = atomic_load_explicit(&recording->n_thread_places, memory_order_relaxed); /* a bound */
  return i < n && i < RECORDING_MAX_THREADS ? &recording->threads[i] : NULL;
}

static json_t *runs_of(const struct recording *recording) {
  json_t *const runs = json_array();
  const struct recording_thread *thread;
  for (uint32_t i = 0; (thread = thread_at(recording, i)) != NULL; i++)
    for (int k = 0; k < RECORDING_N_RUNS; k++) {
      const struct recording_run *const run = &thread->runs[k];
      const uint32_t n_events = atomic_load_explicit(&run->n_events, memory_order_acquire); /* those are written */
      if (n_events == 0) continue;
      json_t *const events = json_array();
      for (uint32_t event = 0; event < n_events && event < RECORDING_N_EVENTS; event++)
        json_array_append_new(events, event_of(recording, &run->events[event]));
      json_array_append_new(runs, json_pack("{s:I, s:I, s:I, s:o}", "thread", (json_int_t)run->thread, "start_ns",
                                            (json_int_t)since_start(recording, run->start), "before",
                                            (json_int_t)run->n_before, "events", events));
    }
  return runs;
}

static json_t *waits_of(const struct recording *recording) {
  json_t *const waits = json_array();
  const struct recording_thread *thread;
  for (uint32_t i = 0; (thread = thread_at(recording, i)) != NULL; i++) {
    const uint32_t n = atomic_load_explicit(&thread->n_waits, memory_order_acquire); /* those are written */
    for (uint32_t k = n > RECORDING_N_WAITS ? n - RECORDING_N_WAITS : 0; k < n; k++) {
      const struct recording_wait *const wait = &thread->waits[k % RECORDING_N_WAITS];
      json_array_append_new(
          waits,
          json_pack("{s:I, s:I, s:o, s:I, s:I}", "lock", (json_int_t)wait->lock, "thread", (json_int_t)wait->thread,
                    "holder", wait->holder != 0 ? json_integer((json_int_t)wait->holder) : json_null(), "start_ns",
                    (json_int_t)since_start(recording, wait->start), "wait_ns",
                    (json_int_t)to_ns(recording, wait->end > wait->start ? wait->end - wait->start : 0)));
    }
  }
  return waits;
}

/* A lane's slices as long as the longest ones of any, up to the last that is not empty. */
static json_t *lane_json(const struct recording *recording, const struct recording_lane *lane, uint32_t n_doublings) {
  /* Acquire: pairs with the release in lane.c. */
  const uint32_t its = atomic_load_explicit(&lane->n_doublings, memory_order_acquire);
  uint64_t sums[RECORDING_N_SLICES] = {0};
  unsigned n = 0;
  for (unsigned i = 0; i < RECORDING_N_SLICES; i++) {
    const unsigned into = its < n_doublings ? i >> (n_doublings - its) : i;
    sums[into] += atomic_load_explicit(&lane->waited[its % 2][i], memory_order_relaxed); /* a number */
    if (sums[into] > 0) n = into + 1;
  }
  json_t *const waited = json_array();
  for (unsigned i = 0; i < n; i++) json_array_append_new(waited, json_integer(to_ns(recording, sums[i])));
  return json_pack("{s:I, s:o}", "thread", (json_int_t)lane->thread, "waited_ns", waited);
}

static json_t *lanes_of(const struct recording *recording) {
  json_t *const lanes = json_array();
  const struct recording_thread *thread;
  uint32_t n_doublings = 0;
  for (uint32_t i = 0; (thread = thread_at(recording, i)) != NULL; i++) {
    const uint32_t its = atomic_load_explicit(&thread->lane.n_doublings, memory_order_relaxed); /* a number */
    if (its > n_doublings) n_doublings = its;
  }
  for (uint32_t i = 0; (thread = thread_at(recording, i)) != NULL; i++)
    json_array_append_new(lanes, lane_json(recording, &thread->lane, n_doublings));
  const double slice_ns = ldexp(recording->ns_per_tick, (int)(RECORDING_SLICE_BITS + n_doublings));
  return json_pack("{s:f, s:o}", "slice_ns", slice_ns, "lanes", lanes);
}

static int by_time_lost(const void *a, const void *b) {
  const struct observe_lock *const one = *(struct observe_lock *const *)a, *const other =
                                                                               *(struct observe_lock *const *)b;
  const uint64_t own = one->counts[RECORDED_WAIT_TICKS], its = other->counts[RECORDED_WAIT_TICKS];
  if (own != its) return own > its ? -1 : 1;
  if (one->n_acquired != other->n_acquired) return one->n_acquired > other->n_acquired ? -1 : 1;
  return one->number < other->number ? -1 : 1;
}

static json_t *program_of(char **arguments) {
  json_t *const program = json_array();
  for (char **argument = arguments; *argument != NULL; argument++) {
    json_t *const text = json_string(*argument); /* NULL where it is no UTF-8 */
    json_array_append_new(program, text != NULL ? text : json_string("?"));
  }
  return program;
}

static json_t *whole(const struct recording *recording, const struct page *page, const struct observe_run *run,
                     json_t *locks) {
  char started_at[32];
  struct tm utc;
  const time_t start = (time_t)run->started_at;
  strftime(started_at, sizeof started_at, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&start, &utc));
  /* Relaxed, all: numbers. */
  return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:s, s:f, s:i, s:I, s:I, s:I, s:I, s:n, s:o, s:o, s:o, s:o}",
                   "schema", PROFILE_SCHEMA, "lockbench", BUILD_VERSION, "commit", provenance_git_sha, "host",
                   provenance_host(), "started_at", started_at, "program", program_of(run->arguments), "ended",
                   run->ended, "seconds", run->seconds, "cpus", (int)run->n_cpus, "threads",
                   (json_int_t)atomic_load_explicit(&page->most_threads, memory_order_relaxed), "processes",
                   (json_int_t)atomic_load_explicit(&page->n_processes, memory_order_relaxed), "lost_events",
                   (json_int_t)atomic_load_explicit(&recording->n_lost, memory_order_relaxed), "unmatched_unlocks",
                   (json_int_t)atomic_load_explicit(&recording->n_unmatched, memory_order_relaxed), "cost", "locks",
                   locks, "runs", runs_of(recording), "waits", waits_of(recording), "waited", lanes_of(recording));
}

json_t *observe_profile_make(const struct recording *recording, const struct page *page,
                             const struct observe_run *run) {
  const uint32_t n_locks = recording_n_locks(recording);
  struct symbols *const symbols = symbols_read(recording);
  struct observe_lock *const all = calloc(n_locks + 1u, sizeof *all);
  struct observe_lock **const used = calloc(n_locks + 1u, sizeof *used);
  json_t *profile = NULL;
  if (symbols != NULL && all != NULL && used != NULL && observe_locks_add_up(all, recording)) {
    uint32_t n_used = 0;
    json_t *const locks = json_array();
    for (uint32_t i = 1; i <= n_locks; i++)
      if (all[i].is_used) used[n_used++] = &all[i];
    qsort(used, n_used, sizeof *used, by_time_lost);
    observe_locks_name(used, n_used, recording, symbols);
    for (uint32_t i = 0; i < n_used; i++) json_array_append_new(locks, observe_lock_json(used[i], recording, symbols));
    profile = whole(recording, page, run, locks);
    if (profile != NULL) observe_profile_set_cost(profile, run);
  }
  for (uint32_t i = 0; all != NULL && i <= n_locks; i++) observe_lock_free(&all[i]);
  free(used);
  free(all);
  symbols_free(symbols);
  return profile;
}
