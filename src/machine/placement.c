// SPDX-License-Identifier: MIT
#include "placement.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"

const char placement_names[] =
    "none, compact, scatter, cores, smt, same-llc, cross-node, p-cores, e-cores, list:CPU[-CPU][,...]";

const char *const placement_policies[] = {"none",     "compact",    "scatter", "cores",   "smt",
                                          "same-llc", "cross-node", "p-cores", "e-cores", NULL};

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

/* Numbers the domains of the placement's CPUs. Returns 0 or ENOMEM. */
static int number_domains(struct placement *placement, const struct topology *topology) {
  placement->domains = calloc(placement->n_cpus, sizeof *placement->domains);
  if (placement->domains == NULL) return ENOMEM;
  for (enum lk_level level = 0; level < LK_N_LEVELS; level++) {
    placement->n_domains[level] = 1;
    if (!placement->is_pinned) continue;
    unsigned *number = calloc(topology->n_domains[level], sizeof *number); /* from 1, by the topology's id */
    if (number == NULL) return ENOMEM;
    unsigned n = 0;
    for (unsigned i = 0; i < placement->n_cpus; i++) {
      const unsigned id = topology->cpus[placement->order[i]].id[level];
      if (number[id] == 0) number[id] = ++n;
      placement->domains[i].id[level] = number[id] - 1;
    }
    placement->n_domains[level] = n;
    free(number);
  }
  return 0;
}

int placement_make(struct placement *placement, const struct topology *topology, const char *name, char *why,
                   size_t why_bytes) {
  *placement = (struct placement){
      .name = strdup(name),
      .is_pinned = strcmp(name, "none") != 0,
      .order = calloc(topology->n_cpus, sizeof *placement->order),
  };
  int error = ENOMEM;
  if (placement->name == NULL || placement->order == NULL)
    snprintf(why, why_bytes, "no memory for placement '%s'", name);
  else if (strncmp(name, "list:", 5) == 0)
    error = parse_list(placement, topology, name + 5, why, why_bytes);
  else if (is_policy(name))
    error = policy_order(topology, name, placement->order, &placement->n_cpus, why, why_bytes);
  else {
    snprintf(why, why_bytes, "unknown placement '%s'; allowed: %s", name, placement_names);
    error = EINVAL;
  }
  if (error == 0 && (error = number_domains(placement, topology)) != 0)
    snprintf(why, why_bytes, "no memory for placement '%s'", name);
  if (error != 0) placement_free(placement);
  return error;
}

void placement_free(struct placement *placement) {
  free(placement->name);
  free(placement->order);
  free(placement->domains);
  *placement = (struct placement){0};
}
