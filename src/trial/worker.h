// SPDX-License-Identifier: MIT
/*
 * worker.h: one thread of a trial, as its loop (instance.c) and its trial (trial.c) see it.
 *
 * The counts are published by relaxed stores to the worker's own line after every operation, so that the
 * trial can take a snapshot of all threads while all of them still run, those included that wait for a lock.
 */
#ifndef WORKER_H
#define WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "arrivals.h"
#include "lk.h"
#include "lk_slice.h"
#include "machine/topology.h"
#include "random.h"
#include "replay.h"
#include "waits.h"
#include "workload.h"

/* The trial's phases; they only ever grow. Behind the window all go on for as long as the last snapshot takes. */
enum phase { PHASE_WARMUP, PHASE_WINDOW, PHASE_CLOSED, PHASE_STOP };

/* Read by all workers in every operation, written twice per trial: on a line of its own. */
struct worker_signal {
  _Alignas(LK_LINE_BYTES) _Atomic(uint32_t) phase;
  /* When the window opened and closed; each is set before its phase, and read by those that saw the phase. */
  uint64_t open_ticks, close_ticks;
};

/* The class of a hand-off by the distance it went; the last is none: the previous owner is the worker itself. */
enum { HANDOFF_NONE = N_DISTANCES, N_HANDOFF_CLASSES };

struct worker_counts {
  _Alignas(LK_LINE_BYTES) _Atomic(uint64_t) n_reads;
  _Atomic(uint64_t) n_writes;
  _Atomic(uint64_t) n_failed_tries;
  _Atomic(uint64_t) n_handoffs[N_HANDOFF_CLASSES];
  _Atomic(uint64_t) longest_run; /* of the owners that this worker relieved, within the window */
};

struct worker {
  struct worker_counts counts;

  /* Where a read stores what a write would store in the shared state: see struct site in instance.c. */
  struct workload_line unshared_line;
  struct workload_key unshared_key;

  /* Set before the thread starts, constant afterwards. */
  struct worker_signal *signal;
  unsigned index;
  uint64_t read_below;            /* of 2^32 operations are reads */
  uint64_t cs_ticks, think_ticks; /* the workload's cs_ns and think_ns on this machine's clock */
  struct workload workload;
  unsigned char *locks; /* n_locks blocks, see block.h */
  size_t block_bytes, state_offset, lines_offset;
  unsigned char *contexts; /* n_locks contexts of this worker */
  size_t context_bytes;
  const uint8_t *handoff_class; /* by previous owner's index; HANDOFF_NONE for oneself and for none (n_threads) */
  struct lk_domain domain;
  bool times_waits;
  bool counts_contention; /* of a replay: each acquisition is tried first, and those that fail are counted */
  bool extends;           /* asks for longer time slices; not of an open loop, a replay, or where locks are tried */
  unsigned code_layout;   /* which copy of the loop runs: see code_layout.h */

  /* The worker's own. */
  struct random_state random;
  uint64_t n_torn_reads; /* in shared mode that met a writer half-way: the lock is broken */
  uint64_t sum;          /* of what operations found; kept so that the reads cannot be dropped */
  struct waits *waits;   /* NULL unless times_waits */

  struct lk_slice slice; /* only if it extends */

  struct replay_cursor replay; /* only if the workload is one */

  /* Of an open loop; the last two as they were when the worker left the window. */
  struct arrivals arrivals, left;
  uint64_t n_done_when_left;
};

/* Adds one to a count that only this thread writes: no atomic increment is needed, only whole stores. */
static inline void worker_count(_Atomic(uint64_t) *count) {
  /* Relaxed: a statistic; the trial reads it for a snapshot and needs no order between threads. */
  atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

/*
 * The owner of `state` changes to `tag`: counts the hand-off and the run that it ends. Out of line: that
 * leaves the loop its registers, and beside the transfer of the lock's line a call is nothing.
 */
void worker_take_over(struct worker *worker, struct workload_state *state, uint32_t tag);

/*
 * In an open loop, around the operations of each phase. The window begins with an empty queue: what was due before and
 * could not be begun is left out, so that all that is done or left over in the window was due in it.
 */
void worker_begin_phase(struct worker *worker, uint32_t phase);
void worker_end_phase(struct worker *worker, uint32_t phase);

/* Enters the exclusive section on `state` as `tag`. */
static inline void worker_enter(struct worker *worker, struct workload_state *state, uint32_t tag) {
  if (LK_UNLIKELY(state->owner_tag != tag)) worker_take_over(worker, state, tag);
}

#endif
