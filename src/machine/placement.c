// SPDX-License-Identifier: MIT
#include "placement.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char placement_names[] = "none, compact, scatter, cores, smt, same-llc, cross-node, list:CPU[-CPU][,...]";

const char *const placement_policies[] = {"none", "compact", "scatter", "cores", "smt", "same-llc", "cross-node", NULL};

enum { MAX_KEYS = 6 };

/* A CPU with what the policies sort by: its rank among its equals within each level. */
struct candidate {
  unsigned cpu;
  unsigned smt_rank;     /* which sibling of its core */
  unsigned core_rank;    /* which core of its cache, node and package */
  unsigned llc_rank;     /* which cache of its node and package */
  unsigned node_rank;    /* which node of its package */
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

static bool shares_coarser(const struct topology_cpu *a, const struct topology_cpu *b, enum lk_level level) {
  for (enum lk_level above = level + 1; above < LK_N_LEVELS; above++)
    if (a->id[above] != b->id[above]) return false;
  return true;
}

/*
 * Which of the domains of `level` CPU i is in, among those with which it shares all coarser levels. Each level must be
 * compared, since they do not always nest: a NUMA node or a cache may span packages, or be unknown.
 */
static unsigned rank_in_coarser(const struct topology *topology, unsigned i, enum lk_level level) {
  const struct topology_cpu *cpus = topology->cpus;
  unsigned rank = 0;
  for (unsigned j = 0; j < i; j++) {
    if (!shares_coarser(&cpus[j], &cpus[i], level)) continue;
    if (cpus[j].id[level] == cpus[i].id[level]) break; /* the first CPU of our own domain: all others came before */
    bool is_first = true;
    for (unsigned k = 0; k < j && is_first; k++)
      is_first = cpus[k].id[level] != cpus[j].id[level] || !shares_coarser(&cpus[k], &cpus[j], level);
    rank += is_first;
  }
  return rank;
}

static void rank_candidates(const struct topology *topology, struct candidate *candidates) {
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    struct candidate *c = &candidates[i];
    *c = (struct candidate){.cpu = i};
    for (unsigned j = 0; j < topology->n_cpus; j++) {
      if (topology->cpus[j].id[LK_CORE] != topology->cpus[i].id[LK_CORE]) continue;
      c->n_siblings++;
      c->smt_rank += j < i;
    }
    c->core_rank = rank_in_coarser(topology, i, LK_CORE);
    c->llc_rank = rank_in_coarser(topology, i, LK_LLC);
    c->node_rank = rank_in_coarser(topology, i, LK_NODE);
  }
  for (unsigned i = 0; i < topology->n_cpus; i++)
    for (unsigned j = 0; j < topology->n_cpus; j++) {
      if (topology->cpus[j].id[LK_NODE] != topology->cpus[i].id[LK_NODE]) continue;
      const struct candidate *a = &candidates[j], *b = &candidates[i];
      candidates[i].in_node_rank += a->smt_rank < b->smt_rank || (a->smt_rank == b->smt_rank && j < i);
    }
}

static void set_keys(struct candidate *c, const unsigned *keys, unsigned n_keys) {
  memcpy(c->key, keys, n_keys * sizeof *keys);
}

/* The last-level cache under which most CPUs are allowed. */
static unsigned widest_llc(const struct topology *topology) {
  unsigned best = 0, n_best = 0;
  for (unsigned llc = 0; llc < topology->n_domains[LK_LLC]; llc++) {
    unsigned n = 0;
    for (unsigned i = 0; i < topology->n_cpus; i++) n += topology->cpus[i].id[LK_LLC] == llc;
    if (n > n_best) best = llc, n_best = n;
  }
  return best;
}

/* Sorts and selects for a named policy; returns how many candidates remain at the front, 0 with `why` set. */
static unsigned apply_policy(const struct topology *topology, const char *name, struct candidate *candidates, char *why,
                             size_t why_bytes) {
  const unsigned llc = widest_llc(topology);
  unsigned n = 0;
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    struct candidate c = candidates[i];
    const struct topology_cpu *cpu = &topology->cpus[i];
    if (strcmp(name, "scatter") == 0) {
      const unsigned keys[] = {c.smt_rank, c.core_rank, c.llc_rank, c.node_rank, cpu->id[LK_PACKAGE]};
      set_keys(&c, keys, 5);
    } else if (strcmp(name, "cores") == 0) {
      set_keys(&c, &c.smt_rank, 1);
    } else if (strcmp(name, "smt") == 0) {
      if (c.n_siblings < 2) continue;
    } else if (strcmp(name, "same-llc") == 0) {
      if (cpu->id[LK_LLC] != llc) continue;
      set_keys(&c, &c.smt_rank, 1);
    } else if (strcmp(name, "cross-node") == 0) {
      if (topology->n_domains[LK_NODE] < 2) continue;
      const unsigned keys[] = {c.in_node_rank, cpu->id[LK_NODE]};
      set_keys(&c, keys, 2);
    }
    candidates[n++] = c;
  }
  qsort(candidates, n, sizeof *candidates, by_key);
  if (n == 0 && strcmp(name, "smt") == 0)
    snprintf(why, why_bytes, "placement 'smt': no core has two CPUs that this process may use; try cores or compact");
  else if (n == 0)
    snprintf(why, why_bytes,
             "placement 'cross-node': the CPUs that this process may use are on one NUMA node; try scatter");
  return n;
}

