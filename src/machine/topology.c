// SPDX-License-Identifier: MIT
#include "topology.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

/*
 * NUMA nodes are not ancestors in hwloc 2: they hang beside the object whose CPUs they are local to. A CPU can be local
 * to several, such as a package's slow memory and its own half of the fast one; its node is the one with the fewest
 * CPUs. NULL: none is.
 */
static hwloc_obj_t numa_node(hwloc_topology_t hwloc, hwloc_obj_t pu) {
  hwloc_obj_t node = NULL, nearest = NULL;
  while ((node = hwloc_get_next_obj_by_type(hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL) {
    if (!hwloc_bitmap_isset(node->cpuset, pu->os_index)) continue;
    if (nearest == NULL || hwloc_bitmap_weight(node->cpuset) < hwloc_bitmap_weight(nearest->cpuset)) nearest = node;
  }
  return nearest;
}

/*
 * The outermost cache above a CPU. Where hwloc knows no cache: its NUMA node or its package, of which the smaller,
 * since to take several caches for one would call near what is far. NULL, one for all, where it knows neither.
 */
static hwloc_obj_t last_level_cache(hwloc_obj_t pu, hwloc_obj_t node, hwloc_obj_t package) {
  hwloc_obj_t last = NULL;
  for (hwloc_obj_t above = pu->parent; above != NULL; above = above->parent)
    if (hwloc_obj_type_is_dcache(above->type)) last = above;
  if (last != NULL) return last;
  if (node == NULL || package == NULL) return node != NULL ? node : package;
  return hwloc_bitmap_weight(node->cpuset) < hwloc_bitmap_weight(package->cpuset) ? node : package;
}

/* What is memory's neighbour where no node says so: the package, or the machine. CPUs of two packages are not near. */
static hwloc_obj_t without_node(hwloc_topology_t hwloc, hwloc_obj_t package) {
  return package != NULL ? package : hwloc_get_root_obj(hwloc);
}

/* Numbers the domains of a level in the order in which the allowed CPUs meet them. */
static unsigned dense_id(const hwloc_obj_t *seen_by_cpu, unsigned n_before, const struct topology_cpu *cpus,
                         enum lk_level level, hwloc_obj_t domain, unsigned n_domains) {
  for (unsigned i = n_before; i-- > 0;) /* most often that of the CPU before */
    if (seen_by_cpu[i * LK_N_LEVELS + level] == domain) return cpus[i].id[level];
  return n_domains;
}

/* The CPUs that this process may use, or all where the topology is not this machine's. */
static hwloc_bitmap_t usable_cpus(const struct topology *topology) {
  hwloc_bitmap_t usable = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology->hwloc));
  if (usable == NULL || !topology->is_this_system) return usable;
  hwloc_bitmap_t bound = hwloc_bitmap_alloc();
  if (bound != NULL && hwloc_get_cpubind(topology->hwloc, bound, HWLOC_CPUBIND_PROCESS) == 0)
    hwloc_bitmap_and(usable, usable, bound);
  hwloc_bitmap_free(bound);
  return usable;
}

static int fill_cpus(struct topology *topology, hwloc_const_bitmap_t usable) {
  const unsigned n = topology->n_machine_cpus;
  topology->cpus = calloc(n, sizeof *topology->cpus);
  hwloc_obj_t *domains = calloc((size_t)n * LK_N_LEVELS, sizeof(hwloc_obj_t));
  if (topology->cpus == NULL || domains == NULL) {
    free(domains);
    return ENOMEM;
  }
  hwloc_obj_t pu = NULL;
  while ((pu = hwloc_get_next_obj_by_type(topology->hwloc, HWLOC_OBJ_PU, pu)) != NULL) {
    if (!hwloc_bitmap_isset(usable, pu->os_index)) continue;
    const unsigned i = topology->n_cpus++;
    hwloc_obj_t node = numa_node(topology->hwloc, pu);
    hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_PACKAGE, pu);
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology->hwloc, HWLOC_OBJ_CORE, pu);
    hwloc_obj_t mine[LK_N_LEVELS] = {
        [LK_CORE] = core != NULL ? core : pu,
        [LK_LLC] = last_level_cache(pu, node, package),
        [LK_NODE] = node != NULL ? node : without_node(topology->hwloc, package),
        [LK_PACKAGE] = package,
    };
    topology->cpus[i].os_index = pu->os_index;
    for (enum lk_level level = 0; level < LK_N_LEVELS; level++) {
      const unsigned id = dense_id(domains, i, topology->cpus, level, mine[level], topology->n_domains[level]);
      topology->cpus[i].id[level] = id;
      if (id == topology->n_domains[level]) topology->n_domains[level]++;
      domains[i * LK_N_LEVELS + level] = mine[level];
    }
  }
  free(domains);
  return 0;
}

