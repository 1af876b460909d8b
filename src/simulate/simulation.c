// SPDX-License-Identifier: MIT
#include "simulation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "guests.h"
#include "ping_pong.h"
#include "services.h"
#include "system.h"
#include "trace.h"
#include "trial/crew_parts.h"
#include "watchdog.h"

/* Threads begin at random within so many nanoseconds for each of them, and warm up for so many operations. */
enum {
  START_NS_PER_THREAD = 1000,
  WARMUP_OPS = 64,
  WARMUP_OPS_PER_THREAD = 3,
  WARMUP_STEP_NS = 20000,
  WARMUP_TURNS = 2
};

const struct lk_ops *simulation_find_guest(const char *name) {
  for (unsigned i = 0; guest_locks[i] != NULL; i++)
    if (strcmp(guest_locks[i]->name, name) == 0) return guest_locks[i];
  return NULL;
}

static uint64_t now_ns(const struct guest_thread *thread) { return services_ns(thread->now_ps); }

/* A worker, from its start on its simulated CPU. */
static void work(void *argument) {
  struct member *member = argument;
  struct crew *crew = member->crew;
  /* Relaxed: one thread of the system runs them all. */
  if (!crew_init_contexts(member)) {
    atomic_store_explicit(&crew->error, 1, memory_order_relaxed);
    return;
  }
  member->start_ns = now_ns(guests.current);
  crew->trial->lock->work(&member->worker);
  member->end_ns = now_ns(guests.current);
  crew_destroy_contexts(member);
}

static struct usage usage_at(void) {
  return (struct usage){.cpu_s = (double)system_busy_ps() / 1e12,
                        .ctx_voluntary = (double)tally.n_sleeps,
                        .ctx_involuntary = (double)tally.n_preemptions};
}

static void take_snapshot(const struct crew *crew, struct snapshot *snapshot) {
  crew_count(crew, snapshot);
  snapshot->at_ns = services_ns(guests.now_ps);
  snapshot->usage = usage_at();
}

/* The host's own stores cost nothing: no CPU of the model does them. */
static void set_phase(struct crew *crew, enum phase phase) {
  if (phase == PHASE_WINDOW) crew->signal->open_ticks = services_ns(guests.now_ps);
  if (phase == PHASE_CLOSED) crew->signal->close_ticks = services_ns(guests.now_ps);
  atomic_store_explicit(&crew->signal->phase, phase, memory_order_release); /* as in crew_window.c */
}

/* Until each has begun and the lock has gone round a few times; where threads share CPUs, for some turns of each. */
static bool warm_up(struct crew *crew, struct watchdog *watchdog, char *why, size_t why_bytes) {
  const unsigned n_per_cpu = (crew->n_members - 1) / crew->trial->placement->n_cpus + 1;
  const uint64_t n_ops = WARMUP_OPS + WARMUP_OPS_PER_THREAD * (uint64_t)crew->n_members;
  double least_ns = crew->trial->warmup_s * 1e9 + START_NS_PER_THREAD * (double)crew->n_members;
  if (n_per_cpu > 1) least_ns += WARMUP_TURNS * guests.model->parameters.slice_ns * n_per_cpu;
  if (!watchdog_run(watchdog, model_ps(least_ns), why, why_bytes)) return false;
  const int64_t most_ps = guests.now_ps + watchdog->patience_ps;
  while (watchdog_count(crew) < n_ops && guests.now_ps < most_ps)
    if (!watchdog_run(watchdog, guests.now_ps + model_ps(WARMUP_STEP_NS), why, why_bytes)) return false;
  return true;
}

/* What was counted since `before`. */
static struct counts counts_since(const struct counts *before) {
  struct counts since;
  const uint64_t *const a = (const uint64_t *)before, *const b = (const uint64_t *)&tally;
  for (size_t i = 0; i < sizeof since / sizeof(uint64_t); i++) ((uint64_t *)&since)[i] = b[i] - a[i];
  return since;
}

/* Warm-up, window and the way out, as in crew_window.c. False if it hangs. */
static bool time_window(struct crew *crew, struct snapshot *open, struct snapshot *close, struct simulation *simulation,
                        char *why, size_t why_bytes) {
  struct watchdog watchdog = watchdog_make(crew);
  if (!warm_up(crew, &watchdog, why, why_bytes)) return false;
  take_snapshot(crew, open);
  const struct counts before = tally;
  if (simulation->n_trace > 0 && !trace_begin(simulation->n_trace)) simulation->n_trace = 0;
  set_phase(crew, PHASE_WINDOW);
  if (!watchdog_run(&watchdog, guests.now_ps + model_ps(crew->trial->duration_s * 1e9), why, why_bytes)) return false;
  set_phase(crew, PHASE_CLOSED);
  take_snapshot(crew, close);
  simulation->counts = counts_since(&before);
  set_phase(crew, PHASE_STOP);
  return watchdog_finish(&watchdog, why, why_bytes);
}

static bool start(struct crew *crew) {
  for (unsigned i = 0; i < crew->n_members; i++)
    if (system_start_thread(work, &crew->members[i], crew->members[i].cpu,
                            START_NS_PER_THREAD * (double)crew->n_members) != 0)
      return false;
  return true;
}

void simulation_run(const struct trial *trial, struct trial_result *result, struct workload_key *state) {
  struct simulation *simulation = trial->host_data;
  const struct placement *placement = trial->placement;
  struct crew crew = {.trial = trial,
                      .result = result,
                      .n_members = trial->workload.n_threads,
                      .take = arena_take_anywhere,
                      .places = random_seed(trial->seed, UINT64_MAX)};
  if (arena_open() != 0) {
    crew_fail(&crew, "no address space for the memory of the simulated machine");
    return;
  }
  if (placement->n_cpus > 1)
    result->line_ns = ping_pong_ns(&simulation->model, placement->order[0], placement->order[1]);
  struct snapshot *open = crew_make_snapshot(&crew), *close = crew_make_snapshot(&crew);
  if (open == NULL || close == NULL || !crew_make(&crew) || !line_begin(&simulation->model, trial->seed) ||
      system_begin(&simulation->model, crew.n_members, trial->seed) != 0 || !start(&crew)) {
    crew_fail(&crew, "no memory for the trial");
    return;
  }
  guest_counts_sections = simulation->counts_sections;
  line_traffic.data = arena_line(crew_state(&crew, 0));
  char why[sizeof result->why];
  result->status = TRIAL_OK;
  const bool is_in_time = time_window(&crew, open, close, simulation, why, sizeof why);
  simulation->n_events = counts_events(&tally);
  if (!is_in_time) {
    result->status = TRIAL_TIMEOUT;
    memcpy(result->why, why, sizeof why);
    return;
  }
  if (atomic_load_explicit(&crew.error, memory_order_relaxed) != 0) {
    crew_fail(&crew, "no memory for a thread's context");
    return;
  }
  crew_measure(&crew, open, close);
  if (simulation->n_trace > 0) {
    const int error = trace_write(&crew, simulation->machine, simulation->trace_path);
    if (error != 0) crew_fail(&crew, "cannot write the trace '%.80s': %s", simulation->trace_path, strerror(error));
  }
  result->migrations = 0;
  result->throttled_pct = NAN;
  result->steal_pct = NAN;
  crew_destroy_locks(&crew);
  memcpy(state, crew_state(&crew, 0)->keys, trial->workload.n_keys * sizeof *state);
}
