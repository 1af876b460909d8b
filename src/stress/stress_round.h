// SPDX-License-Identifier: MIT
/*
 * stress_round.h: what one round has, and what all of its parts call. They know this header and not each other, but for
 * stress.c, which makes the rounds, and the workers, which stop themselves by stress_step.h.
 *
 * What a lock protects is atomic, though relaxed, since the readers of some locks race with a writer and retry. A
 * relaxed load, a delay and a relaxed store are no more of a whole than plain ones, and order nothing.
 */
#ifndef STRESS_ROUND_H
#define STRESS_ROUND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "machine/clock.h"
#include "random.h"
#include "stress.h"

enum { STRESS_MAX_LOCKS = 8, STRESS_N_WORDS = 4 };

/* A lock with what it protects, in the child's memory. */
struct stress_room {
  void *lock;
  _Atomic(uint32_t) owner;    /* index + 1; 0: no thread is inside in the exclusive mode */
  _Atomic(uint64_t) checksum; /* of all values that were added */
  struct {
    _Alignas(LK_LINE_BYTES) _Atomic(uint64_t) n_sections; /* exclusive ones; all alike whenever none is inside */
  } words[STRESS_N_WORDS];
};

/* A place for one thread at a time, on lines of its own. */
struct stress_slot {
  _Alignas(LK_LINE_BYTES) struct stress_round *round;
  unsigned index;
  pthread_t thread; /* the slot's first; in a churning round it starts the others */
  struct random_state random;
  uint64_t n_exclusive[STRESS_MAX_LOCKS], sums[STRESS_MAX_LOCKS]; /* what this slot did, to hold the rooms against */
  _Atomic(uint64_t) longest_wait_ns; /* this and the rest: relaxed, each a value of its own, looked at from outside */
  _Atomic(pid_t) thread_id;          /* of the thread that is at work, 0 if none: for signals */
  _Atomic(uint64_t) n_sections;      /* as they happen, so that a hang is seen */
  _Atomic(bool) waits, has_ended;
};

struct stress_round {
  const struct lk_ops *ops;
  enum stress_phase phase;
  unsigned n_slots, n_locks;
  unsigned n_nested;     /* locks held at once, at most */
  uint32_t shared_below; /* of 2^16 operations on a readers/writer lock are reads */
  bool steps;            /* threads stop between two instructions */
  bool churns;
  bool spares_waiters; /* from signals: one that is forgotten asleep must not be woken by them */
  struct stress_room *rooms;
  struct stress_slot *slots;
  struct stress_result *result; /* the parent reads it, even if this process dies */
  _Atomic(bool) must_stop, is_reported;
};

static inline bool stress_must_stop(const struct stress_round *round) {
  return atomic_load_explicit(&round->must_stop, memory_order_relaxed); /* it only ends loops */
}

/* Says what is wrong, if it is the first to say so, and ends the round. */
__attribute__((format(printf, 3, 4))) void stress_report(struct stress_round *round, enum stress_verdict verdict,
                                                         const char *format, ...);

/* Memory on lines of its own, filled with a pattern; free() it. The process ends with a report if there is none. */
void *stress_memory(struct stress_round *round, size_t n_bytes);

/* Starts a thread, or ends the process with a report. */
pthread_t stress_thread(struct stress_round *round, void *(*body)(void *), void *argument);

/*
 * Lowers the weight of the calling thread, so that the main thread gets a CPU to disturb and to end a round; but not to
 * the least, or another program that is running starves it. Threads that it starts have the same.
 */
void stress_weigh_little(void);

#endif
