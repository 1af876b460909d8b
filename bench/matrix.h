// SPDX-License-Identifier: MIT
/* matrix.h: options -> cells (lock x configuration), and the random order in which their trials run. */
#ifndef MATRIX_H
#define MATRIX_H

#include "options.h"
#include "trial/trial.h"

/* One configuration of one lock. */
struct cell {
  char *name; /* as Google Benchmark knows it: mutex/ticket/threads:4/read_pct:90/cs_ns:0/placement:compact */
  const struct lk_ops *lock;
  struct workload workload;
  const struct placement *placement;
  bool times_waits;
  double duration_s; /* of its window; longer than was asked for where waits are timed and threads share CPUs */
};

/* One trial to be run: its index in the order is its order_index. */
struct slot {
  unsigned cell;
  unsigned repetition; /* from 1 */
};

enum { MATRIX_MAX_NOTES = 5 };

struct matrix {
  unsigned n_cells, n_placements, n_slots, n_notes;
  struct cell *cells;
  struct placement *placements;
  struct slot *order;
  char *notes[MATRIX_MAX_NOTES]; /* what was asked for and is left out, one line each */
};

/*
 * Makes the cells of all combinations, but for what cannot be measured (see the notes). Returns 0, or EINVAL or ENOMEM
 * with one line in `why`.
 */
int matrix_make(struct matrix *matrix, const struct options *options, const struct topology *topology, char *why,
                size_t why_bytes);
void matrix_free(struct matrix *matrix);

/* Keeps the cells that `keeps` admits; before matrix_shuffle(). */
void matrix_filter(struct matrix *matrix, bool (*keeps)(const char *name));

/*
 * Fills the order: each repetition is one pass over all cells in a random order of its own, so that all cells
 * meet the same drift of the machine. The same seed and cells give the same order. Returns 0 or ENOMEM.
 */
int matrix_shuffle(struct matrix *matrix, unsigned n_repetitions, uint64_t seed);

#endif
