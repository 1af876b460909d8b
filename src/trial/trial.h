// SPDX-License-Identifier: MIT
/*
 * trial.h: one timed trial of one lock under one workload, in a process of its own, so that a lock that hangs or
 * crashes costs one row. Where code and data lie is drawn for each trial: the layout is part of the sample
 * (code_layout.h, memory.h).
 */
#ifndef TRIAL_H
#define TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "fairness.h"
#include "machine/placement.h"
#include "machine/topology.h"
#include "machine/usage.h"
#include "registry.h"
#include "waits.h"
#include "workload.h"

enum trial_status {
  TRIAL_OK,
  TRIAL_NOISY,     /* the machine was in its way; its re-run is another row (see noise.h) */
  TRIAL_DISTURBED, /* what surrounds it kept it from being made: no fault of the lock, and still to be done */
  TRIAL_TIMEOUT,   /* did not end in time and was killed */
  TRIAL_CRASHED,   /* died */
  TRIAL_BROKEN,    /* the sums say that the lock did not exclude */
  TRIAL_INVALID,   /* the numbers contradict each other: the harness's fault, see invariants.h */
};

struct trial;
struct trial_result;

/*
 * Makes a trial in its own process and fills the result, the first lock's key table included: crew_run() on the threads
 * of this machine, or the simulator.
 */
typedef void trial_host(const struct trial *, struct trial_result *, struct workload_key *);

/* What to measure. */
struct trial {
  const struct lk_ops *lock;
  struct workload workload;
  const struct topology *topology;
  const struct placement *placement;
  double warmup_s, duration_s;
  double pause_ns;        /* of one lk_pause(): see pause.h */
  double timeout_s;       /* how long it may take beyond warm-up and window */
  bool times_waits;       /* measure each wait; then the rates are distorted by the clock and are left out */
  bool counts_contention; /* of a replay: acquisitions are tried first, and how many failed is in n_failed_tries */
  bool extends_slices;    /* threads inside of sections ask for longer time slices, which the machine has */
  unsigned code_layout;   /* which copy of the lock's loop runs: see code_layout.h */
  uint64_t seed;
  trial_host *host; /* NULL: on this machine's threads; else the machine cannot be in its way */
  void *host_data;  /* of such a host */
};

/* What is not below bound_from_q is a lower bound: see waits.h. */
struct trial_waits {
  double p50_ns, p90_ns, p99_ns, p999_ns, max_ns;
  double n, n_open, bound_from_q;
  double time_pct[WAITS_N_LIMITS]; /* of the threads' time, in waits of at least 1 us, 10 us ... 100 ms */
};

/* What the trial tells its locks of threads, CPUs, domains and times. */
struct lk_config trial_config(const struct trial *trial);

/* Nothing is measured yet: all NaN. */
extern const struct trial_waits trial_waits_unmeasured;

/* What was measured, in the window only. NaN: not measured. */
struct trial_result {
  enum trial_status status;
  char why[200]; /* one line, unless TRIAL_OK */
  double duration_s;
  double overlap_pct;   /* of the window, in which all workers were at work */
  unsigned n_late;      /* threads that began after the window */
  double standstill_s;  /* of the window, in which everything stood still: see standstill.h */
  double ticks_ahead_s; /* by how much the window was longer on the clock of the waits than on the system's */
  uint64_t n_reads, n_writes;
  uint64_t n_failed_tries; /* only where the workload tries, or contention is counted */
  struct fairness fairness;
  uint64_t n_owner_changes, longest_run;
  uint64_t n_handoffs[N_DISTANCES]; /* between pinned threads only, else 0 */
  struct trial_waits waits;
  struct usage usage;
  double migrations, steal_pct;
  double throttled_pct; /* of the CPUs' time, in which a quota kept the process's group from running */
  double n_due;         /* open loop: operations that were to begin in the window */
  double line_ns;
  double peak_rss_bytes; /* of the trial's process, thread stacks included */
};

/* ok, noisy, disturbed, timeout, crashed, broken, invalid */
extern const char *const trial_status_names[];

/*
 * Whether an open loop fell behind: of what was to begin in the window more than a twentieth, and more than two
 * operations of each thread, were left over. Its waits grow with the window, and are not measured.
 */
bool trial_is_saturated(const struct trial *trial, const struct trial_result *result);

/* How often a trial may be run again that the machine was in the way of, or its surroundings kept from being made. */
enum { TRIAL_MAX_RERUNS = 2 };

/*
 * Runs the trial and waits for it. `state` (n_keys entries) receives the first lock's key table, or is NULL. A trial
 * that the machine was in the way of is noisy; with is_last_try only if no column tells how much: see noise.h.
 * Returns 0 with the result filled (its status tells how the trial ended), or an errno after a message if no
 * process can be made, and not for want of something that may come back.
 */
int trial_run(const struct trial *trial, bool is_last_try, struct trial_result *result, struct workload_key *state);

/* Whether a trial that ended so is to be run again, unless that was the last try. */
bool trial_is_to_be_repeated(const struct trial_result *result);

/* The bytes of shared and per-thread memory that a trial of this workload needs, stacks aside; on all of the machine.
 */
double trial_memory_bytes(const struct lk_ops *lock, const struct workload *workload, const struct topology *topology);

#endif
