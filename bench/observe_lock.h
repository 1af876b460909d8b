// SPDX-License-Identifier: MIT
/* observe_lock.h: one lock of a profile: what all threads recorded of it, added up. */
#ifndef OBSERVE_LOCK_H
#define OBSERVE_LOCK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/recording.h"
#include "symbols.h"

struct observe_site {
  uint64_t address, n_acquired, waited_ticks, caused_ticks;
};

struct observe_outer {
  uint32_t lock; /* 0: others */
  uint64_t n_times;
};

struct observe_histograms {
  uint64_t held[RECORDING_N_BUCKETS], waited[RECORDING_N_BUCKETS], gaps[RECORDING_N_BUCKETS];
};

struct observe_lock {
  uint32_t number;
  bool is_used;
  uint64_t n_acquired, n_threads;
  uint64_t counts[RECORDING_N_COUNTS];
  struct observe_site *sites;
  size_t n_sites;
  uint32_t *paths; /* numbers in the recording */
  size_t n_paths;
  struct observe_outer *outer;
  size_t n_outer;
  struct observe_histograms *histograms;
  unsigned made; /* which of the callers stands for the place: the first that is no wrapper */
  char *name;
};

/* Adds up all records, by lock: all[1] to all[recording_n_locks()], which are zero. False: no memory. */
bool observe_locks_add_up(struct observe_lock *all, const struct recording *recording);

/* Gives each a name that tells it from those that others have made, as far as its callers do. */
void observe_locks_name(struct observe_lock **used, uint32_t n_used, const struct recording *recording,
                        const struct symbols *symbols);

json_t *observe_lock_json(const struct observe_lock *lock, const struct recording *recording,
                          const struct symbols *symbols);

void observe_lock_free(struct observe_lock *lock);

#endif
