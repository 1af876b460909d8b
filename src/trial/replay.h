// SPDX-License-Identifier: MIT
/*
 * replay.h: the critical sections of a real program, as `lockbench observe` has recorded them, in place of random ones:
 * which lock, whether it was taken for reading, the time before it and the time inside.
 *
 * What was recorded are runs: up to 64 sections that a thread made one after another. A worker draws whole runs, so
 * that what belongs together stays together: the long section after the short one, the second lock after the first.
 * Each worker has the runs of one of the program's threads (or of several, or shares them with other workers, as their
 * numbers require), since threads differ in what they do. It begins at a random moment of its runs: one within a long
 * gap is more likely than one within a short one, and only so the window sees what the program does
 * and not how it starts.
 *
 * Times are kept by the clock. A gap runs from the end of the last release to the next acquisition, so that what the
 * worker does meanwhile (counting, drawing the next section) is part of it and not added to it; a section runs from the
 * acquisition to the release, with all that it touches. Neither can be shorter than that. A worker gives its CPU up
 * where the program did: by as many calls of sched_yield, whose time comes on top since it is the others', and by a
 * sleep.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "await.h"
#include "lk_arch.h"
#include "machine/clock.h"
#include "random.h"

/* ns as recorded, ticks of the clock in a worker's table; what 32 bits cannot hold is as long as they can. */
struct replay_time {
  uint32_t length;
  uint16_t n_yields;
  bool is_slept; /* in part at least, as was seen */
};

struct replay_section {
  uint32_t place; /* number of the lock << 1 | whether it reads */
  struct replay_time gap, hold;
};

/* Things in a row: the sections of a run, or the runs of one of the program's threads. */
struct replay_span {
  uint32_t first, n;
};

enum { REPLAY_NAME_BYTES = 64 };

/* What a profile has to replay. */
struct replay {
  char name[REPLAY_NAME_BYTES]; /* of the program, with a hash of the profile */
  unsigned n_threads;           /* that the program did this with */
  unsigned n_locks;
  double read_pct; /* of the sections */
  uint32_t n_sources, n_runs, n_sections;
  struct replay_span *sources; /* the program's threads, each with its part of `runs` */
  struct replay_span *runs;
  struct replay_section *sections;
};

/* How a worker waits for a time to pass in which the program may have slept, and for one in which it has. */
struct replay_patience {
  struct await unknown, asleep;
};

/* Where a worker is. */
struct replay_cursor {
  const struct replay_section *sections; /* of all workers: they read them, and nobody writes */
  const struct replay_span *runs;        /* the worker's own */
  uint32_t n_runs;
  const struct replay_section *next, *end; /* what is left of the run that was drawn */
  uint64_t released;                       /* when the last section ended; 0: not begun */
  uint64_t passed;                         /* of the first gap, before the worker began */
  struct replay_patience patience;
};

/* Fills `table` (n_sections of them) with times on this machine's clock, scaled. */
void replay_scale(const struct replay *replay, double gap_scale, double hold_scale, struct replay_section *table);

/* How many runs the worker that has most of them has, among n_workers. */
uint32_t replay_most_runs(const struct replay *replay, unsigned n_workers);

/*
 * The cursor of worker `index` of n_workers, which has a CPU to itself or has not, at a random moment of its runs.
 * `runs` is room for these (replay_most_runs).
 */
struct replay_cursor replay_cursor_make(const struct replay *replay, const struct replay_section *table, unsigned index,
                                        unsigned n_workers, bool has_own_cpu, struct replay_span *runs,
                                        struct random_state *random);

/* Once, when the worker begins. */
static inline void replay_begin(struct replay_cursor *cursor) {
  if (cursor->released == 0) cursor->released = clock_ticks() - cursor->passed;
}

/* The section to come; it stays so until replay_go_on(). */
static inline const struct replay_section *replay_next(struct replay_cursor *cursor, struct random_state *random) {
  if (LK_UNLIKELY(cursor->next == cursor->end)) {
    const struct replay_span run = cursor->runs[random_below((uint32_t)(random_next(random) >> 32), cursor->n_runs)];
    cursor->next = cursor->sections + run.first;
    cursor->end = cursor->next + run.n;
  }
  return cursor->next;
}

/* The section has ended at `released`. */
static inline void replay_go_on(struct replay_cursor *cursor, uint64_t released) {
  cursor->next++;
  cursor->released = released;
}

/* The same for a time in which the CPU was given up, or may have been. */
bool replay_pass_idle(const struct replay_patience *patience, uint64_t start, const struct replay_time *time,
                      const _Atomic(uint32_t) *phase, uint32_t during);

/*
 * Lets a time pass from `start` on: spins for as long as is usual between locks; if there is more, most of it is
 * slept, as the program did or most likely did. Returns false if it was given up since *phase is no longer `during`.
 */
static inline bool replay_pass(const struct replay_patience *patience, uint64_t start, const struct replay_time *time,
                               const _Atomic(uint32_t) *phase, uint32_t during) {
  const uint32_t n_ticks = time->length;
  if (LK_UNLIKELY(n_ticks > patience->unknown.near_ticks || time->n_yields > 0 || time->is_slept))
    return replay_pass_idle(patience, start, time, phase, during);
  while (clock_ticks() - start < n_ticks) {
  }
  return true;
}

#endif