/* The major version of hwloc's format in which an XML file is written, 0 if it says none. */
static unsigned xml_version(FILE *file) {
  char head[1024];
  head[fread(head, 1, sizeof head - 1, file)] = '\0';
  const char *topology = strstr(head, "<topology version=\"");
  return topology != NULL ? (unsigned)strtoul(strchr(topology, '"') + 1, NULL, 10) : 0;
}

/* Says why hwloc does not read this file, which may be quite right but newer than the library. */
static void explain_xml(const char *path) {
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    message_error("cannot read HWLOC_XMLFILE '%s': %s", path, strerror(errno));
    return;
  }
  const unsigned version = xml_version(file), ours = hwloc_get_api_version() >> 16;
  fclose(file);
  if (version > ours)
    message_error("HWLOC_XMLFILE '%s' is of hwloc %u, and this is hwloc %u, which cannot read it; write it with an "
                  "lstopo of hwloc %u",
                  path, version, ours, ours);
  else
    message_error("HWLOC_XMLFILE '%s' is not a topology of hwloc's in XML, as `lstopo FILE.xml` writes it", path);
}

/*
 * Takes the machine that the environment names. hwloc does so too, but falls back to this machine, silently, where it
 * cannot read what is named. Returns 0 or EINVAL after a message.
 */
static int choose_machine(hwloc_topology_t hwloc) {
  const char *xml = getenv("HWLOC_XMLFILE"), *synthetic = getenv("HWLOC_SYNTHETIC");
  if (xml != NULL && *xml != '\0' && hwloc_topology_set_xml(hwloc, xml) != 0) {
    explain_xml(xml);
    return EINVAL;
  }
  if (synthetic != NULL && *synthetic != '\0' && hwloc_topology_set_synthetic(hwloc, synthetic) != 0) {
    message_error("HWLOC_SYNTHETIC '%s' is not a machine that hwloc can make; for example: pack:2 l3:2 core:4 pu:2",
                  synthetic);
    return EINVAL;
  }
  return 0;
}

static int fill_kinds(struct topology *topology) {
  const int n_kinds = hwloc_cpukinds_get_nr(topology->hwloc, 0);
  int efficiency = -1;
  topology->n_kinds = n_kinds > 0 ? (unsigned)n_kinds : 0;
  topology->ranks_kinds = n_kinds > 1 &&
                          hwloc_cpukinds_get_info(topology->hwloc, 0, NULL, &efficiency, NULL, NULL, 0) == 0 &&
                          efficiency >= 0;
  hwloc_bitmap_t cpu = hwloc_bitmap_alloc();
  if (cpu == NULL) return ENOMEM;
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    hwloc_bitmap_only(cpu, topology->cpus[i].os_index);
    topology->cpus[i].kind = hwloc_cpukinds_get_by_cpuset(topology->hwloc, cpu, 0);
  }
  hwloc_bitmap_free(cpu);
  return 0;
}

