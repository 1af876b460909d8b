// SPDX-License-Identifier: MIT
#include "observe_sites.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The last two are of paths alone. */
enum figure { ACQUIRED, WAITED, CAUSED, N_FIGURES, HELD = N_FIGURES, WAITS_CAUSED };

/* A place with a name: two calls on one line are one. */
struct place {
  const char *name;
  uint64_t figures[N_FIGURES];
  uint64_t n_looks; /* from which what it caused was estimated; 0: it was counted */
};

struct places {
  struct place *all;
  size_t n;
};

static int by_caused(const void *a, const void *b) {
  static const enum figure order[] = {CAUSED, ACQUIRED};
  const struct place *const one = a, *const other = b;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    const uint64_t own = one->figures[order[i]], its = other->figures[order[i]];
    if (own != its) return own > its ? -1 : 1;
  }
  return strcmp(one->name, other->name);
}

/* n_looks: from which n was estimated; 0: it was counted. */
static void add(struct places *places, const char *name, enum figure figure, uint64_t n, uint64_t n_looks) {
  if (n == 0) return;
  size_t i = 0;
  while (i < places->n && strcmp(places->all[i].name, name) != 0) i++;
  if (i == places->n) {
    struct place *const more = realloc(places->all, (places->n + 1) * sizeof *more);
    if (more == NULL) return;
    places->all = more;
    more[places->n++] = (struct place){.name = name};
  }
  places->all[i].figures[figure] += n;
  if (figure == CAUSED && n_looks > places->all[i].n_looks) places->all[i].n_looks = n_looks;
}

static uint64_t seen(const struct recording_path *path, enum figure figure) {
  const _Atomic(uint64_t) *const of[] = {&path->n_acquired, &path->waited_ticks, &path->caused_ticks, &path->held_ticks,
                                         &path->n_caused};
  return atomic_load_explicit(of[figure], memory_order_relaxed); /* a number, which may be changing */
}

/* The first outside of wrappers; NULL: there is none among those that were looked at. */
static const char *caller(const struct recording_path *path, uint32_t image, const struct symbols *symbols) {
  for (int i = 1; i < RECORDING_N_FRAMES && path->callers[i] != 0; i++) {
    bool is_wrapper;
    const char *const name = symbols_text(symbols, image, path->callers[i], &is_wrapper);
    if (!is_wrapper) return name;
  }
  return NULL;
}

/* Of all paths through a wrapper. */
static uint64_t sum_of_paths(const struct observe_lock *lock, const struct recording *recording, uint64_t wrapper,
                             enum figure figure) {
  uint64_t sum = 0;
  for (size_t i = 0; i < lock->n_paths; i++) {
    const struct recording_path *const path = &recording->paths[lock->paths[i]];
    if (path->callers[0] == wrapper) sum += seen(path, figure);
  }
  return sum;
}

/* Deals n to the wrapper's callers in the proportions of what was seen of them. Parts are whole, and add up to n: each
   ends where the sum so far does. */
static void deal(struct places *places, const struct observe_lock *lock, const struct recording *recording,
                 const struct symbols *symbols, uint64_t wrapper, enum figure figure, uint64_t n) {
  const uint32_t image = recording->locks[lock->number].image;
  /* Nobody may have waited for a holder that was looked at. Who holds a lock longer makes others wait more often. */
  const bool is_by_holding = figure == CAUSED && sum_of_paths(lock, recording, wrapper, CAUSED) == 0;
  const enum figure by = is_by_holding ? HELD : figure;
  const uint64_t sum = sum_of_paths(lock, recording, wrapper, by);
  const uint64_t n_looks =
      sum < n || is_by_holding ? sum_of_paths(lock, recording, wrapper, is_by_holding ? ACQUIRED : WAITS_CAUSED) : 0;
  const char *const own_name = symbols_text(symbols, image, wrapper, NULL);
  uint64_t so_far = 0, dealt = 0;
  for (size_t i = 0; i < lock->n_paths && so_far < sum; i++) {
    const struct recording_path *const path = &recording->paths[lock->paths[i]];
    if (path->callers[0] != wrapper) continue;
    const char *const name = caller(path, image, symbols);
    so_far += seen(path, by);
    if (so_far > sum) so_far = sum; /* of a program that runs, which has added to it */
    const uint64_t end = so_far == sum ? n : (uint64_t)((long double)n * (long double)so_far / (long double)sum);
    add(places, name != NULL ? name : own_name, figure, end - dealt, n_looks);
    dealt = end;
  }
  add(places, own_name, figure, n - dealt, 0);
}

/* The places' figures in nanoseconds, each rounded where the sum so far is: they add up to the lock's, rounded once. */
static json_t *ns(const struct recording *recording, uint64_t before_ticks, uint64_t ticks) {
  const double end = (double)(before_ticks + ticks) * recording->ns_per_tick;
  return json_integer((json_int_t)(llround(end) - llround((double)before_ticks * recording->ns_per_tick)));
}

/* before: sums of the figures of the places before it. */
static json_t *place_json(const struct place *place, const uint64_t before[N_FIGURES],
                          const struct recording *recording) {
  json_t *const json =
      json_pack("{s:s, s:I, s:o, s:o}", "site", place->name, "acquisitions", (json_int_t)place->figures[ACQUIRED],
                "waited_ns", ns(recording, before[WAITED], place->figures[WAITED]), "caused_wait_ns",
                ns(recording, before[CAUSED], place->figures[CAUSED]));
  if (place->n_looks > 0) json_object_set_new(json, "caused_from_looks", json_integer((json_int_t)place->n_looks));
  return json;
}

json_t *observe_sites_json(const struct observe_lock *lock, const struct recording *recording,
                           const struct symbols *symbols) {
  struct places places = {0};
  for (size_t i = 0; i < lock->n_sites; i++) {
    const struct observe_site *const site = &lock->sites[i];
    const uint64_t figures[N_FIGURES] = {site->n_acquired, site->waited_ticks, site->caused_ticks};
    bool is_wrapper = false;
    const char *const name =
        site->address != 0 ? symbols_text(symbols, recording->locks[lock->number].image, site->address, &is_wrapper)
                           : "(other sites)";
    for (enum figure figure = 0; figure < N_FIGURES; figure++)
      if (is_wrapper)
        deal(&places, lock, recording, symbols, site->address, figure, figures[figure]);
      else
        add(&places, name, figure, figures[figure], 0);
  }
  if (places.n > 0) qsort(places.all, places.n, sizeof *places.all, by_caused);
  json_t *const json = json_array();
  uint64_t before[N_FIGURES] = {0};
  for (size_t i = 0; i < places.n; i++) {
    json_array_append_new(json, place_json(&places.all[i], before, recording));
    for (enum figure figure = 0; figure < N_FIGURES; figure++) before[figure] += places.all[i].figures[figure];
  }
  free(places.all);
  return json;
}
