// SPDX-License-Identifier: MIT
/*
 * machine_profile.h: what is known of a machine, from a file in JSON: its shape, what a cache line takes between its
 * cores, and the parameters that are known to be its own. Every number says where it comes from; a file without sources
 * is refused.
 *
 *   "name", "cpu"          how results call it, and what it is in words
 *   "topology"             hwloc's synthetic description, or "topology_xml": the text of an XML file of lstopo's
 *   "cpus"                 optional: the numbers of the CPUs that there are, as "0-15,20", where the description has
 *                          more
 *   "transfers"            "source", and for each distance that the machine has ("smt", "llc", "node", "remote") an
 *                          object with the usual "ns" of one hand-over by compare-and-swap, and "low" and "high"
 *   "groups_ns"            optional: a matrix between NUMA nodes (or, where one has several, packages) in place of the
 *                          distance "remote", or of "node" too
 *   "matrix"               optional: a file in CSV beside this one with a row for each CPU by its number, whole or the
 *                          half left of the diagonal, as core-to-core-latency writes it, in place of the transfers
 *                          where it has a number
 *   "parameters"           by the names of parameters.h: "value", "source", and, unless it is exact, "low" and "high"
 */
#ifndef MACHINE_PROFILE_H
#define MACHINE_PROFILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "machine/topology.h"
#include "model.h"
#include "parameters.h"

enum { MACHINE_PROFILE_MAX_GROUPS = 16, MACHINE_PROFILE_MAX_PARAMETERS = 32 };

/* A number and the range in which it may lie for all that is known. */
struct known {
  double value, low, high;
};

struct machine_profile {
  json_t *json;
  char name[64], cpu[128];
  const char *synthetic, *xml;         /* one of them; of the JSON */
  const char *cpus;                    /* of the JSON, or NULL */
  struct known transfers[N_DISTANCES]; /* ns; value 0: the machine has no such distance */
  unsigned n_groups;
  double groups_ns[MACHINE_PROFILE_MAX_GROUPS][MACHINE_PROFILE_MAX_GROUPS];
  unsigned n_matrix;
  double *matrix_ns; /* [row * n_matrix + column], by the system's numbers; NAN: not measured */
  struct known parameters[MACHINE_PROFILE_MAX_PARAMETERS]; /* by the row of parameter_table */
  uint64_t hash;                                           /* of all that it says */
};

/* The names of the profiles that are built in, comma separated. */
void machine_profile_names(char *text, size_t n_bytes);

/* Reads a profile that is built in, by its name, or a file. Returns 0, or EINVAL and one line in `why`. */
int machine_profile_read(struct machine_profile *profile, const char *name_or_path, char *why, size_t why_bytes);
void machine_profile_free(struct machine_profile *profile);

/* The machine that it tells of. Returns 0, or EINVAL after a message. */
int machine_profile_load_topology(const struct machine_profile *profile, struct topology *topology);

/*
 * A model of that machine. Draw 0 has the profile's own values; another has each from its range, uniformly, the same
 * for the same seed and number. Returns 0, or EINVAL or ENOMEM and one line in `why`.
 */
int machine_profile_draw(const struct machine_profile *profile, const struct topology *topology, uint64_t seed,
                         unsigned draw, struct model *model, char *why, size_t why_bytes);
void model_free(struct model *model);

#endif
