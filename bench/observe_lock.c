// SPDX-License-Identifier: MIT
#include "observe_lock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe_sites.h"

static uint64_t read(const _Atomic(uint64_t) *number) {
  return atomic_load_explicit(number, memory_order_relaxed); /* a number, which its thread may be changing */
}

static struct observe_site *site_of(struct observe_lock *lock, uint64_t address) {
  for (size_t i = 0; i < lock->n_sites; i++)
    if (lock->sites[i].address == address) return &lock->sites[i];
  struct observe_site *const more = realloc(lock->sites, (lock->n_sites + 1) * sizeof *more);
  if (more == NULL) return NULL;
  lock->sites = more;
  more[lock->n_sites] = (struct observe_site){.address = address};
  return &more[lock->n_sites++];
}

static bool add_outer(struct observe_lock *lock, uint32_t number, uint64_t n_times) {
  for (size_t i = 0; i < lock->n_outer; i++)
    if (lock->outer[i].lock == number) {
      lock->outer[i].n_times += n_times;
      return true;
    }
  struct observe_outer *const more = realloc(lock->outer, (lock->n_outer + 1) * sizeof *more);
  if (more == NULL) return false;
  lock->outer = more;
  more[lock->n_outer++] = (struct observe_outer){number, n_times};
  return true;
}

static bool add_sites(struct observe_lock *lock, const struct recording_record *record, uint64_t *n_acquired) {
  *n_acquired = 0;
  for (int i = 0; i < RECORDING_N_SITES; i++) {
    const struct recording_site *const from = &record->sites[i];
    const uint64_t n = read(&from->n_acquired), waited = read(&from->waited_ticks), caused = read(&from->caused_ticks);
    if (n == 0 && waited == 0 && caused == 0) continue;
    struct observe_site *const site = site_of(lock, from->address);
    if (site == NULL) return false;
    site->n_acquired += n;
    site->waited_ticks += waited;
    site->caused_ticks += caused;
    *n_acquired += n;
  }
  return true;
}

static bool add(struct observe_lock *lock, const struct recording_record *record,
                const struct recording_histograms *histograms) {
  uint64_t n_acquired;
  if (lock->histograms == NULL) lock->histograms = calloc(1, sizeof *lock->histograms);
  if (lock->histograms == NULL || !add_sites(lock, record, &n_acquired)) return false;
  for (int i = 0; i < RECORDING_N_COUNTS; i++) {
    const uint64_t count = read(&record->counts[i]);
    if (i != RECORDED_WAIT_LONGEST)
      lock->counts[i] += count;
    else if (count > lock->counts[i])
      lock->counts[i] = count;
  }
  lock->n_acquired += n_acquired;
  lock->n_threads += read(&record->counts[RECORDED_THREADS]) + (n_acquired > record->acquired_before);
  for (int i = 0; i < RECORDING_N_BUCKETS; i++) {
    lock->histograms->held[i] += read(&histograms->held[i]);
    lock->histograms->waited[i] += read(&histograms->waited[i]);
    lock->histograms->gaps[i] += read(&histograms->gaps[i]);
  }
  lock->is_used =
      lock->is_used || n_acquired > 0 || lock->counts[RECORDED_TRIED] > 0 || lock->counts[RECORDED_CONTENDED] > 0;
  for (int i = 0; i < RECORDING_N_OUTER; i++) {
    const uint64_t n_times = read(&record->outer[i].n_times);
    if (n_times > 0 && !add_outer(lock, record->outer[i].lock, n_times)) return false;
  }
  return true;
}

static bool add_path(struct observe_lock *lock, uint32_t number) {
  uint32_t *const more = realloc(lock->paths, (lock->n_paths + 1) * sizeof *more);
  if (more == NULL) return false;
  lock->paths = more;
  more[lock->n_paths++] = number;
  return true;
}

bool observe_locks_add_up(struct observe_lock *all, const struct recording *recording) {
  const uint32_t n_locks = recording_n_locks(recording), n_records = recording_n_records(recording);
  const uint32_t n_paths = recording_n_paths(recording);
  for (uint32_t i = 1; i <= n_locks; i++) all[i].number = i;
  for (uint32_t i = 1; i <= n_records; i++) {
    const uint32_t lock = recording->records[i].lock;
    if (lock > 0 && lock <= n_locks && !add(&all[lock], &recording->records[i], &recording->histograms[i]))
      return false;
  }
  for (uint32_t i = 1; i <= n_paths; i++) {
    const uint32_t lock = recording->paths[i].lock;
    if (lock > 0 && lock <= n_locks && !add_path(&all[lock], i)) return false;
  }
  return true;
}