/* Takes the machine that `source` tells of. Returns 0 or EINVAL after a message. */
static int choose_source(hwloc_topology_t hwloc, const struct topology_source *source) {
  unsetenv("HWLOC_XMLFILE"); /* hwloc takes what these name before all else */
  unsetenv("HWLOC_SYNTHETIC");
  if (source->xml != NULL && hwloc_topology_set_xmlbuffer(hwloc, source->xml, (int)strlen(source->xml) + 1) != 0) {
    message_error("the topology in XML is not one that this hwloc reads");
    return EINVAL;
  }
  if (source->synthetic != NULL && hwloc_topology_set_synthetic(hwloc, source->synthetic) != 0) {
    message_error("the topology '%s' is not a machine that hwloc can make; for example: pack:2 l3:2 core:4 pu:2",
                  source->synthetic);
    return EINVAL;
  }
  return 0;
}

/* A description in which all cores are alike, of a machine where some have fewer CPUs. Returns 0 or EINVAL. */
static int take_cpus_away(hwloc_topology_t hwloc, const char *cpus) {
  hwloc_bitmap_t set = hwloc_bitmap_alloc();
  const bool is_done = set != NULL && hwloc_bitmap_list_sscanf(set, cpus) == 0 && !hwloc_bitmap_iszero(set) &&
                       hwloc_bitmap_isincluded(set, hwloc_topology_get_complete_cpuset(hwloc)) &&
                       hwloc_topology_restrict(hwloc, set, 0) == 0;
  hwloc_bitmap_free(set);
  if (!is_done) message_error("the topology has no CPUs '%s'; for example: 0-15,20", cpus);
  return is_done ? 0 : EINVAL;
}

/* What no environment names is what hwloc finds. */
int topology_load(struct topology *topology) { return topology_load_from(topology, NULL); }

int topology_load_from(struct topology *topology, const struct topology_source *source) {
  *topology = (struct topology){0};
  if (hwloc_topology_init(&topology->hwloc) != 0) {
    message_error("hwloc cannot start: %s", strerror(errno));
    return ENOMEM;
  }
  if ((source != NULL ? choose_source(topology->hwloc, source) : choose_machine(topology->hwloc)) != 0) {
    topology_free(topology);
    return EINVAL;
  }
  /* CPUs that a cpuset takes away are still part of the machine, and of its count. */
  hwloc_topology_set_flags(topology->hwloc, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(topology->hwloc) != 0) {
    const int error = errno != 0 ? errno : EINVAL;
    const char *xml = getenv("HWLOC_XMLFILE");
    if (source == NULL && xml != NULL && *xml != '\0')
      explain_xml(xml); /* some of its faults show only now */
    else
      message_error("hwloc cannot read the topology: %s", strerror(error));
    topology_free(topology);
    return error;
  }
  if (source != NULL && source->cpus != NULL && take_cpus_away(topology->hwloc, source->cpus) != 0) {
    topology_free(topology);
    return EINVAL;
  }
  topology->is_this_system = hwloc_topology_is_thissystem(topology->hwloc);
  topology->n_machine_cpus = (unsigned)hwloc_get_nbobjs_by_type(topology->hwloc, HWLOC_OBJ_PU);
  hwloc_bitmap_t usable = usable_cpus(topology);
  int error = usable == NULL ? ENOMEM : fill_cpus(topology, usable);
  hwloc_bitmap_free(usable);
  if (error == 0) error = fill_kinds(topology);
  if (error != 0) {
    message_error("no memory for the topology");
    topology_free(topology);
  } else if (topology->n_cpus == 0) {
    message_error("hwloc sees no CPU that this process may use");
    topology_free(topology);
    return ENODEV;
  }
  return error;
}

void topology_free(struct topology *topology) {
  if (topology->hwloc != NULL) hwloc_topology_destroy(topology->hwloc);
  free(topology->cpus);
  *topology = (struct topology){0};
}

