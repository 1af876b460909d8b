// SPDX-License-Identifier: MIT
#include "crew.h"

#include <alloca.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "crew_parts.h"
#include "machine/line_transfer.h"
#include "machine/nudge.h"
#include "machine/priority.h"
#include "memory.h"

enum { STACK_BYTES = 512 * 1024 };

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
  int error = trial->placement->is_pinned ? topology_bind_self(trial->topology, member->cpu) : 0;
  int none = 0;
  member->thread_id = gettid();
  if (trial->workload.rate_per_s > 0 || trial->workload.replay != NULL)
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns: as little late as the kernel can */
  if (!crew_init_contexts(member) && error == 0) error = ENOMEM;
  if (trial->extends_slices && lk_slice_enable(&member->worker.slice) != LK_SLICE_ON && error == 0) error = ENOTSUP;
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
  crew_destroy_contexts(member);
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
                      .take = memory_take,
                      .places = random_seed(trial->seed, UINT64_MAX)}; /* the workers' streams are their indices */
  const struct placement *placement = trial->placement;
  if (placement->n_cpus > 1)
    result->line_ns = line_transfer_ns(trial->topology, placement->order[0], placement->order[1]);

  struct snapshot *open = crew_make_snapshot(&crew);
  struct snapshot *close = crew_make_snapshot(&crew);
  const bool has_memory = open != NULL && close != NULL && memory_move_heap(&crew.places) && crew_make(&crew);
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
  crew_destroy_locks(&crew);
  memcpy(state, crew_state(&crew, 0)->keys, trial->workload.n_keys * sizeof *state);
}
