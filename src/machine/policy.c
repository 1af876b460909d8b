// SPDX-License-Identifier: MIT
#include "policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEYS = 2 };

/* A CPU with what the policies sort by. */
struct candidate {
  unsigned cpu;
  unsigned smt_rank;     /* which sibling of its core */
  unsigned in_node_rank; /* which of its node's CPUs, one per core first */
  unsigned n_siblings;   /* of its core, itself included */
  unsigned key[MAX_KEYS];
};

static int by_key(const void *a, const void *b) {
  const struct candidate *x = a, *y = b;
  for (unsigned i = 0; i < MAX_KEYS; i++)
    if (x->key[i] != y->key[i]) return x->key[i] < y->key[i] ? -1 : 1;
  return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static int rank_candidates(const struct topology *topology, struct candidate *candidates) {
  unsigned *n_in_core = calloc(topology->n_domains[LK_CORE], sizeof *n_in_core);
  unsigned *n_in_node = calloc(topology->n_domains[LK_NODE], sizeof *n_in_node);
  const bool has_memory = n_in_core != NULL && n_in_node != NULL;
  unsigned n_most_siblings = 0;
  for (unsigned i = 0; has_memory && i < topology->n_cpus; i++) {
    unsigned *n = &n_in_core[topology->cpus[i].id[LK_CORE]];
    candidates[i] = (struct candidate){.cpu = i, .smt_rank = (*n)++};
    if (*n > n_most_siblings) n_most_siblings = *n;
  }
  for (unsigned i = 0; has_memory && i < topology->n_cpus; i++)
    candidates[i].n_siblings = n_in_core[topology->cpus[i].id[LK_CORE]];
  for (unsigned sibling = 0; sibling < n_most_siblings; sibling++)
    for (unsigned i = 0; i < topology->n_cpus; i++)
      if (candidates[i].smt_rank == sibling) candidates[i].in_node_rank = n_in_node[topology->cpus[i].id[LK_NODE]]++;
  free(n_in_core);
  free(n_in_node);
  return has_memory ? 0 : ENOMEM;
}

/* How many CPUs of each domain are taken so far. */
struct taken {
  enum lk_level levels[LK_N_LEVELS]; /* outermost first */
  unsigned *n[LK_N_LEVELS];          /* by level and domain */
};

/* How many CPUs are taken in the domain of this one. */
static unsigned n_taken(const struct topology *topology, const struct taken *taken, enum lk_level level,
                        const struct candidate *c) {
  return taken->n[level][topology->cpus[c->cpu].id[level]];
}

/* Whether CPU a is a better next place than b: fewer siblings at work, then fewer neighbours, from far to near. */
static bool is_emptier(const struct topology *topology, const struct taken *taken, const struct candidate *a,
                       const struct candidate *b) {
  const unsigned siblings_a = n_taken(topology, taken, LK_CORE, a), siblings_b = n_taken(topology, taken, LK_CORE, b);
  if (siblings_a != siblings_b) return siblings_a < siblings_b;
  for (unsigned i = 0; i < LK_N_LEVELS; i++) {
    const unsigned n_a = n_taken(topology, taken, taken->levels[i], a);
    const unsigned n_b = n_taken(topology, taken, taken->levels[i], b);
    if (n_a != n_b) return n_a < n_b;
  }
  return false; /* the first in hwloc's order */
}

/*
 * Puts the candidates into scatter's order: the next is always the one with the emptiest surroundings. By balance, not
 * by rank among the siblings in a tree, since domains differ in size and levels need not nest.
 */
static int scatter(const struct topology *topology, struct candidate *candidates) {
  struct taken taken;
  bool has_memory = true;
  topology_levels(topology, taken.levels);
  for (enum lk_level level = 0; level < LK_N_LEVELS; level++) {
    taken.n[level] = calloc(topology->n_domains[level], sizeof *taken.n[level]);
    has_memory = has_memory && taken.n[level] != NULL;
  }
  for (unsigned n = 0; has_memory && n < topology->n_cpus; n++) {
    unsigned best = n;
    for (unsigned i = n + 1; i < topology->n_cpus; i++)
      if (is_emptier(topology, &taken, &candidates[i], &candidates[best])) best = i;
    const struct candidate next = candidates[best];
    memmove(&candidates[n + 1], &candidates[n], (best - n) * sizeof *candidates); /* the others stay in hwloc's order */
    candidates[n] = next;
    for (enum lk_level level = 0; level < LK_N_LEVELS; level++) taken.n[level][topology->cpus[next.cpu].id[level]]++;
  }
  for (enum lk_level level = 0; level < LK_N_LEVELS; level++) free(taken.n[level]);
  return has_memory ? 0 : ENOMEM;
}

/* What some policies select by. */
struct extremes {
  unsigned widest_llc;               /* the last-level cache under which most CPUs are allowed */
  int least_powerful, most_powerful; /* of the kinds of the allowed CPUs */
};

static int find_extremes(const struct topology *topology, struct extremes *extremes) {
  unsigned *n_under = calloc(topology->n_domains[LK_LLC], sizeof *n_under);
  if (n_under == NULL) return ENOMEM;
  *extremes = (struct extremes){0, topology->cpus[0].kind, topology->cpus[0].kind};
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    const struct topology_cpu *cpu = &topology->cpus[i];
    n_under[cpu->id[LK_LLC]]++;
    if (cpu->kind < extremes->least_powerful) extremes->least_powerful = cpu->kind;
    if (cpu->kind > extremes->most_powerful) extremes->most_powerful = cpu->kind;
  }
  for (unsigned llc = 1; llc < topology->n_domains[LK_LLC]; llc++)
    if (n_under[llc] > n_under[extremes->widest_llc]) extremes->widest_llc = llc;
  free(n_under);
  return 0;
}

