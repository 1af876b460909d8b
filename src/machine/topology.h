// SPDX-License-Identifier: MIT
/*
 * topology.h: what the machine has, seen by hwloc, and which part of it this process may use.
 * Everything else asks this flat table of CPUs, so that it can be tested on machines that we do not have
 * (HWLOC_SYNTHETIC, HWLOC_XMLFILE). A CPU here is hwloc's processing unit: what Linux calls a CPU.
 */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "lk.h"

struct hwloc_topology;

struct topology_cpu {
  unsigned os_index;        /* the system's number */
  unsigned id[LK_N_LEVELS]; /* its core, last-level cache, NUMA node, package: numbered from 0 in hwloc's order */
  int kind;                 /* below n_kinds, the least powerful first; negative where hwloc does not know it */
};

struct topology {
  struct hwloc_topology *hwloc;
  bool is_this_system;             /* false for a synthetic or loaded topology: it can be planned for, not timed on */
  unsigned n_cpus;                 /* allowed CPUs: of the machine, the cpuset and the process's binding */
  struct topology_cpu *cpus;       /* in hwloc's logical order: neighbours are near */
  unsigned n_domains[LK_N_LEVELS]; /* that hold an allowed CPU */
  unsigned n_machine_cpus;         /* allowed or not */
  unsigned n_kinds;                /* of CPUs, as hwloc tells them apart; 0 where it does not */
  bool ranks_kinds;                /* hwloc knows which kind is the more powerful */
};

/* How far apart two CPUs are, nearest first. */
enum distance { DISTANCE_SAME_CPU, DISTANCE_SMT, DISTANCE_LLC, DISTANCE_NODE, DISTANCE_REMOTE, N_DISTANCES };
extern const char *const topology_distance_names[N_DISTANCES]; /* same_cpu, smt, ...: as files have them */

/* Reads the machine (or what HWLOC_SYNTHETIC, HWLOC_XMLFILE name). Returns 0 or an errno, having said why. */
int topology_load(struct topology *topology);

/* A machine that is not this one, by hwloc's synthetic description or the text of its XML; the other is NULL. */
struct topology_source {
  const char *synthetic, *xml;
  const char *cpus; /* "0-23": the machine has no others, whatever the description says; NULL: it has them all */
};
int topology_load_from(struct topology *topology, const struct topology_source *source);

void topology_free(struct topology *topology);

/* The levels, outermost first: by how few domains they have, since a NUMA node may hold packages, or a package nodes.
 */
void topology_levels(const struct topology *topology, enum lk_level levels[LK_N_LEVELS]);

enum distance topology_distance(const struct topology_cpu *a, const struct topology_cpu *b);

/* Binds the calling thread to cpus[cpu], and reads the binding back. Returns 0 or an errno. */
int topology_bind_self(const struct topology *topology, unsigned cpu);

/* Whether the calling thread is bound to cpus[cpu] and to nothing else. */
bool topology_is_bound_self(const struct topology *topology, unsigned cpu);

/* Whether the calling thread may run on all of these n_cpus indices into topology.cpus. */
bool topology_may_use(const struct topology *topology, const unsigned *cpus, unsigned n_cpus);

/* FNV-1a over the CPUs' numbers and domains, and kinds where there are several: equal for machines on which a placement
 * means the same. */
uint64_t topology_hash(const struct topology *topology);

/* hwloc's XML of the whole machine; free with topology_free_xml(). NULL if hwloc cannot. */
char *topology_xml(const struct topology *topology);
void topology_free_xml(const struct topology *topology, char *xml);

#endif