static const char *caller(const struct observe_lock *lock, const struct recording *recording,
                          const struct symbols *symbols, unsigned i, bool *is_wrapper) {
  const struct recording_lock *const of = &recording->locks[lock->number];
  if (i >= RECORDING_N_CALLERS || of->callers[i] == 0) return NULL;
  return symbols_text(symbols, of->image, of->callers[i], is_wrapper);
}

static void find_maker(struct observe_lock *lock, const struct recording *recording, const struct symbols *symbols) {
  bool is_wrapper = true;
  for (unsigned i = 0; is_wrapper && caller(lock, recording, symbols, i, &is_wrapper) != NULL; i++)
    if (!is_wrapper) lock->made = i;
}

/* The name with n callers behind it; the same if it has no more. */
static char *lengthen(const struct observe_lock *lock, const struct recording *recording, const struct symbols *symbols,
                      unsigned n) {
  const char *const more = caller(lock, recording, symbols, lock->made + n, NULL);
  char *name = NULL;
  if (more == NULL || asprintf(&name, "%s < %s", lock->name, more) < 0) return NULL;
  return name;
}

/* Made elsewhere, by what is recorded of it. */
static bool is_of_another_maker(const struct recording *recording, const struct observe_lock *one,
                                const struct observe_lock *other) {
  const uint64_t *const callers = recording->locks[one->number].callers;
  return memcmp(callers, recording->locks[other->number].callers, sizeof recording->locks[0].callers) != 0;
}

static int by_name(const void *a, const void *b) {
  return strcmp((*(struct observe_lock *const *)a)->name, (*(struct observe_lock *const *)b)->name);
}

/* Lengthens by their n-th caller the names that several makers' locks have. */
static void tell_apart(struct observe_lock **sorted, uint32_t n_used, const struct recording *recording,
                       const struct symbols *symbols, unsigned n) {
  for (uint32_t i = 0, end; i < n_used; i = end) {
    bool has_several = false;
    for (end = i + 1; end < n_used && by_name(&sorted[i], &sorted[end]) == 0; end++)
      has_several = has_several || is_of_another_maker(recording, sorted[i], sorted[end]);
    if (!has_several) continue;
    for (uint32_t k = i; k < end; k++) {
      char *const longer = lengthen(sorted[k], recording, symbols, n);
      if (longer == NULL) continue;
      free(sorted[k]->name);
      sorted[k]->name = longer;
    }
  }
}

void observe_locks_name(struct observe_lock **used, uint32_t n_used, const struct recording *recording,
                        const struct symbols *symbols) {
  struct observe_lock **const sorted = calloc(n_used + 1u, sizeof *sorted);
  uint32_t n_sorted = 0;
  for (uint32_t i = 0; i < n_used; i++) {
    find_maker(used[i], recording, symbols);
    const char *const made = caller(used[i], recording, symbols, used[i]->made, NULL);
    used[i]->name = strdup(made != NULL ? made : "?");
    if (sorted != NULL && used[i]->name != NULL) sorted[n_sorted++] = used[i];
  }
  for (unsigned n = 1; n < RECORDING_N_CALLERS; n++) {
    if (n_sorted > 0) qsort(sorted, n_sorted, sizeof *sorted, by_name);
    tell_apart(sorted, n_sorted, recording, symbols, n);
  }
  free(sorted);
}

static json_t *whole(uint64_t number) { return json_integer((json_int_t)number); }

static json_t *ns(const struct recording *recording, uint64_t ticks) {
  return json_integer((json_int_t)llround((double)ticks * recording->ns_per_tick));
}

/* Buckets that end in the same nanosecond are one. */
static json_t *histogram_json(const struct recording *recording, const uint64_t *buckets) {
  json_t *const histogram = json_array();
  for (unsigned i = 0; i < RECORDING_N_BUCKETS; i++) {
    if (buckets[i] == 0) continue;
    const json_int_t upper = (json_int_t)ceil((double)recording_bucket_last(i) * recording->ns_per_tick);
    json_t *const last = json_array_get(histogram, json_array_size(histogram) - 1);
    if (last != NULL && json_integer_value(json_array_get(last, 0)) == upper)
      json_array_set_new(last, 1, whole(buckets[i] + (uint64_t)json_integer_value(json_array_get(last, 1))));
    else
      json_array_append_new(histogram, json_pack("[I, I]", upper, (json_int_t)buckets[i]));
  }
  return histogram;
}

