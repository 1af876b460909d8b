// SPDX-License-Identifier: MIT
/* draw.c: a profile and a topology -> a model. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine_profile.h"
#include "store_buffer.h"
#include "system.h"

static const char *const distance_words[N_DISTANCES] = {NULL, "siblings of a core ('smt')",
                                                        "cores that share a cache ('llc')", "cores of a node ('node')",
                                                        "cores of different nodes ('remote')"};

/* A value of its range; its own for the first draw. */
static double draw_one(const struct known *known, unsigned draw, struct random_state *random) {
  const double share = (double)(random_next(random) >> 11) / (double)(UINT64_C(1) << 53);
  return draw == 0 ? known->value : known->low + share * (known->high - known->low);
}

static void draw_parameters(const struct machine_profile *profile, unsigned draw, struct random_state *random,
                            struct model *model) {
  struct parameters *p = &model->parameters;
  for (unsigned i = 0; parameter_table[i].name != NULL; i++)
    *parameter_value(p, &parameter_table[i]) = draw_one(&profile->parameters[i], draw, random);
  model->access_ps = model_ps(p->access_ns) + 1; /* never 0, or a loop could stop the time */
  model->hit_ps = model_ps(p->hit_ns);
  model->store_ps = model_ps(p->store_ns);
  model->rmw_ps = model_ps(p->rmw_ns);
  model->pause_ps = model_ps(p->pause_ns);
  model->memory_ps = model_ps(p->memory_ns);
  model->invalidate_ps = model_ps(p->invalidate_ns);
  model->broadcast_ps = model_ps(p->broadcast_ns);
  model->n_buffer = (unsigned)fmin(fmax(1, round(p->buffer)), STORE_BUFFER_MAX);
  model->is_from_writer = p->from_writer >= 0.5;
  model->has_contention = p->contention > 0;
}

/* What the profile has a table of must be what its shape has. */
static int check_shape(const struct machine_profile *profile, const struct topology *topology, char *why,
                       size_t why_bytes) {
  const bool has_nodes = topology->n_domains[LK_NODE] >= topology->n_domains[LK_PACKAGE];
  const unsigned n_groups = topology->n_domains[has_nodes ? LK_NODE : LK_PACKAGE];
  unsigned n_numbers = 0; /* of CPUs, those that are not there too */
  for (unsigned i = 0; i < topology->n_cpus; i++)
    if (topology->cpus[i].os_index >= n_numbers) n_numbers = topology->cpus[i].os_index + 1;
  const bool has_more = profile->n_matrix > n_numbers && profile->cpus == NULL;
  if (topology->n_cpus > MODEL_MAX_CPUS)
    snprintf(why, why_bytes, "the machine has %u CPUs; the simulator takes up to %d", topology->n_cpus, MODEL_MAX_CPUS);
  else if (topology->n_cpus > (SYSTEM_MAX_SIBLINGS + 1) * topology->n_domains[LK_CORE])
    snprintf(why, why_bytes, "a core of the machine has more than %d CPUs, which the simulator takes",
             SYSTEM_MAX_SIBLINGS + 1);
  else if (profile->n_groups > 0 && profile->n_groups != n_groups)
    snprintf(why, why_bytes, "the profile '%s' has a 'groups_ns' of %u rows; its shape has %u %s", profile->name,
             profile->n_groups, n_groups, has_nodes ? "NUMA nodes" : "packages");
  else if (profile->n_matrix > 0 && (profile->n_matrix < n_numbers || has_more))
    snprintf(why, why_bytes, "the profile '%s' has a matrix of %u rows; the CPUs of its shape have the numbers 0 to %u",
             profile->name, profile->n_matrix, n_numbers - 1);
  else
    return 0;
  return EINVAL;
}

static int make_cores(const struct topology *topology, struct model *model, char *why, size_t why_bytes) {
  model->topology = topology;
  model->n_cpus = topology->n_cpus;
  model->n_cores = topology->n_domains[LK_CORE];
  model->n_words = (model->n_cores + 63) / 64;
  model->core_of = calloc(model->n_cpus, sizeof *model->core_of);
  model->cpu_of = calloc(model->n_cores, sizeof *model->cpu_of);
  model->transfer_ps = calloc((size_t)model->n_cores * model->n_cores, sizeof *model->transfer_ps);
  model->nearest = calloc((size_t)model->n_cores * model->n_cores, sizeof *model->nearest);
  model->distance = calloc((size_t)model->n_cores * model->n_cores, sizeof *model->distance);
  if (model->core_of == NULL || model->cpu_of == NULL || model->transfer_ps == NULL || model->nearest == NULL ||
      model->distance == NULL) {
    snprintf(why, why_bytes, "no memory for a machine of %u CPUs", model->n_cpus);
    return ENOMEM;
  }
  for (unsigned i = model->n_cpus; i-- > 0;) {
    model->core_of[i] = topology->cpus[i].id[LK_CORE];
    model->cpu_of[model->core_of[i]] = i;
  }
  return 0;
}