/* Reads a CPU number; false if there is none or it is absurd. */
static bool read_number(const char **text, unsigned *number) {
  if (!isdigit((unsigned char)**text)) return false;
  char *end;
  errno = 0;
  const unsigned long value = strtoul(*text, &end, 10);
  if (errno != 0 || value > 1000000) return false;
  *number = (unsigned)value;
  *text = end;
  return true;
}

static int find_cpu(const struct topology *topology, unsigned os_index) {
  for (unsigned i = 0; i < topology->n_cpus; i++)
    if (topology->cpus[i].os_index == os_index) return (int)i;
  return -1;
}

static void describe_allowed(const struct topology *topology, char *text, size_t n_bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < topology->n_cpus && used + 16 < n_bytes; i++)
    used += (size_t)snprintf(text + used, n_bytes - used, "%s%u", i ? "," : "", topology->cpus[i].os_index);
  if (used + 16 >= n_bytes) snprintf(text + used, n_bytes - used, ",...");
}

static int parse_list(struct placement *placement, const struct topology *topology, const char *list, char *why,
                      size_t why_bytes) {
  char allowed[128];
  describe_allowed(topology, allowed, sizeof allowed);
  for (const char *text = list;;) {
    unsigned first, last;
    if (!read_number(&text, &first)) goto malformed;
    last = first;
    if (*text == '-' && (text++, !read_number(&text, &last) || last < first)) goto malformed;
    for (unsigned os_index = first; os_index <= last; os_index++) {
      const int cpu = find_cpu(topology, os_index);
      if (cpu < 0) {
        snprintf(why, why_bytes, "placement 'list:%s': CPU %u is not among those that this process may use: %s", list,
                 os_index, allowed);
        return EINVAL;
      }
      for (unsigned i = 0; i < placement->n_cpus; i++)
        if (placement->order[i] == (unsigned)cpu) {
          snprintf(why, why_bytes, "placement 'list:%s': CPU %u is named twice", list, os_index);
          return EINVAL;
        }
      placement->order[placement->n_cpus++] = (unsigned)cpu;
    }
    if (*text == '\0') return 0;
    if (*text++ != ',') goto malformed;
  }
malformed:
  snprintf(why, why_bytes, "placement 'list:%s': expected CPU numbers and ranges such as list:0,2,4-7, of %s", list,
           allowed);
  return EINVAL;
}

static bool is_policy(const char *name) {
  for (const char *const *policy = placement_policies; *policy != NULL; policy++)
    if (strcmp(name, *policy) == 0) return true;
  return false;
}

int placement_make(struct placement *placement, const struct topology *topology, const char *name, char *why,
                   size_t why_bytes) {
  *placement = (struct placement){
      .name = strdup(name),
      .is_pinned = strcmp(name, "none") != 0,
      .order = calloc(topology->n_cpus, sizeof *placement->order),
  };
  struct candidate *candidates = calloc(topology->n_cpus, sizeof *candidates);
  int error = 0;
  if (placement->name == NULL || placement->order == NULL || candidates == NULL) {
    snprintf(why, why_bytes, "no memory for placement '%s'", name);
    error = ENOMEM;
  } else if (strncmp(name, "list:", 5) == 0) {
    error = parse_list(placement, topology, name + 5, why, why_bytes);
  } else if (!is_policy(name)) {
    snprintf(why, why_bytes, "unknown placement '%s'; allowed: %s", name, placement_names);
    error = EINVAL;
  } else {
    rank_candidates(topology, candidates);
    placement->n_cpus = apply_policy(topology, name, candidates, why, why_bytes);
    for (unsigned i = 0; i < placement->n_cpus; i++) placement->order[i] = candidates[i].cpu;
    if (placement->n_cpus == 0) error = EINVAL;
  }
  free(candidates);
  if (error != 0) placement_free(placement);
  return error;
}

void placement_free(struct placement *placement) {
  free(placement->name);
  free(placement->order);
  *placement = (struct placement){0};
}
