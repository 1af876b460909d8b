// SPDX-License-Identifier: MIT
#include "crew.h"

#include <alloca.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "crew_parts.h"
#include "machine/line_transfer.h"
#include "machine/nudge.h"
#include "machine/pause.h"
#include "machine/priority.h"
#include "memory.h"

enum { STACK_BYTES = 512 * 1024 };

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
  crew->blocks = memory_take(&crew->places, crew->block.n_bytes * workload->n_locks);
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
  uint8_t *classes = memory_take(&crew->places, crew->n_members + 1);
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
  crew->replay_table = memory_take(&crew->places, replay_table_bytes(workload));
  if (crew->replay_table == NULL) return false;
  replay_scale(workload->replay, workload->gap_scale, workload->hold_scale, crew->replay_table);
  return true;
}

static bool make_replay_cursor(struct crew *crew, struct worker *worker) {
  const struct trial *trial = crew->trial;
  const struct workload *workload = &trial->workload;
  if (workload->replay == NULL) return true;
  struct replay_span *runs = memory_take(&crew->places, replay_runs_bytes(workload));
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
      .contexts = memory_take(&crew->places, context_stride(trial->lock) * trial->workload.n_locks),
      .context_bytes = context_stride(trial->lock),
      .handoff_class = make_handoff_classes(crew, i),
      .domain = *placement_domain(trial->placement, i),
      .times_waits = trial->times_waits,
      .counts_contention = trial->counts_contention,
      .code_layout = trial->code_layout,
      .random = random_seed(trial->seed, i),
      .waits = trial->times_waits ? memory_take(&crew->places, sizeof(struct waits)) : NULL,
  };
  if (trial->workload.rate_per_s > 0) worker->left = worker->arrivals = make_arrivals(trial, i);
  if (worker->waits != NULL) waits_make(worker->waits);
  return worker->contexts != NULL && worker->handoff_class != NULL && (!trial->times_waits || worker->waits != NULL) &&
         make_replay_cursor(crew, worker);
}

/* The stacks begin pages, as they are made; the loop's part of each lies at a random line of one. */
static void work_down_the_stack(struct member *member) {
  unsigned char *const gap = alloca(member->stack_offset + 1);
  __asm__ volatile("" : : "r"(gap) : "memory"); /* or it would be left out */
  member->crew->trial->lock->work(&member->worker);
}

static void *work(void *argument) {
  struct member *member = argument;
  struct crew *crew = member->crew;
  const struct trial *trial = crew->trial;
  struct worker *worker = &member->worker;
  int error = trial->placement->is_pinned ? topology_bind_self(trial->topology, member->cpu) : 0;
  int none = 0;
  member->thread_id = gettid();
  if (trial->workload.rate_per_s > 0 || trial->workload.replay != NULL)
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns: as little late as the kernel can */
  for (unsigned i = 0; i < trial->workload.n_locks; i++)
    if (!trial->lock->ctx_init(lock_at(crew, i), context_at(worker, i), &worker->domain) && error == 0) error = ENOMEM;
  /* Relaxed: the barrier orders it before the crew's reading. */
  if (error != 0)
    atomic_compare_exchange_strong_explicit(&crew->error, &none, error, memory_order_relaxed, memory_order_relaxed);
  pthread_barrier_wait(&crew->are_set_up);
  pthread_barrier_wait(&crew->may_start);
  member->start_ns = clock_now_ns();
  /* Relaxed, as below: it tells that the thread got a CPU. */
  atomic_store_explicit(&member->has_begun, true, memory_order_relaxed);
  work_down_the_stack(member);
  member->end_ns = clock_now_ns();
  member->has_kept_cpu = !trial->placement->is_pinned || topology_is_bound_self(trial->topology, member->cpu);
  for (unsigned i = 0; i < trial->workload.n_locks; i++)
    trial->lock->ctx_destroy(lock_at(crew, i), context_at(worker, i));
  /* Relaxed: only saves a signal; pthread_join orders what is read of the member. */
  atomic_store_explicit(&member->has_ended, true, memory_order_relaxed);
  return NULL;
}

