// SPDX-License-Identifier: MIT
#include "worker.h"

#include "machine/clock.h"

void worker_take_over(struct worker *worker, struct workload_state *state, uint32_t tag) {
  const uint32_t previous = state->owner_tag;
  const uint64_t run = state->n_sections - state->run_start;
  state->owner_tag = tag;
  state->run_start = state->n_sections;
  worker_count(&worker->counts.n_handoffs[worker->handoff_class[previous & 0xffff]]);
  /* A phase's first section begins a run anew, so this one lay within the phase of its tag; relaxed: as in
   * worker_count. */
  if (previous >> 16 == PHASE_WINDOW && run > atomic_load_explicit(&worker->counts.longest_run, memory_order_relaxed))
    atomic_store_explicit(&worker->counts.longest_run, run, memory_order_relaxed);
}

void worker_begin_phase(struct worker *worker, uint32_t phase) {
  struct arrivals *const arrivals = &worker->arrivals;
  if (arrivals->origin == 0)
    arrivals_begin(arrivals, phase == PHASE_WARMUP ? clock_ticks() : worker->signal->open_ticks);
  else if (phase == PHASE_WINDOW)
    arrivals_drop_before(arrivals, worker->signal->open_ticks);
}

void worker_end_phase(struct worker *worker, uint32_t phase) {
  if (phase > PHASE_WINDOW) return;
  worker->left = worker->arrivals;
  /* Relaxed: the worker's own. */
  worker->n_done_when_left = atomic_load_explicit(&worker->counts.n_reads, memory_order_relaxed) +
                             atomic_load_explicit(&worker->counts.n_writes, memory_order_relaxed);
}