/* What the profile's finer tables say of two CPUs, or NAN. */
static double from_tables(const struct machine_profile *profile, const struct topology_cpu *a,
                          const struct topology_cpu *b, bool has_nodes) {
  if (a->os_index < profile->n_matrix && b->os_index < profile->n_matrix) {
    const double ns = profile->matrix_ns[a->os_index * profile->n_matrix + b->os_index];
    if (!isnan(ns)) return ns;
  }
  const unsigned i = a->id[has_nodes ? LK_NODE : LK_PACKAGE], j = b->id[has_nodes ? LK_NODE : LK_PACKAGE];
  if (i != j && i < profile->n_groups && j < profile->n_groups && profile->groups_ns[i][j] > 0)
    return profile->groups_ns[i][j];
  return NAN;
}

/* All transfers of a distance are longer or shorter by the same factor in a draw: it stands for the fabric's clock. */
static int fill_transfers(const struct machine_profile *profile, unsigned draw, struct random_state *random,
                          struct model *model, char *why, size_t why_bytes) {
  const struct topology *topology = model->topology;
  const bool has_nodes = topology->n_domains[LK_NODE] >= topology->n_domains[LK_PACKAGE];
  double drawn_ns[N_DISTANCES], factor[N_DISTANCES];
  for (enum distance distance = DISTANCE_SMT; distance < N_DISTANCES; distance++) {
    const struct known *known = &profile->transfers[distance];
    drawn_ns[distance] = draw_one(known, draw, random);
    factor[distance] = known->value > 0 ? drawn_ns[distance] / known->value : 1;
  }
  for (unsigned a = 0; a < model->n_cores; a++)
    for (unsigned b = 0; b < model->n_cores; b++) {
      const struct topology_cpu *from = &topology->cpus[model->cpu_of[a]], *to = &topology->cpus[model->cpu_of[b]];
      const enum distance distance = a == b ? DISTANCE_SMT : topology_distance(from, to);
      const double finer_ns = a == b ? NAN : from_tables(profile, from, to, has_nodes);
      const double ns = isnan(finer_ns) ? drawn_ns[distance] : finer_ns * factor[distance];
      if (!(ns > 0) && (a != b || model->n_cpus > model->n_cores)) {
        snprintf(why, why_bytes, "the profile '%s' does not tell what a transfer takes between %s", profile->name,
                 distance_words[distance]);
        return EINVAL;
      }
      model->distance[a * model->n_cores + b] = (uint8_t)distance;
      model->transfer_ps[a * model->n_cores + b] = model_ps(ns);
    }
  return 0;
}

static int compare_keys(const void *a, const void *b) {
  const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
  return (left > right) - (left < right);
}

/* For each core all of them, nearest first, and of those that are as near by their numbers. */
static void sort_cores(struct model *model) {
  const unsigned n = model->n_cores;
  int64_t keys[MODEL_MAX_CPUS]; /* the transfer, then the number */
  for (unsigned to = 0; to < n; to++) {
    for (unsigned from = 0; from < n; from++) keys[from] = model_transfer_ps(model, from, to) * MODEL_MAX_CPUS + from;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (unsigned i = 0; i < n; i++) model->nearest[to * n + i] = (uint16_t)(keys[i] % MODEL_MAX_CPUS);
  }
}

int machine_profile_draw(const struct machine_profile *profile, const struct topology *topology, uint64_t seed,
                         unsigned draw, struct model *model, char *why, size_t why_bytes) {
  struct random_state random = random_seed(seed, UINT64_C(4) << 32 | draw);
  *model = (struct model){0};
  int error = check_shape(profile, topology, why, why_bytes);
  if (error == 0) error = make_cores(topology, model, why, why_bytes);
  if (error == 0) error = fill_transfers(profile, draw, &random, model, why, why_bytes);
  if (error != 0) {
    model_free(model);
    return error;
  }
  sort_cores(model);
  draw_parameters(profile, draw, &random, model);
  return 0;
}

void model_free(struct model *model) {
  free(model->core_of);
  free(model->cpu_of);
  free(model->transfer_ps);
  free(model->nearest);
  free(model->distance);
  *model = (struct model){0};
}
