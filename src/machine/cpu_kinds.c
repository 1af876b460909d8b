// SPDX-License-Identifier: MIT
#include "cpu_kinds.h"

#include <hwloc.h>
#include <stdio.h>
#include <string.h>

/* What hwloc calls the type of core of a kind, or NULL. */
static const char *core_type(const struct topology *topology, unsigned kind) {
  unsigned n_infos = 0;
  struct hwloc_info_s *infos = NULL;
  if (hwloc_cpukinds_get_info(topology->hwloc, kind, NULL, NULL, &n_infos, &infos, 0) != 0) return NULL;
  for (unsigned i = 0; i < n_infos; i++)
    if (strcmp(infos[i].name, "CoreType") == 0) return infos[i].value;
  return NULL;
}

/* Its core type if that tells it from the others, else its number; -1 are the CPUs that hwloc knows no kind of. */
static void name_kind(const struct topology *topology, int kind, char *name, size_t n_bytes) {
  const char *type = kind < 0 ? "unknown" : core_type(topology, (unsigned)kind);
  for (unsigned other = 0; type != NULL && kind >= 0 && other < topology->n_kinds; other++) {
    const char *its_type = core_type(topology, other);
    if (other != (unsigned)kind && its_type != NULL && strcmp(type, its_type) == 0) type = NULL;
  }
  if (type != NULL)
    snprintf(name, n_bytes, "%s", type);
  else
    snprintf(name, n_bytes, "kind%d", kind);
}

static json_t *infos_of(const struct hwloc_info_s *infos, unsigned n_infos) {
  json_t *object = json_object();
  for (unsigned i = 0; i < n_infos; i++) json_object_set_new(object, infos[i].name, json_string(infos[i].value));
  return object;
}

static json_t *cpus_of(const struct topology *topology, int kind) {
  json_t *cpus = json_array();
  for (unsigned i = 0; i < topology->n_cpus; i++)
    if (topology->cpus[i].kind == kind) json_array_append_new(cpus, json_integer(topology->cpus[i].os_index));
  return cpus;
}

json_t *cpu_kinds_describe(const struct topology *topology) {
  json_t *kinds = json_array();
  for (unsigned kind = 0; kind < topology->n_kinds; kind++) {
    int efficiency = -1;
    unsigned n_infos = 0;
    struct hwloc_info_s *infos = NULL;
    char name[64];
    if (hwloc_cpukinds_get_info(topology->hwloc, kind, NULL, &efficiency, &n_infos, &infos, 0) != 0) continue;
    name_kind(topology, (int)kind, name, sizeof name);
    json_array_append_new(kinds, json_pack("{s:i, s:s, s:o, s:o, s:o}", "kind", (int)kind, "name", name, "efficiency",
                                           efficiency >= 0 ? json_integer(efficiency) : json_null(), "infos",
                                           infos_of(infos, n_infos), "cpus", cpus_of(topology, (int)kind)));
  }
  return kinds;
}

unsigned cpu_kinds_of_threads(const struct topology *topology, const struct placement *placement, unsigned n_threads,
                              char *text, size_t n_bytes) {
  unsigned n_kinds = 0;
  size_t used = 0;
  text[0] = '\0';
  if (topology->n_kinds == 0 || !placement->is_pinned) return 0;
  for (int kind = -1; kind < (int)topology->n_kinds; kind++) {
    unsigned n = 0;
    char name[64];
    for (unsigned i = 0; i < n_threads; i++) n += topology->cpus[placement_cpu(placement, i)].kind == kind;
    if (n == 0) continue;
    name_kind(topology, kind, name, sizeof name);
    if (used < n_bytes)
      used += (size_t)snprintf(text + used, n_bytes - used, "%s%s:%u", n_kinds > 0 ? " " : "", name, n);
    n_kinds++;
  }
  return n_kinds;
}
