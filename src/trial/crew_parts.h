// SPDX-License-Identifier: MIT
/*
 * crew_parts.h: what the parts of a crew share: the workers with their locks, which crew_make.c makes and crew.c runs,
 * and their counts at one moment, which crew_window.c takes and crew_measure.c reads. The simulator (src/simulate) runs
 * a crew too, on the CPUs of a model: it has the same making and measuring.
 */
#ifndef CREW_PARTS_H
#define CREW_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "block.h"
#include "machine/usage.h"
#include "trial.h"
#include "worker.h"

/* A worker with what only its trial knows of it. */
struct member {
  struct worker worker;
  pthread_t thread;
  pid_t thread_id; /* the system's */
  struct crew *crew;
  unsigned cpu;
  size_t stack_offset;       /* of its loop */
  uint64_t start_ns, end_ns; /* between which it was in its loop */
  bool has_kept_cpu;         /* until then it was bound to its own */
  _Atomic(bool) has_begun, has_ended;
};

struct crew {
  const struct trial *trial;
  struct trial_result *result;
  struct random_state places;                                 /* of all memory: see memory.h */
  void *(*take)(struct random_state *places, size_t n_bytes); /* zeroed memory on lines of its own, or NULL */
  struct worker_signal *signal;
  struct member *members;
  unsigned n_members;
  uint64_t *n_acquired;  /* by each member in the window */
  unsigned char *blocks; /* n_locks of them, each laid out as `block` says */
  struct block block;
  struct replay_section *replay_table; /* only if the workload is a replay */
  pthread_barrier_t are_set_up, may_start;
  _Atomic(int) error; /* the first errno of a worker that could not be bound */
};

/* All counts of all workers at one moment. */
struct snapshot {
  uint64_t at_ns;
  uint64_t n_handoffs[N_HANDOFF_CLASSES];
  struct usage usage;
  struct {
    uint64_t n_reads, n_writes, n_failed_tries;
  } of[];
};

static inline struct workload_state *crew_state(const struct crew *crew, unsigned i) {
  return (struct workload_state *)(void *)(crew->blocks + i * crew->block.n_bytes + crew->block.state_offset);
}

/*
 * Makes the signal, the locks, and the members with their workers, for crew->n_members of crew->trial. False: there is
 * no memory, or the lock cannot be made.
 */
bool crew_make(struct crew *crew);
struct snapshot *crew_make_snapshot(struct crew *crew);

/* The contexts of a member, by its own thread. False: there is no memory for them. */
bool crew_init_contexts(struct member *member);
void crew_destroy_contexts(struct member *member);
void crew_destroy_locks(struct crew *crew);

/* The workers' counts as they are now; neither the time nor what the system counts. */
void crew_count(const struct crew *crew, struct snapshot *snapshot);

/* The surroundings kept the trial from being made, as `format` says in one line. */
__attribute__((format(printf, 2, 3))) void crew_fail(struct crew *crew, const char *format, ...);

/*
 * Takes the workers, which wait to start, through warm-up and window, and joins them. The snapshots are of the window's
 * edges.
 */
void crew_time_window(struct crew *crew, struct snapshot *open, struct snapshot *close);

/* When all threads are joined: what came out between the two moments, and whether the locks excluded, as the result. */
void crew_measure(struct crew *crew, const struct snapshot *open, const struct snapshot *close);

#endif
