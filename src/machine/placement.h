// SPDX-License-Identifier: MIT
/*
 * placement.h: a named policy + the topology -> the order in which threads take CPUs. Thread i runs on the
 * order's entry i modulo its length. All policies are sorts or selections of topology.cpus, so they can be
 * tested on made-up machines.
 *
 *   none        not pinned: the system's scheduler places the threads
 *   compact     nearest first: siblings, then cores that share a cache, then the node, then the package
 *   scatter     farthest first: each thread goes where fewest are, in the package or node that is outermost on this
 *               machine, then within that at the next level, and so on; to a sibling only when all cores are in use
 *   cores       one CPU of each core first, near cores first; siblings after all cores are in use
 *   smt         siblings first, and only cores that have them; an error on a machine without
 *   same-llc    only the CPUs under one last-level cache (the one with most allowed CPUs), one per core first
 *   cross-node  NUMA nodes in turn, one CPU of each core first; an error on a machine with one node
 *   p-cores     only the CPUs of the most powerful kind, one per core first; an error on a machine with one kind
 *   e-cores     only those of the least powerful kind, likewise
 *   list:0,2-4  these CPUs (the system's numbers), in this order
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "topology.h"

struct placement {
  char *name;     /* as given */
  bool is_pinned; /* false for `none` only */
  unsigned n_cpus;
  unsigned *order; /* n_cpus indices into topology.cpus; for `none` all of them, as compact */
  /* What a lock that goes by domains is told: those that these CPUs are in, numbered from 0 as the order meets them.
     A thread that is not pinned is in none: then there is one domain of each level, in which all threads are. */
  unsigned n_domains[LK_N_LEVELS];
  struct lk_domain *domains; /* n_cpus, by the place in the order */
};

/* The names of all policies for messages and help, comma separated. */
extern const char placement_names[];

/* The policies of which `lockbench topology` shows the plan; NULL ends the list. */
extern const char *const placement_policies[];

/*
 * Makes the placement `name`. On an error returns EINVAL or ENOMEM and fills `why` with one line that says
 * what was given and what is allowed.
 */
int placement_make(struct placement *placement, const struct topology *topology, const char *name, char *why,
                   size_t why_bytes);
void placement_free(struct placement *placement);

/* The index into topology.cpus of thread `thread`. */
static inline unsigned placement_cpu(const struct placement *placement, unsigned thread) {
  return placement->order[thread % placement->n_cpus];
}

/* The domains of thread `thread` among those of the placement. */
static inline const struct lk_domain *placement_domain(const struct placement *placement, unsigned thread) {
  return &placement->domains[thread % placement->n_cpus];
}

#endif