/* Whether there are kinds to choose from, or why not. */
static const char *find_lack_of_kinds(const struct topology *topology, const struct extremes *extremes) {
  if (topology->n_kinds == 0) return "hwloc does not tell kinds of CPUs apart here; try cores or list:";
  if (extremes->least_powerful == extremes->most_powerful)
    return "the CPUs that this process may use are all of one kind; try cores";
  if (!topology->ranks_kinds || extremes->least_powerful < 0)
    return "hwloc cannot tell which kind is the more powerful; try list:";
  return NULL;
}

/* Why this machine does not have what the policy needs, or NULL. */
static const char *find_lack(const struct topology *topology, const char *name, const struct candidate *candidates,
                             const struct extremes *extremes) {
  if (strcmp(name, "smt") == 0) {
    for (unsigned i = 0; i < topology->n_cpus; i++)
      if (candidates[i].n_siblings > 1) return NULL;
    return "no core has two CPUs that this process may use; try cores or compact";
  }
  if (strcmp(name, "cross-node") == 0 && topology->n_domains[LK_NODE] < 2)
    return "the CPUs that this process may use are on one NUMA node; try scatter";
  if (strcmp(name, "p-cores") == 0 || strcmp(name, "e-cores") == 0) return find_lack_of_kinds(topology, extremes);
  return NULL;
}

static bool selects(const struct topology *topology, const char *name, const struct candidate *c,
                    const struct extremes *extremes) {
  const struct topology_cpu *cpu = &topology->cpus[c->cpu];
  if (strcmp(name, "smt") == 0) return c->n_siblings > 1;
  if (strcmp(name, "same-llc") == 0) return cpu->id[LK_LLC] == extremes->widest_llc;
  if (strcmp(name, "p-cores") == 0) return cpu->kind == extremes->most_powerful;
  if (strcmp(name, "e-cores") == 0) return cpu->kind == extremes->least_powerful;
  return true;
}

/* What to sort by; hwloc's order decides where the keys are alike. */
static void set_keys(const struct topology *topology, const char *name, struct candidate *c) {
  static const char *const one_per_core_first[] = {"cores", "same-llc", "p-cores", "e-cores"};
  for (size_t i = 0; i < sizeof one_per_core_first / sizeof *one_per_core_first; i++)
    if (strcmp(name, one_per_core_first[i]) == 0) c->key[0] = c->smt_rank;
  if (strcmp(name, "cross-node") == 0) {
    c->key[0] = c->in_node_rank;
    c->key[1] = topology->cpus[c->cpu].id[LK_NODE];
  }
}

/* Sorts and selects for a named policy; returns how many candidates remain at the front. */
static unsigned select_and_sort(const struct topology *topology, const char *name, struct candidate *candidates,
                                const struct extremes *extremes) {
  unsigned n = 0;
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    if (!selects(topology, name, &candidates[i], extremes)) continue;
    candidates[n] = candidates[i];
    set_keys(topology, name, &candidates[n++]);
  }
  qsort(candidates, n, sizeof *candidates, by_key);
  return n;
}

int policy_order(const struct topology *topology, const char *name, unsigned *order, unsigned *n_cpus, char *why,
                 size_t why_bytes) {
  struct extremes extremes;
  struct candidate *candidates = calloc(topology->n_cpus, sizeof *candidates);
  int error = candidates == NULL ? ENOMEM : rank_candidates(topology, candidates);
  if (error == 0) error = find_extremes(topology, &extremes);
  const char *lack = error == 0 ? find_lack(topology, name, candidates, &extremes) : NULL;
  if (lack != NULL) {
    snprintf(why, why_bytes, "placement '%s': %s", name, lack);
    error = EINVAL;
  } else if (error == 0 && strcmp(name, "scatter") == 0) {
    *n_cpus = topology->n_cpus;
    error = scatter(topology, candidates);
  } else if (error == 0) {
    *n_cpus = select_and_sort(topology, name, candidates, &extremes);
  }
  for (unsigned i = 0; error == 0 && i < *n_cpus; i++) order[i] = candidates[i].cpu;
  if (error == ENOMEM) snprintf(why, why_bytes, "no memory for placement '%s'", name);
  free(candidates);
  return error;
}
