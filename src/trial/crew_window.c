// SPDX-License-Identifier: MIT
/* The crew's work in time: warm-up, the window between two snapshots of all counts, and the way out. */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "crew_parts.h"
#include "machine/cpu_quota.h"
#include "machine/nudge.h"
#include "standstill.h"

enum { GATHER_NS = 250 * 1000 * 1000 };

void crew_count(const struct crew *crew, struct snapshot *snapshot) {
  memset(snapshot->n_handoffs, 0, sizeof snapshot->n_handoffs);
  for (unsigned i = 0; i < crew->n_members; i++) {
    /* Relaxed: each is a whole value of its own; see worker_count. */
    struct worker_counts *counts = &crew->members[i].worker.counts;
    snapshot->of[i].n_reads = atomic_load_explicit(&counts->n_reads, memory_order_relaxed);
    snapshot->of[i].n_writes = atomic_load_explicit(&counts->n_writes, memory_order_relaxed);
    snapshot->of[i].n_failed_tries = atomic_load_explicit(&counts->n_failed_tries, memory_order_relaxed);
    for (unsigned c = 0; c < N_HANDOFF_CLASSES; c++)
      snapshot->n_handoffs[c] += atomic_load_explicit(&counts->n_handoffs[c], memory_order_relaxed);
  }
}

static void take_snapshot(const struct crew *crew, struct snapshot *snapshot) {
  const uint64_t start_ns = clock_now_ns();
  crew_count(crew, snapshot);
  snapshot->at_ns = start_ns + (clock_now_ns() - start_ns) / 2;
  snapshot->usage = usage_now();
}

LK_FENCES_BEGIN /* what this one orders is atomic, so the thread sanitizer needs not know of it */

static void set_phase(struct crew *crew, enum phase phase) {
  if (phase == PHASE_WINDOW) crew->signal->open_ticks = clock_ticks_ordered();
  if (phase == PHASE_CLOSED) crew->signal->close_ticks = clock_ticks_ordered();
  /* Release: pairs with the acquires in work() and loop() of instance.c; the ticks come with it. */
  atomic_store_explicit(&crew->signal->phase, phase, memory_order_release);
  /* Sequentially consistent: the snapshot behind the close loads, and must not have done so before this store is seen.
   */
  atomic_thread_fence(memory_order_seq_cst);
}

LK_FENCES_END

/*
 * Asks the scheduler for short slices for the calling thread: it then preempts spinners when it wakes up, instead of
 * waiting for the end of theirs, 4 ms later. Linux 6.12 and newer; older ones preempt for a sleeper anyway.
 */
static void ask_for_short_slices(void) {
  if (sched_getscheduler(0) != SCHED_OTHER) return;
  const struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
  } attributes = {.size = sizeof attributes,
                  .policy = SCHED_OTHER,
                  .nice = getpriority(PRIO_PROCESS, 0),
                  .runtime_ns = 100 * 1000}; /* sched_setattr(2) */
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

/*
 * The window is to open when each worker is in its loop. Spinners that outnumber the CPUs keep the others from getting
 * there for a slice each; if it takes too long, the window opens without them, and noise.h tells.
 */
static void gather(const struct crew *crew) {
  const uint64_t limit_ns = clock_now_ns() + GATHER_NS;
  for (unsigned i = 0; i < crew->n_members && clock_now_ns() < limit_ns;)
    if (atomic_load_explicit(&crew->members[i].has_begun, memory_order_relaxed)) /* see work() */
      i++;
    else
      clock_sleep_until(clock_now_ns() + 1000 * 1000);
}

/*
 * The window is closed and nothing is measured any more, but each worker still finishes its last operation.
 * Those that are still at it are nudged, which also ends a worker's sleep between operations.
 * Their weight is lowered first, by what they outnumber the CPUs, or the scheduler's fairness would give the sender of
 * the signals no CPU either. (Lowered to the least, they would starve beside any other program.)
 */
static void drain(struct crew *crew) {
  const double n_per_cpu = (double)crew->n_members / crew->trial->placement->n_cpus;
  /* A step of niceness is a factor of 1.25: sched(7). */
  const int niceness = n_per_cpu > 1 ? (int)fmin(19, ceil(log(n_per_cpu) / log(1.25))) : 0;
  for (unsigned i = 0; i < crew->n_members; i++) setpriority(PRIO_PROCESS, (id_t)crew->members[i].thread_id, niceness);
  for (bool all_ended = false; !all_ended;) {
    all_ended = true;
    for (unsigned i = 0; i < crew->n_members; i++) {
      if (atomic_load_explicit(&crew->members[i].has_ended, memory_order_relaxed)) continue; /* see work() */
      all_ended = false;
      pthread_kill(crew->members[i].thread, NUDGE_SIGNAL);
    }
    if (!all_ended) clock_sleep_until(clock_now_ns() + 50 * 1000);
  }
  for (unsigned i = 0; i < crew->n_members; i++) pthread_join(crew->members[i].thread, NULL);
}

/*
 * Runs the crew through warm-up and window, with a snapshot of all counts at either edge of the window. What is kept in
 * the phase of the window (waits, runs of one owner) lies between the snapshots, but for the operations that a thread
 * has begun at the close, one each: so invariants.h can hold it against the counts.
 */
static void time_window(struct crew *crew, struct snapshot *open, struct snapshot *close) {
  const struct trial *trial = crew->trial;
  struct trial_result *result = crew->result;
  const bool has_warmup = trial->warmup_s > 0;
  if (has_warmup) {
    pthread_barrier_wait(&crew->may_start);
    clock_sleep_until(clock_now_ns() + (uint64_t)(trial->warmup_s * 1e9));
    gather(crew);
  }
  const double migrations = trial->placement->is_pinned ? 0 : usage_migrations();
  struct cpu_quota quota;
  cpu_quota_find(&quota, "");
  const double throttled_s = cpu_quota_throttled_s(&quota);
  const struct cpu_usage cpus = usage_of_cpus(trial->topology, trial->placement);
  take_snapshot(crew, open);
  set_phase(crew, PHASE_WINDOW);
  if (!has_warmup) pthread_barrier_wait(&crew->may_start); /* the window holds everything from the start on */
  struct standstill standstill = standstill_begin(open->at_ns, clock_suspended_ns());
  standstill_sleep(&standstill, (uint64_t)(trial->duration_s * 1e9));
  set_phase(crew, PHASE_CLOSED);
  take_snapshot(crew, close);
  result->standstill_s = standstill_end(&standstill, close->at_ns, clock_suspended_ns());
  set_phase(crew, PHASE_STOP);
  const struct cpu_usage cpus_after = usage_of_cpus(trial->topology, trial->placement);
  const double elapsed_s = (double)(clock_now_ns() - open->at_ns) / 1e9;
  const double cpu_time_s = elapsed_s * trial->placement->n_cpus;
  result->steal_pct = 100 * (cpus_after.steal_s - cpus.steal_s) / cpu_time_s;
  result->throttled_pct = 100 * (cpu_quota_throttled_s(&quota) - throttled_s) / cpu_time_s;
  result->migrations = trial->placement->is_pinned ? 0 : usage_migrations() - migrations;
}

void crew_time_window(struct crew *crew, struct snapshot *open, struct snapshot *close) {
  ask_for_short_slices();
  time_window(crew, open, close);
  drain(crew);
}
