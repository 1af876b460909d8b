// SPDX-License-Identifier: MIT
#include "waits.h"

#include <math.h>

#include "machine/clock.h"

void waits_make(struct waits *waits) {
  double limit_ns = 1000;
  for (unsigned i = 0; i < WAITS_N_LIMITS; i++, limit_ns *= 10) waits->limits[i] = clock_ns_to_ticks(limit_ns);
}

void waits_add_open(struct waits *waits, uint64_t length, uint64_t time_in_window) {
  if (waits->n_open == 0 || length < waits->shortest_open) waits->shortest_open = length;
  waits->n_open++;
  waits_add(waits, length, time_in_window);
}

void waits_merge(struct waits *into, const struct waits *from) {
  if (from->n_open > 0 && (into->n_open == 0 || from->shortest_open < into->shortest_open))
    into->shortest_open = from->shortest_open;
  into->n_open += from->n_open;
  for (unsigned i = 0; i <= WAITS_N_LIMITS; i++) into->class_time[i] += from->class_time[i];
  histogram_merge(&into->lengths, &from->lengths);
}

double waits_bound_from(const struct waits *waits) {
  if (waits->n_open == 0) return NAN;
  uint64_t n_shorter = 0;
  for (unsigned i = 0; i < histogram_bucket(waits->shortest_open); i++) n_shorter += waits->lengths.n_in_bucket[i];
  return (double)n_shorter / (double)waits->lengths.n_values;
}

uint64_t waits_time_from(const struct waits *waits, unsigned limit) {
  uint64_t time = 0;
  for (unsigned i = limit + 1; i <= WAITS_N_LIMITS; i++) time += waits->class_time[i];
  return time;
}
