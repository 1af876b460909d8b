// SPDX-License-Identifier: MIT
/*
 * registry.h: the locks as the hosts know them: each compiled from its header by trial/instance.c, all in one list.
 */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "lk.h"

struct worker;

struct lk_ops {
  const char *name;
  const char *twin_of; /* a lock that is measured once more under this name, or NULL */
  unsigned traits;     /* enum lk_traits */
  size_t lock_bytes, lock_align;
  size_t ctx_bytes, ctx_align; /* ctx_bytes is 0 for a lock whose context holds nothing */

  /* Out of line, for set-up and tests; see lk.h. try_lock is NULL where the algorithm has none. */
  bool (*init)(void *lock, const struct lk_config *config);
  void (*destroy)(void *lock);
  bool (*ctx_init)(void *lock, void *ctx, const struct lk_domain *domain);
  void (*ctx_destroy)(void *lock, void *ctx);
  void (*lock)(void *lock, void *ctx);
  bool (*try_lock)(void *lock, void *ctx);
  void (*unlock)(void *lock, void *ctx);
  bool (*timed_lock)(void *lock, void *ctx, uint64_t deadline_ns); /* NULL: who waits cannot give up */

  /* Of a readers/writer lock, whose lock and unlock above are the exclusive mode; else NULL. */
  void (*lock_shared)(void *lock, void *ctx);
  bool (*try_lock_shared)(void *lock, void *ctx);
  bool (*unlock_shared)(void *lock, void *ctx); /* false: the reads were not consistent; do the section again */
  unsigned writer_phases;                       /* that a writer waits for at most; 0: no promise. See lk.h */

  /* The bounds of a lock that says LK_BOUNDED, and of one with LK_DOMAINS, else NULL; see lk.h. */
  uint64_t (*bypass)(const struct lk_config *config);
  uint64_t (*domain_run)(const struct lk_config *config);
  /* What init and the ctx_init of all n_threads contexts allocate, in bytes; NULL: nothing. */
  size_t (*heap_bytes)(const struct lk_config *config);

  /* The timed loop with the lock inlined: runs from the call until the trial's phase is PHASE_STOP. */
  void (*work)(struct worker *worker);
};

/* All locks, in the order of the list in locks/meson.build; NULL ends it. */
extern const struct lk_ops *const registry[];

/* Those of them that a plain run measures; NULL ends it. */
extern const struct lk_ops *const registry_common[];

/* The lock of that name, or NULL. */
const struct lk_ops *registry_find(const char *name);

/* Fills `text` with the names that contain a mistyped one, or else the nearest by edit distance, comma separated. */
void registry_suggest(const char *name, char *text, size_t n_bytes);

/* What one lock and its contexts allocate, in bytes, and an example: 64 threads on 64 CPUs, two nodes of a cache each.
 */
size_t registry_heap_bytes(const struct lk_ops *lock, const struct lk_config *config);
struct lk_config registry_example(void);

/* Something to hold locks against: it excludes no thread, or is a lock's twin. */
bool registry_is_baseline(const struct lk_ops *lock);

/* The traits in the words of the CSV. Baselines wait for nothing: "". */
const char *registry_kind(const struct lk_ops *lock);          /* mutex, rw, baseline */
const char *registry_fifo(const struct lk_ops *lock);          /* yes, bounded, no, "" */
const char *registry_waits(const struct lk_ops *lock);         /* spin, park, hybrid, "" */
const char *registry_freed_by_last(const struct lk_ops *lock); /* yes, no, "" */
const char *registry_source(const struct lk_ops *lock);        /* ours, system, peer */

#endif
