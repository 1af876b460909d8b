// SPDX-License-Identifier: MIT
/* crew_make.c: the locks of a trial and its workers, before they run; of whichever memory the crew takes. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crew_parts.h"
#include "machine/pause.h"
#include "memory.h"

/* At least a line, also for a context that holds nothing. */
static size_t context_stride(const struct lk_ops *lock) {
  return (lock->ctx_bytes / LK_LINE_BYTES + 1) * LK_LINE_BYTES;
}

/* What the sections of a replay need, and of each worker its runs. */
static size_t replay_table_bytes(const struct workload *workload) {
  return workload->replay == NULL ? 0 : workload->replay->n_sections * sizeof(struct replay_section);
}

static size_t replay_runs_bytes(const struct workload *workload) {
  return workload->replay == NULL
             ? 0
             : replay_most_runs(workload->replay, workload->n_threads) * sizeof(struct replay_span);
}

double trial_memory_bytes(const struct lk_ops *lock, const struct workload *workload, const struct topology *topology) {
  struct lk_config config = lk_config_default(workload->n_threads, topology->n_cpus);
  memcpy(config.n_domains, topology->n_domains, sizeof config.n_domains);
  const size_t per_thread = memory_cost(context_stride(lock) * workload->n_locks) + memory_cost(sizeof(struct waits)) +
                            memory_cost(workload->n_threads + 1) + sizeof(struct member) + replay_runs_bytes(workload);
  return (double)replay_table_bytes(workload) +
         (double)memory_cost(block_of(lock, workload).n_bytes * workload->n_locks) +
         (double)registry_heap_bytes(lock, &config) * workload->n_locks + (double)per_thread * workload->n_threads;
}

static void *lock_at(const struct crew *crew, unsigned i) { return crew->blocks + i * crew->block.n_bytes; }

static void *context_at(const struct worker *worker, unsigned i) {
  return worker->contexts + i * worker->context_bytes;
}

void crew_fail(struct crew *crew, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  crew->result->status = TRIAL_DISTURBED;
  vsnprintf(crew->result->why, sizeof crew->result->why, format, arguments);
  va_end(arguments);
}

struct lk_config trial_config(const struct trial *trial) {
  struct lk_config config = lk_config_default(trial->workload.n_threads, trial->placement->n_cpus);
  config.spin_pauses = pause_count((double)trial->workload.spin_ns, trial->pause_ns);
  config.backoff_max_pauses = pause_count((double)trial->workload.backoff_max_ns, trial->pause_ns);
  memcpy(config.n_domains, trial->placement->n_domains, sizeof config.n_domains);
  return config;
}

static bool make_locks(struct crew *crew) {
  const struct trial *trial = crew->trial;
  const struct workload *workload = &trial->workload;
  crew->block = block_of(trial->lock, workload);
  crew->blocks = crew->take(&crew->places, crew->block.n_bytes * workload->n_locks);
  if (crew->blocks == NULL) return false;
  const struct lk_config config = trial_config(trial);
  for (unsigned i = 0; i < workload->n_locks; i++) {
    if (!trial->lock->init(lock_at(crew, i), &config)) return false;
    crew_state(crew, i)->owner_tag = workload->n_threads; /* no worker: see worker.handoff_class */
  }
  return true;
}

/* By the distance from each worker to worker `to`; of threads that float it is not known: they are "same CPU". */
static uint8_t *make_handoff_classes(struct crew *crew, unsigned to) {
  const struct topology *topology = crew->trial->topology;
  uint8_t *classes = crew->take(&crew->places, crew->n_members + 1);
  if (classes == NULL) return NULL;
  for (unsigned from = 0; from < crew->n_members && crew->trial->placement->is_pinned; from++)
    classes[from] =
        (uint8_t)topology_distance(&topology->cpus[crew->members[from].cpu], &topology->cpus[crew->members[to].cpu]);
  classes[to] = HANDOFF_NONE;
  classes[crew->n_members] = HANDOFF_NONE;
  return classes;
}

static uint64_t read_below(const struct workload *workload, unsigned index) {
  if (workload->has_fixed_roles) return index < workload->n_readers ? UINT64_C(1) << 32 : 0;
  return (uint64_t)(workload->read_pct / 100 * 4294967296.0 + 0.5);
}

/* All workers have the same rate. Their numbers are not those of the operations, of whichever thread. */
static struct arrivals make_arrivals(const struct trial *trial, unsigned index) {
  const struct workload *workload = &trial->workload;
  return arrivals_make(workload->rate_per_s / workload->n_threads, workload->n_threads <= trial->placement->n_cpus,
                       random_seed(trial->seed, UINT64_C(1) << 32 | index));
}

