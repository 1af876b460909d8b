// SPDX-License-Identifier: MIT
/*
 * profile.h: what `lockbench observe` has recorded of a program (docs/profile.md), checked, and as far as a replay asks
 * for it. profile_replay.c makes sections of it that a trial can play.
 */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trial/replay.h"

struct profile_lock {
  int64_t id;
  bool is_rw;
  double n_instances, n_acquisitions, n_contended, wait_ns, hold_ns; /* the times of all acquisitions */
};

struct profile_event {
  uint32_t lock; /* index */
  bool reads, has_hold;
  uint32_t depth;
  double gap_ns, hold_ns;
  uint16_t gap_yields, yields; /* calls of sched_yield, whose time is in neither */
  bool gap_slept, slept;
};

struct profile_run {
  int64_t thread;
  double start_ns;
  double n_before; /* acquisitions of its thread; below 0: not known */
  uint32_t first, n_events;
};

struct profile {
  char *text; /* the file as it is */
  size_t n_bytes;
  char name[REPLAY_NAME_BYTES]; /* of the program, with a hash of the file */
  unsigned n_threads, n_cpus;
  double seconds; /* of its life */
  uint32_t n_locks, n_runs, n_events;
  struct profile_lock *locks;
  struct profile_run *runs;
  struct profile_event *events;
};

/* What is replayed, and what the replay under the program's own lock has to come to. */
struct profile_target {
  bool is_rw;        /* readers/writer locks; else mutexes and spin locks */
  double others_pct; /* of all acquisitions were of locks of the other kind */
  double acquisitions_per_s;
  double contended; /* share of the acquisitions, 0 to 1 */
};

/* Reads a file. Returns 0, or EINVAL or ENOMEM with one line in `why`, which names the file. */
int profile_read(struct profile *profile, const char *path, char *why, size_t why_bytes);
void profile_free(struct profile *profile);

/*
 * Makes the sections of it, and what they have to come to. A trial has locks of one kind, so the replay is of the kind
 * that the program waited for longest; time with the others is time between them. Returns 0, or EINVAL or ENOMEM with
 * one line in `why`.
 */
int profile_replay(const struct profile *profile, struct replay *replay, struct profile_target *target, char *why,
                   size_t why_bytes);
void profile_replay_free(struct replay *replay);

#endif
