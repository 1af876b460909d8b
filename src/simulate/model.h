// SPDX-License-Identifier: MIT
/*
 * model.h: a machine as the simulation runs it: who shares a core with whom, what each transfer costs, in picoseconds.
 * One draw of a profile's parameters, on its topology.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/topology.h"
#include "parameters.h"

enum { MODEL_MAX_CPUS = 512, MODEL_WORDS = MODEL_MAX_CPUS / 64 };

/* What a transfer may take. */
static const double MODEL_LEAST_TRANSFER_NS = 0.1, MODEL_MOST_TRANSFER_NS = 1e5;

struct model {
  const struct topology *topology;
  unsigned n_cpus, n_cores, n_words; /* n_words hold a bit for each core */
  unsigned *core_of;                 /* by index into topology->cpus */
  unsigned *cpu_of;                  /* of each core, its first CPU */
  int64_t *transfer_ps;              /* [from * n_cores + to]: one hand-over of a line by compare-and-swap */
  uint16_t *nearest;                 /* [to * n_cores + i]: all cores, nearest first */
  uint8_t *distance;                 /* [from * n_cores + to]: enum distance; of a core to itself between siblings */
  struct parameters parameters;
  int64_t access_ps, hit_ps, store_ps, rmw_ps, pause_ps, memory_ps, invalidate_ps, broadcast_ps;
  unsigned n_buffer;
  bool is_from_writer, has_contention;
};

static inline int64_t model_ps(double ns) { return (int64_t)(ns * 1000 + 0.5); }

static inline int64_t model_transfer_ps(const struct model *model, unsigned from, unsigned to) {
  return model->transfer_ps[from * model->n_cores + to];
}

#endif
