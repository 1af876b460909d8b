// SPDX-License-Identifier: MIT
#include "observe_groups.h"

#include <stdbool.h>
#include <stdlib.h>

static json_int_t whole(const json_t *object, const char *key) {
  return json_integer_value(json_object_get(object, key));
}

static void add(json_t *to, const json_t *from, const char *key) {
  json_object_set_new(to, key, json_integer(whole(to, key) + whole(from, key)));
}

static void raise(json_t *to, const json_t *from, const char *key) {
  if (whole(from, key) > whole(to, key)) json_object_set_new(to, key, json_integer(whole(from, key)));
}

/* Both are in ascending order, and so is the sum. */
static void add_histogram(json_t *to, const json_t *from, const char *key) {
  json_t *const sum = json_array();
  const json_t *const one = json_object_get(to, key), *const other = json_object_get(from, key);
  for (size_t i = 0, k = 0; i < json_array_size(one) || k < json_array_size(other);) {
    const json_t *const a = json_array_get(one, i), *const b = json_array_get(other, k);
    const json_int_t upper_a = json_integer_value(json_array_get(a, 0)),
                     upper_b = json_integer_value(json_array_get(b, 0));
    const bool is_a = a != NULL && (b == NULL || upper_a <= upper_b),
               is_b = b != NULL && (a == NULL || upper_b <= upper_a);
    const json_int_t n =
        (is_a ? json_integer_value(json_array_get(a, 1)) : 0) + (is_b ? json_integer_value(json_array_get(b, 1)) : 0);
    json_array_append_new(sum, json_pack("[I, I]", is_a ? upper_a : upper_b, n));
    i += is_a;
    k += is_b;
  }
  json_object_set_new(to, key, sum);
}

static int by_largest(const json_t *one, const json_t *other, const char *first, const char *second) {
  const char *const key = whole(one, first) != whole(other, first) ? first : second;
  return (whole(one, key) < whole(other, key)) - (whole(one, key) > whole(other, key));
}

static int by_caused(const void *a, const void *b) {
  const json_t *const one = *(const json_t *const *)a, *const other = *(const json_t *const *)b;
  return by_largest(one, other, "caused_wait_ns", "acquisitions");
}

/* Largest first; left as they are without memory. */
static void sort(json_t *array, int (*order)(const void *, const void *)) {
  const size_t n = json_array_size(array);
  const json_t **const sorted = calloc(n + 1, sizeof *sorted);
  if (sorted == NULL) return;
  for (size_t i = 0; i < n; i++) sorted[i] = json_incref(json_array_get(array, i));
  qsort(sorted, n, sizeof *sorted, order);
  json_array_clear(array);
  for (size_t i = 0; i < n; i++) json_array_append_new(array, (json_t *)sorted[i]);
  free(sorted);
}

static void add_sites(json_t *to, const json_t *from) {
  json_t *const sites = json_object_get(to, "sites");
  size_t i, k;
  json_t *site, *more;
  json_array_foreach (json_object_get(from, "sites"), i, more) {
    bool is_there = false;
    json_array_foreach (sites, k, site) {
      if (!json_equal(json_object_get(site, "site"), json_object_get(more, "site"))) continue;
      is_there = true;
      add(site, more, "acquisitions");
      add(site, more, "waited_ns");
      add(site, more, "caused_wait_ns");
      if (whole(more, "caused_from_looks") > 0) add(site, more, "caused_from_looks");
      break;
    }
    if (!is_there) json_array_append_new(sites, json_deep_copy(more));
  }
}

static void add_lock(json_t *group, const json_t *lock) {
  static const char *const sums[] = {
      "instances",       "acquisitions", "reads",         "contended",     "trylocks",       "trylocks_failed", "timed",
      "condition_waits", "handoffs",     "wait_total_ns", "hold_total_ns", "sections_timed", "yields"};
  static const char *const histograms[] = {"hold_ns", "wait_ns", "gap_ns"};
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) add(group, lock, sums[i]);
  for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++) add_histogram(group, lock, histograms[i]);
  raise(group, lock, "wait_longest_ns");
  raise(group, lock, "threads");
  add_sites(group, lock);
}

static int by_time_lost(const void *a, const void *b) {
  const json_t *const one = *(const json_t *const *)a, *const other = *(const json_t *const *)b;
  const int order = by_largest(one, other, "wait_total_ns", "acquisitions");
  return order != 0 ? order : by_largest(other, one, "id", "id");
}

json_t *observe_groups_make(const json_t *locks) {
  json_t *const groups = json_array(), *const by_name = json_object();
  size_t i;
  json_t *lock;
  json_array_foreach (locks, i, lock) {
    json_t *const both = json_pack("[O, O]", json_object_get(lock, "name"), json_object_get(lock, "kind"));
    char *const name = json_dumps(both, 0);
    json_decref(both);
    json_t *group = name != NULL ? json_object_get(by_name, name) : NULL;
    if (group != NULL) {
      add_lock(group, lock);
    } else {
      group = json_deep_copy(lock);
      if (name != NULL) json_object_set(by_name, name, group);
      json_array_append_new(groups, group);
    }
    free(name);
  }
  json_decref(by_name);
  sort(groups, by_time_lost);
  json_array_foreach (groups, i, lock) sort(json_object_get(lock, "sites"), by_caused);
  return groups;
}
