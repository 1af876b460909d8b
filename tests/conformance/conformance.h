// SPDX-License-Identifier: MIT
/* conformance.h: one promise of lk.h each; failures are counted by check.h's means in the file that includes this. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdbool.h>

#include "registry.h"

struct conformance_case {
  const char *name;
  void (*run)(const struct lk_ops *ops);
};

/* How long the threads of one case are at it, and how many there are at most. */
extern unsigned conformance_round_ms, conformance_max_threads;

/* What is looked at in two ways is looked at in the one that finds most. */
extern bool conformance_is_short;

/* Of every lock, by its exclusive mode; NULL ends the list. */
extern const struct conformance_case conformance_exclusive[];

extern const struct conformance_case conformance_order[];

extern const struct conformance_case conformance_bypass[];

extern const struct conformance_case conformance_freed[];

extern const struct conformance_case conformance_timed[];

extern const struct conformance_case conformance_processes[];

/* Of a lock that goes by domains. Weak: NULL in a client without hwloc, which makes the machines up. */
extern const struct conformance_case conformance_domains[] __attribute__((weak));

/* Of a readers/writer lock, by both modes. */
extern const struct conformance_case conformance_shared[];

extern const struct conformance_case conformance_phases[];

#endif