void topology_levels(const struct topology *topology, enum lk_level levels[LK_N_LEVELS]) {
  static const enum lk_level usual[LK_N_LEVELS] = {LK_PACKAGE, LK_NODE, LK_LLC, LK_CORE};
  for (unsigned n = 0; n < LK_N_LEVELS; n++) { /* insertion: levels with equally many domains stay as usual */
    unsigned at = n;
    for (; at > 0 && topology->n_domains[levels[at - 1]] > topology->n_domains[usual[n]]; at--)
      levels[at] = levels[at - 1];
    levels[at] = usual[n];
  }
}

const char *const topology_distance_names[N_DISTANCES] = {"same_cpu", "smt", "llc", "node", "remote"};

enum distance topology_distance(const struct topology_cpu *a, const struct topology_cpu *b) {
  if (a->os_index == b->os_index) return DISTANCE_SAME_CPU;
  if (a->id[LK_CORE] == b->id[LK_CORE]) return DISTANCE_SMT;
  if (a->id[LK_LLC] == b->id[LK_LLC]) return DISTANCE_LLC;
  if (a->id[LK_NODE] == b->id[LK_NODE] && a->id[LK_PACKAGE] == b->id[LK_PACKAGE]) return DISTANCE_NODE;
  return DISTANCE_REMOTE;
}

int topology_bind_self(const struct topology *topology, unsigned cpu) {
  hwloc_bitmap_t wanted = hwloc_bitmap_alloc();
  int error = ENOMEM;
  if (wanted != NULL) {
    hwloc_bitmap_only(wanted, topology->cpus[cpu].os_index);
    error = hwloc_set_cpubind(topology->hwloc, wanted, HWLOC_CPUBIND_THREAD) == 0 ? 0 : errno != 0 ? errno : EINVAL;
  }
  hwloc_bitmap_free(wanted);
  return error == 0 && !topology_is_bound_self(topology, cpu) ? EXDEV : error;
}

/* The CPUs on which the calling thread may run, or NULL. */
static hwloc_bitmap_t own_cpus(const struct topology *topology) {
  hwloc_bitmap_t own = hwloc_bitmap_alloc();
  if (own == NULL || hwloc_get_cpubind(topology->hwloc, own, HWLOC_CPUBIND_THREAD) == 0) return own;
  hwloc_bitmap_free(own);
  return NULL;
}

bool topology_is_bound_self(const struct topology *topology, unsigned cpu) {
  hwloc_bitmap_t own = own_cpus(topology);
  const bool is_bound =
      own != NULL && hwloc_bitmap_weight(own) == 1 && hwloc_bitmap_isset(own, topology->cpus[cpu].os_index);
  hwloc_bitmap_free(own);
  return is_bound;
}

bool topology_may_use(const struct topology *topology, const unsigned *cpus, unsigned n_cpus) {
  hwloc_bitmap_t own = own_cpus(topology);
  bool may = own != NULL;
  for (unsigned i = 0; may && i < n_cpus; i++) may = hwloc_bitmap_isset(own, topology->cpus[cpus[i]].os_index);
  hwloc_bitmap_free(own);
  return may;
}

uint64_t topology_hash(const struct topology *topology) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned i = 0; i < topology->n_cpus; i++) {
    const struct topology_cpu *cpu = &topology->cpus[i];
    const unsigned fields[] = {cpu->os_index,    cpu->id[LK_CORE],    cpu->id[LK_LLC],
                               cpu->id[LK_NODE], cpu->id[LK_PACKAGE], (unsigned)cpu->kind};
    const unsigned n_fields = topology->n_kinds > 1 ? 6 : 5;
    for (unsigned f = 0; f < n_fields; f++)
      for (unsigned byte = 0; byte < 4; byte++) hash = (hash ^ (fields[f] >> 8 * byte & 0xff)) * 0x100000001b3u;
  }
  return hash;
}

char *topology_xml(const struct topology *topology) {
  char *xml = NULL;
  int n_bytes = 0;
  return hwloc_topology_export_xmlbuffer(topology->hwloc, &xml, &n_bytes, 0) == 0 ? xml : NULL;
}

void topology_free_xml(const struct topology *topology, char *xml) { hwloc_free_xmlbuffer(topology->hwloc, xml); }
