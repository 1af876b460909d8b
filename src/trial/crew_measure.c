// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <stdio.h>

#include "crew_parts.h"

/*
 * The counts are plain memory that only the lock protects: if two were inside at once, additions got lost. Readers in
 * shared mode add nothing, but they saw it if a writer was inside.
 */
static void check_exclusion(struct crew *crew) {
  uint64_t n_exclusive = 0, n_writes = 0, n_counted = 0, n_written = 0, n_torn = 0;
  const bool is_rw = crew->trial->lock->traits & LK_RW;
  for (unsigned i = 0; i < crew->n_members; i++) {
    struct worker *worker = &crew->members[i].worker; /* relaxed: the threads are joined */
    const uint64_t n_own_writes = atomic_load_explicit(&worker->counts.n_writes, memory_order_relaxed);
    n_writes += n_own_writes;
    n_exclusive += n_own_writes;
    if (!is_rw) n_exclusive += atomic_load_explicit(&worker->counts.n_reads, memory_order_relaxed);
    n_torn += worker->n_torn_reads;
  }
  for (unsigned i = 0; i < crew->trial->workload.n_locks; i++) {
    const struct workload_state *state = crew_state(crew, i);
    n_counted += state->n_sections;
    for (unsigned k = 0; k < crew->trial->workload.n_keys; k++) n_written += state->keys[k].n_writes;
  }
  /* The table counts its writes in 32 bits a key. */
  if (n_counted == n_exclusive && (uint32_t)n_written == (uint32_t)n_writes && n_torn == 0) return;
  crew->result->status = TRIAL_BROKEN;
  snprintf(crew->result->why, sizeof crew->result->why,
           "the lock did not exclude: %" PRIu64 " sections counted inside of %" PRIu64 " done, %" PRIu64
           " writes of %" PRIu64 ", %" PRIu64 " reads met a writer",
           n_counted, n_exclusive, n_written, n_writes, n_torn);
}

/* What a worker had not begun when the window closed; `left` is then after it. */
static uint64_t count_pending(const struct crew *crew, struct arrivals *left) {
  const struct worker_signal *signal = crew->signal;
  uint64_t n = 0;
  if (left->origin == 0) arrivals_begin(left, signal->open_ticks); /* it never got into its loop */
  for (arrivals_drop_before(left, signal->open_ticks); left->due < signal->close_ticks; arrivals_next(left)) n++;
  return n;
}

/*
 * What was due in the window is what was done from its opening until the worker left it, and what it then had before
 * it. The snapshot at the close is a little later: what it has seen done was due.
 */
static void measure_arrivals(struct crew *crew, const struct snapshot *open, const struct snapshot *close) {
  crew->result->n_due = 0;
  for (unsigned i = 0; i < crew->n_members; i++) {
    const struct worker *worker = &crew->members[i].worker;
    struct arrivals left = worker->left;
    const uint64_t n_done_before = open->of[i].n_reads + open->of[i].n_writes;
    const uint64_t n_due = worker->n_done_when_left + count_pending(crew, &left);
    const uint64_t n_done = close->of[i].n_reads + close->of[i].n_writes;
    crew->result->n_due += (double)((n_due > n_done ? n_due : n_done) - n_done_before);
  }
}

/* An operation that is due and has not begun waits too. */
static void add_pending_waits(struct crew *crew) {
  for (unsigned i = 0; i < crew->n_members; i++) {
    struct worker *worker = &crew->members[i].worker;
    const uint64_t close_ticks = crew->signal->close_ticks;
    for (struct arrivals *left = &worker->left; left->due < close_ticks; arrivals_next(left))
      waits_add_open(worker->waits, close_ticks - left->due, close_ticks - left->due);
  }
}

static void measure_waits(struct crew *crew) {
  struct waits *all = crew->members[0].worker.waits;
  const struct histogram *lengths = &all->lengths;
  struct trial_waits *waits = &crew->result->waits;
  for (unsigned i = 1; i < crew->n_members; i++) waits_merge(all, crew->members[i].worker.waits);
  waits->n = (double)lengths->n_values;
  waits->n_open = (double)all->n_open;
  if (lengths->n_values == 0) return;
  waits->bound_from_q = waits_bound_from(all);
  waits->p50_ns = clock_ticks_to_ns(histogram_quantile(lengths, 0.5));
  waits->p90_ns = clock_ticks_to_ns(histogram_quantile(lengths, 0.9));
  waits->p99_ns = clock_ticks_to_ns(histogram_quantile(lengths, 0.99));
  waits->p999_ns = clock_ticks_to_ns(histogram_quantile(lengths, 0.999));
  waits->max_ns = clock_ticks_to_ns((double)lengths->max);
}

