// SPDX-License-Identifier: MIT
#include "simulate_ranking.h"
#include "sorting.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A cell's part in a ranking. */
struct entry {
  const char *lock;
  const double *ops_per_s; /* by draw */
  double median;
};

static int fastest_first(const void *a, const void *b) {
  return -compare_reals(&((const struct entry *)a)->median, &((const struct entry *)b)->median);
}

/* NAN if any draw is missing: what failed is not ranked. */
static double median_of(const double *values, unsigned n) {
  double sorted[n];
  memcpy(sorted, values, n * sizeof *values);
  for (unsigned i = 0; i < n; i++)
    if (isnan(values[i])) return NAN;
  return median_of_reals(sorted, n);
}

/* What the name says beside kind and lock. */
static const char *situation(const struct cell *cell) {
  const char *kind_end = strchr(cell->name, '/');
  return strchr(kind_end + 1, '/') + 1;
}

static bool agree(const struct entry *faster, const struct entry *slower, unsigned n_draws) {
  unsigned n = 0;
  for (unsigned i = 0; i < n_draws; i++) n += faster->ops_per_s[i] > slower->ops_per_s[i];
  return 100 * n >= RANKING_AGREE_PCT * n_draws;
}

static void print_one(const char *where, struct entry *entries, unsigned n, unsigned n_draws) {
  qsort(entries, n, sizeof *entries, fastest_first);
  printf("%s:", where);
  for (unsigned i = 0; i < n; i++)
    printf("%s %s", i == 0 ? "" : agree(&entries[i - 1], &entries[i], n_draws) ? " >" : " =", entries[i].lock);
  putchar('\n');
}

void ranking_print(const struct matrix *matrix, const double *ops_per_s, unsigned n_draws) {
  struct entry *entries = calloc(matrix->n_cells, sizeof *entries);
  if (entries == NULL || n_draws < RANKING_LEAST_DRAWS) {
    free(entries);
    return;
  }
  bool has_told = false;
  for (unsigned first = 0; first < matrix->n_cells; first++) {
    const char *where = situation(&matrix->cells[first]);
    unsigned n = 0;
    bool is_first = true;
    for (unsigned i = 0; i < matrix->n_cells; i++) {
      if (strcmp(situation(&matrix->cells[i]), where) != 0 || matrix->cells[i].times_waits) continue;
      is_first &= i >= first;
      const double *values = ops_per_s + (size_t)i * n_draws;
      const double median = median_of(values, n_draws);
      if (isnan(median) || matrix->cells[i].lock->traits & LK_BASELINE) continue;
      entries[n++] = (struct entry){matrix->cells[i].lock->name, values, median};
    }
    if (!is_first || n < 2) continue;
    if (!has_told) printf("fastest first; > in at least %d %% of %u draws:\n", RANKING_AGREE_PCT, n_draws);
    has_told = true;
    print_one(where, entries, n, n_draws);
  }
  free(entries);
}
