// SPDX-License-Identifier: MIT
#include "threads.h"

#include <stdlib.h>

static unsigned domain_at(const struct placement *placement, const struct topology *topology, unsigned thread,
                          enum lk_level level) {
  return topology->cpus[placement->order[thread]].id[level];
}

/* How many threads, from the first on, share one domain. */
static unsigned n_together(const struct placement *placement, const struct topology *topology, enum lk_level level) {
  const unsigned first = domain_at(placement, topology, 0, level);
  unsigned n = 1;
  while (n < placement->n_cpus && domain_at(placement, topology, n, level) == first) n++;
  return n;
}

/* How many threads, from the first on, have each a domain of its own. */
static unsigned n_apart(const struct placement *placement, const struct topology *topology, enum lk_level level) {
  for (unsigned n = 1; n < placement->n_cpus; n++)
    for (unsigned i = 0; i < n; i++)
      if (domain_at(placement, topology, i, level) == domain_at(placement, topology, n, level)) return n;
  return placement->n_cpus;
}

static int by_number(const void *a, const void *b) {
  const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
  return x < y ? -1 : x > y;
}

unsigned threads_default(const struct placement *placement, const struct topology *topology, unsigned max,
                         unsigned counts[THREADS_MAX_COUNTS]) {
  const unsigned n = placement->n_cpus, at_cpus[] = {n, n + 1, 2 * n, 8 * n};
  unsigned n_counts = 0, n_kept = 0;
  for (unsigned power = 1; power < n; power *= 2) counts[n_counts++] = power;
  for (enum lk_level level = 0; placement->is_pinned && level < LK_N_LEVELS; level++) {
    counts[n_counts++] = n_together(placement, topology, level);
    counts[n_counts++] = n_apart(placement, topology, level);
  }
  for (unsigned i = 0; i < sizeof at_cpus / sizeof *at_cpus; i++) counts[n_counts++] = at_cpus[i];
  qsort(counts, n_counts, sizeof *counts, by_number);
  for (unsigned i = 0; i < n_counts && counts[i] <= max; i++)
    if (n_kept == 0 || counts[i] != counts[n_kept - 1]) counts[n_kept++] = counts[i];
  return n_kept;
}

bool threads_suit(const struct lk_ops *lock, unsigned n_threads, const struct placement *placement) {
  return n_threads <= 2 * placement->n_cpus || (lock->traits & LK_PARKS);
}
