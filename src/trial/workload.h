// SPDX-License-Identifier: MIT
/*
 * workload.h: what a worker does inside and between critical sections, and the shared state that the locks
 * protect. All of it is inlined into the loop of each lock (instance.c).
 *
 * The workload is the one of the Go program that lockbench grew from: readers add up values of random keys,
 * writers set random values 0..99. The state is plain memory: only the lock makes the sums come out right,
 * so every trial proves mutual exclusion, and the price of moving the data is part of what is measured.
 */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lk_arch.h"
#include "machine/clock.h"
#include "random.h"

struct replay;
struct replay_time;

enum think { THINK_NONE, THINK_SPIN, THINK_SLEEP };

/* Where a lock's state lies: see block.h. */
enum layout { LAYOUT_APART, LAYOUT_TOGETHER };

struct workload {
  bool has_fixed_roles; /* true: n_readers and n_writers; false: every thread reads with read_pct */
  unsigned n_threads, n_readers, n_writers;
  double read_pct;
  unsigned n_keys;   /* of the table behind each lock */
  unsigned n_locks;  /* an operation takes one of them at random */
  uint64_t cs_ns;    /* mean time spent inside the section, uniform in 0.5 .. 1.5 of it */
  unsigned cs_lines; /* further shared cache lines that a section visits: a writer writes, a reader reads */
  enum think think;
  double rate_per_s;  /* 0: closed loop. Else how many operations all threads together begin, at times of their own */
  uint64_t think_ns;  /* between operations: spin uniform in 0.5 .. 1.5 of it, sleep exactly it */
  bool tries;         /* an operation tries the lock once and goes on without it if that fails */
  enum layout layout; /* of each lock and its state */
  uint64_t spin_ns;   /* for locks that spin before they park */
  uint64_t backoff_max_ns;      /* for locks that back off between tries */
  const struct replay *replay;  /* NULL: none. Else locks, roles, sections and the time between them are its own */
  double hold_scale, gap_scale; /* of its sections, and of the time between them */
};

struct workload_key {
  uint32_t value;
  uint32_t n_writes; /* 0: not in the map yet */
};

struct workload_line {
  _Alignas(LK_LINE_BYTES) uint64_t n_visits;
};

/*
 * What one lock protects. Followed in memory by the keys; block.h tells where it lies.
 * An owner is tagged with the phase of the trial, so that a run of one owner is cut where the window opens and closes.
 */
struct workload_state {
  uint64_t n_sections; /* exclusive ones: all of a mutex, the writers' of an rw lock */
  uint64_t n_finished; /* rw locks only: n_sections when the last one ended */
  uint64_t run_start;  /* n_sections when the current owner took over */
  uint32_t owner_tag;  /* phase << 16 | worker's index */
  uint32_t unused;
  struct workload_key keys[];
};

/* One operation, drawn outside of the lock. */
struct workload_operation {
  bool reads;
  uint32_t key;
  uint32_t value;
  uint64_t cs_ticks;
  const struct replay_time *hold; /* of a replay, in place of that */
};

/* The bits that the compiler may drop if they are not used: `read_below` of 2^32 operations read. */
static inline struct workload_operation workload_draw(struct random_state *random, uint64_t read_below,
                                                      uint32_t n_keys) {
  const uint64_t bits = random_next(random);
  /* The top bits of xorshift64* are its best; the role takes the low half, which a comparison hardly strains. */
  struct workload_operation operation = {
      .reads = (uint32_t)bits < read_below,
      .key = random_below((uint32_t)(bits >> 32), n_keys),
  };
  if (!operation.reads) operation.value = random_below((uint32_t)(random_next(random) >> 32), 100);
  return operation;
}

/* Thinks outside of the section, spinning for about spin_ticks or sleeping; returns early on a signal. */
void workload_think(const struct workload *workload, uint64_t spin_ticks, struct random_state *random);

#endif