/* The sections with their times in ticks, for all workers. */
static bool make_replay(struct crew *crew) {
  const struct workload *workload = &crew->trial->workload;
  if (workload->replay == NULL) return true;
  crew->replay_table = crew->take(&crew->places, replay_table_bytes(workload));
  if (crew->replay_table == NULL) return false;
  replay_scale(workload->replay, workload->gap_scale, workload->hold_scale, crew->replay_table);
  return true;
}

static bool make_replay_cursor(struct crew *crew, struct worker *worker) {
  const struct trial *trial = crew->trial;
  const struct workload *workload = &trial->workload;
  if (workload->replay == NULL) return true;
  struct replay_span *runs = crew->take(&crew->places, replay_runs_bytes(workload));
  if (runs == NULL) return false;
  worker->replay = replay_cursor_make(workload->replay, crew->replay_table, worker->index, workload->n_threads,
                                      workload->n_threads <= trial->placement->n_cpus, runs, &worker->random);
  return true;
}

static bool make_worker(struct crew *crew, unsigned i) {
  const struct trial *trial = crew->trial;
  struct member *member = &crew->members[i];
  struct worker *worker = &member->worker;
  *worker = (struct worker){
      .signal = crew->signal,
      .index = i,
      .read_below = read_below(&trial->workload, i),
      .cs_ticks = clock_ns_to_ticks((double)trial->workload.cs_ns),
      .think_ticks = clock_ns_to_ticks((double)trial->workload.think_ns),
      .workload = trial->workload,
      .locks = crew->blocks,
      .block_bytes = crew->block.n_bytes,
      .state_offset = crew->block.state_offset,
      .lines_offset = crew->block.lines_offset,
      .contexts = crew->take(&crew->places, context_stride(trial->lock) * trial->workload.n_locks),
      .context_bytes = context_stride(trial->lock),
      .handoff_class = make_handoff_classes(crew, i),
      .domain = *placement_domain(trial->placement, i),
      .times_waits = trial->times_waits,
      .counts_contention = trial->counts_contention,
      .extends = trial->extends_slices,
      .code_layout = trial->code_layout,
      .random = random_seed(trial->seed, i),
      .waits = trial->times_waits ? crew->take(&crew->places, sizeof(struct waits)) : NULL,
  };
  if (trial->workload.rate_per_s > 0) worker->left = worker->arrivals = make_arrivals(trial, i);
  if (worker->waits != NULL) waits_make(worker->waits);
  return worker->contexts != NULL && worker->handoff_class != NULL && (!trial->times_waits || worker->waits != NULL) &&
         make_replay_cursor(crew, worker);
}

struct snapshot *crew_make_snapshot(struct crew *crew) {
  return crew->take(&crew->places, sizeof(struct snapshot) + crew->n_members * sizeof(((struct snapshot *)0)->of[0]));
}

bool crew_make(struct crew *crew) {
  crew->signal = crew->take(&crew->places, sizeof *crew->signal);
  crew->members = crew->take(&crew->places, crew->n_members * sizeof *crew->members);
  crew->n_acquired = crew->take(&crew->places, crew->n_members * sizeof *crew->n_acquired);
  if (crew->signal == NULL || crew->members == NULL || crew->n_acquired == NULL || !make_locks(crew) ||
      !make_replay(crew))
    return false;
  for (unsigned i = 0; i < crew->n_members; i++) {
    crew->members[i].crew = crew;
    crew->members[i].cpu = placement_cpu(crew->trial->placement, i);
    crew->members[i].stack_offset = memory_offset(&crew->places);
  }
  for (unsigned i = 0; i < crew->n_members; i++)
    if (!make_worker(crew, i)) return false;
  return true;
}

bool crew_init_contexts(struct member *member) {
  const struct trial *trial = member->crew->trial;
  struct worker *worker = &member->worker;
  bool has_all = true;
  for (unsigned i = 0; i < trial->workload.n_locks; i++)
    has_all &= trial->lock->ctx_init(lock_at(member->crew, i), context_at(worker, i), &worker->domain);
  return has_all;
}

void crew_destroy_contexts(struct member *member) {
  const struct trial *trial = member->crew->trial;
  for (unsigned i = 0; i < trial->workload.n_locks; i++)
    trial->lock->ctx_destroy(lock_at(member->crew, i), context_at(&member->worker, i));
}

void crew_destroy_locks(struct crew *crew) {
  for (unsigned i = 0; i < crew->trial->workload.n_locks; i++) crew->trial->lock->destroy(lock_at(crew, i));
}