/* Of a closed loop: in an open one a thread can be in several waits at once. */
static void measure_wait_time(struct crew *crew) {
  const struct waits *all = crew->members[0].worker.waits; /* measure_waits() has gathered them there */
  const uint64_t window = clock_ticks_between(crew->signal->open_ticks, crew->signal->close_ticks);
  const double thread_time = (double)crew->n_members * (double)window;
  for (unsigned i = 0; i < WAITS_N_LIMITS; i++)
    crew->result->waits.time_pct[i] = 100 * (double)waits_time_from(all, i) / thread_time;
}

static void measure_window(struct crew *crew, const struct snapshot *open, const struct snapshot *close) {
  struct trial_result *result = crew->result;
  uint64_t last_start_ns = open->at_ns, first_end_ns = close->at_ns;
  for (unsigned i = 0; i < crew->n_members; i++) {
    const struct member *member = &crew->members[i];
    const uint64_t n_reads = close->of[i].n_reads - open->of[i].n_reads;
    const uint64_t n_writes = close->of[i].n_writes - open->of[i].n_writes;
    result->n_reads += n_reads;
    result->n_writes += n_writes;
    result->n_failed_tries += close->of[i].n_failed_tries - open->of[i].n_failed_tries;
    crew->n_acquired[i] = n_reads + n_writes;
    result->n_late += member->start_ns >= close->at_ns;
    if (member->start_ns > last_start_ns) last_start_ns = member->start_ns;
    if (member->end_ns < first_end_ns) first_end_ns = member->end_ns;
  }
  for (unsigned c = 0; c < N_DISTANCES; c++) {
    result->n_handoffs[c] = close->n_handoffs[c] - open->n_handoffs[c];
    result->n_owner_changes += result->n_handoffs[c];
  }
  const double window_ns = (double)(close->at_ns - open->at_ns);
  const uint64_t window_ticks = clock_ticks_between(crew->signal->open_ticks, crew->signal->close_ticks);
  result->duration_s = window_ns / 1e9;
  result->ticks_ahead_s = (clock_ticks_to_ns((double)window_ticks) - window_ns) / 1e9;
  result->overlap_pct = first_end_ns > last_start_ns ? 100 * (double)(first_end_ns - last_start_ns) / window_ns : 0;
  result->fairness = fairness_of(crew->n_acquired, crew->n_members);
  result->usage = usage_between(&open->usage, &close->usage);
}

/* The runs that were relieved are in the workers' counts; the last owner's is still open in each lock's state. */
static void measure_longest_run(struct crew *crew) {
  uint64_t longest = 0;
  for (unsigned i = 0; i < crew->n_members; i++) {
    const uint64_t run = atomic_load_explicit(&crew->members[i].worker.counts.longest_run, memory_order_relaxed);
    if (run > longest) longest = run;
  }
  for (unsigned i = 0; i < crew->trial->workload.n_locks; i++) {
    const struct workload_state *state = crew_state(crew, i);
    const uint64_t run = state->n_sections - state->run_start;
    if (state->owner_tag >> 16 == PHASE_WINDOW && run > longest) longest = run;
  }
  crew->result->longest_run = longest;
}

void crew_measure(struct crew *crew, const struct snapshot *open, const struct snapshot *close) {
  measure_window(crew, open, close);
  measure_longest_run(crew);
  const bool is_open = crew->trial->workload.rate_per_s > 0;
  if (is_open) measure_arrivals(crew, open, close);
  if (crew->trial->times_waits && !trial_is_saturated(crew->trial, crew->result)) {
    if (is_open) add_pending_waits(crew);
    measure_waits(crew);
    if (!is_open) measure_wait_time(crew);
  }
  if (!(crew->trial->lock->traits & LK_BASELINE)) check_exclusion(crew);
}