static json_t *outer_json(const struct observe_lock *lock) {
  json_t *const under = json_array();
  for (size_t i = 0; i < lock->n_outer; i++)
    json_array_append_new(under, json_pack("{s:o, s:o}", "lock",
                                           lock->outer[i].lock != 0 ? whole(lock->outer[i].lock) : json_null(), "times",
                                           whole(lock->outer[i].n_times)));
  return under;
}

static json_t *makers_json(const struct observe_lock *lock, const struct recording *recording,
                           const struct symbols *symbols) {
  json_t *const makers = json_array();
  const char *text;
  for (unsigned i = lock->made + 1; (text = caller(lock, recording, symbols, i, NULL)) != NULL; i++)
    json_array_append_new(makers, json_string(text));
  return makers;
}

json_t *observe_lock_json(const struct observe_lock *lock, const struct recording *recording,
                          const struct symbols *symbols) {
  static const char *const kinds[] = {"mutex", "rwlock", "spin"};
  const struct recording_lock *const of = &recording->locks[lock->number];
  const uint32_t n_instances = atomic_load_explicit(&of->n_instances, memory_order_relaxed); /* a number */
  const char *const made = caller(lock, recording, symbols, lock->made, NULL);
  json_t *const json = json_object();
  json_object_set_new(json, "id", whole(lock->number));
  json_object_set_new(json, "name", json_string(lock->name != NULL ? lock->name : "?"));
  json_object_set_new(json, "kind", json_string(kinds[of->kind <= RECORDING_SPIN ? of->kind : RECORDING_MUTEX]));
  json_object_set_new(json, "made", json_string(made != NULL ? made : "?"));
  json_object_set_new(json, "made_from", makers_json(lock, recording, symbols));
  json_object_set_new(json, "instances", whole(n_instances > 0 ? n_instances : 1));
  json_object_set_new(json, "acquisitions", whole(lock->n_acquired));
  json_object_set_new(json, "reads", whole(lock->counts[RECORDED_READS]));
  json_object_set_new(json, "contended", whole(lock->counts[RECORDED_CONTENDED]));
  json_object_set_new(json, "trylocks", whole(lock->counts[RECORDED_TRIED]));
  json_object_set_new(json, "trylocks_failed", whole(lock->counts[RECORDED_TRIES_FAILED]));
  json_object_set_new(json, "timed", whole(lock->counts[RECORDED_TIMED]));
  json_object_set_new(json, "condition_waits", whole(lock->counts[RECORDED_CONDITION_WAITS]));
  json_object_set_new(json, "threads", whole(lock->n_threads));
  json_object_set_new(json, "yields", whole(lock->counts[RECORDED_YIELDS]));
  json_object_set_new(json, "handoffs", whole(lock->counts[RECORDED_HANDOFFS]));
  json_object_set_new(json, "wait_total_ns", ns(recording, lock->counts[RECORDED_WAIT_TICKS]));
  json_object_set_new(json, "wait_longest_ns", ns(recording, lock->counts[RECORDED_WAIT_LONGEST]));
  json_object_set_new(json, "hold_total_ns", ns(recording, lock->counts[RECORDED_HOLD_TICKS]));
  json_object_set_new(json, "sections_timed", whole(lock->counts[RECORDED_TIMED_SECTIONS]));
  json_object_set_new(json, "hold_ns", histogram_json(recording, lock->histograms->held));
  json_object_set_new(json, "wait_ns", histogram_json(recording, lock->histograms->waited));
  json_object_set_new(json, "gap_ns", histogram_json(recording, lock->histograms->gaps));
  json_object_set_new(json, "sites", observe_sites_json(lock, recording, symbols));
  json_object_set_new(json, "under", outer_json(lock));
  return json;
}

void observe_lock_free(struct observe_lock *lock) {
  free(lock->sites);
  free(lock->paths);
  free(lock->outer);
  free(lock->histograms);
  free(lock->name);
}