static bool start_workers(struct crew *crew) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, STACK_BYTES);
  priority_lower(&attributes);
  for (unsigned i = 0; i < crew->n_members; i++) {
    const int error = pthread_create(&crew->members[i].thread, &attributes, work, &crew->members[i]);
    if (error == 0) continue;
    crew_fail(crew, "cannot start thread %u of %u: %s", i + 1, crew->n_members, strerror(error));
    return false; /* those that did start wait at the barrier until the process ends */
  }
  pthread_attr_destroy(&attributes);
  return true;
}

/* Where a CPU is taken away (a cpuset, a switched off one), the system moves the threads on without a word. */
static bool has_kept_cpus(const struct crew *crew) {
  const struct placement *placement = crew->trial->placement;
  for (unsigned i = 0; i < crew->n_members; i++)
    if (!crew->members[i].has_kept_cpu) return false;
  return topology_may_use(crew->trial->topology, placement->order, placement->n_cpus);
}

void crew_run(const struct trial *trial, struct trial_result *result, struct workload_key *state) {
  struct crew crew = {.trial = trial,
                      .result = result,
                      .n_members = trial->workload.n_threads,
                      .places = random_seed(trial->seed, UINT64_MAX)}; /* the workers' streams are their indices */
  const struct placement *placement = trial->placement;
  if (placement->n_cpus > 1)
    result->line_ns = line_transfer_ns(trial->topology, placement->order[0], placement->order[1]);

  const size_t snapshot_bytes = sizeof(struct snapshot) + crew.n_members * sizeof(((struct snapshot *)0)->of[0]);
  struct snapshot *open = memory_take(&crew.places, snapshot_bytes);
  struct snapshot *close = memory_take(&crew.places, snapshot_bytes);
  crew.signal = memory_take(&crew.places, sizeof *crew.signal);
  crew.members = memory_take(&crew.places, crew.n_members * sizeof *crew.members);
  crew.n_acquired = memory_take(&crew.places, crew.n_members * sizeof *crew.n_acquired);
  bool has_memory = open != NULL && close != NULL && crew.signal != NULL && crew.members != NULL &&
                    crew.n_acquired != NULL && memory_move_heap(&crew.places) && make_locks(&crew) &&
                    make_replay(&crew);
  for (unsigned i = 0; has_memory && i < crew.n_members; i++) {
    crew.members[i].crew = &crew;
    crew.members[i].cpu = placement_cpu(placement, i);
    crew.members[i].stack_offset = memory_offset(&crew.places);
  }
  for (unsigned i = 0; has_memory && i < crew.n_members; i++) has_memory = make_worker(&crew, i);
  if (!has_memory) {
    crew_fail(&crew, "no memory for the trial");
    return;
  }
  nudge_prepare(); /* see drain() */
  pthread_barrier_init(&crew.are_set_up, NULL, crew.n_members + 1);
  pthread_barrier_init(&crew.may_start, NULL, crew.n_members + 1);
  if (!start_workers(&crew)) return;
  pthread_barrier_wait(&crew.are_set_up);
  const int error = atomic_load_explicit(&crew.error, memory_order_relaxed);
  if (error != 0) {
    crew_fail(&crew, "cannot set up a thread: %s",
              error == EXDEV ? "the system placed it on another CPU than its own" : strerror(error));
    return;
  }
  result->status = TRIAL_OK;
  crew_time_window(&crew, open, close);
  crew_measure(&crew, open, close);
  if (result->status == TRIAL_OK && !has_kept_cpus(&crew))
    crew_fail(&crew, "the system took a CPU away from it while it ran");
  for (unsigned i = 0; i < trial->workload.n_locks; i++) trial->lock->destroy(lock_at(&crew, i));
  memcpy(state, crew_state(&crew, 0)->keys, trial->workload.n_keys * sizeof *state);
}
