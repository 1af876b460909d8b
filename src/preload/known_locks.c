// SPDX-License-Identifier: MIT
#include "known_locks.h"

#include <string.h>

#include "callers.h"
#include "lk.h"
#include "modules.h"
#include "places.h"

enum {
  N_CALLERS_TOLD_APART = 3, /* of those that are written down */
  MOST_SEARCHES = 1024,     /* of callers, from one place: beyond, all that is made there counts as one */
};

uint32_t known_locks_image(struct recording *recording) {
  static _Atomic(uint32_t) image;
  uint32_t known = atomic_load_explicit(&image, memory_order_relaxed), none = 0; /* relaxed, all: a number */
  if (LK_LIKELY(known != 0)) return known;
  known = 1 + atomic_fetch_add_explicit(&recording->n_images, 1, memory_order_relaxed);
  return atomic_compare_exchange_strong_explicit(&image, &none, known, memory_order_relaxed, memory_order_relaxed)
             ? known
             : none;
}

/* Whether this was asked about the key so many times before. */
static bool is_beyond(struct recording *recording, uint64_t key, uint32_t limit) {
  bool is_new;
  struct recording_place *const place = places_find(recording, key, true, &is_new);
  /* Relaxed, both: a count. */
  return place == NULL || atomic_load_explicit(&place->number, memory_order_relaxed) >= limit ||
         atomic_fetch_add_explicit(&place->number, 1, memory_order_relaxed) >= limit;
}

/* A lock for a place that is new; 0: there are no more. */
static uint32_t make(struct recording *recording, const struct recording_lock *wanted) {
  const uint32_t number = 1 + atomic_fetch_add_explicit(&recording->n_locks, 1, memory_order_relaxed); /* a number */
  if (number >= RECORDING_MAX_LOCKS) return 0;
  struct recording_lock *const lock = &recording->locks[number];
  lock->address = wanted->address;
  lock->kind = wanted->kind;
  lock->image = wanted->image;
  for (int i = 0; i < RECORDING_N_CALLERS; i++) {
    lock->callers[i] = wanted->callers[i];
    if (lock->callers[i] != 0) modules_note(recording, lock->image, lock->callers[i]);
  }
  return number;
}

/* The number at a key's place, made if it is new. */
static uint32_t number_of(struct recording *recording, uint64_t key, const struct recording_lock *wanted) {
  bool is_new;
  struct recording_place *const place = places_find(recording, key, true, &is_new);
  if (place == NULL) return 0;
  if (!is_new) return places_number(place);
  const uint32_t number = make(recording, wanted);
  places_set_number(place, number);
  return number;
}

static uint64_t maker_of(const struct recording_lock *lock) {
  uint64_t maker = places_mix(places_mix(KEY_OF_MAKER, lock->image), lock->kind);
  for (int i = 0; i < N_CALLERS_TOLD_APART; i++) maker = places_mix(maker, lock->callers[i]);
  return maker;
}

/* One more lock made, or used for the first time, by wanted->callers. */
static uint32_t find(struct recording *recording, struct recording_lock *wanted, bool is_one_of_many) {
  const uint64_t maker = maker_of(wanted);
  const uint64_t key = places_mix(maker, wanted->address);
  bool is_new;
  struct recording_place *const place = places_find(recording, key, false, &is_new);
  if (place != NULL) return places_number(place);
  if (!is_one_of_many && !is_beyond(recording, places_mix(maker, KEY_OF_COUNT), MOST_OF_ONE_MAKER))
    return number_of(recording, key, wanted);
  wanted->address = 0;
  const uint32_t number = number_of(recording, maker, wanted);
  if (number != 0)
    atomic_fetch_add_explicit(&recording->locks[number].n_instances, 1, memory_order_relaxed); /* a count */
  return number;
}

/* A note may say anything: its memory may have been something else. */
static const struct recording_lock *known(const struct recording *recording, uint32_t number) {
  const uint32_t n_locks = atomic_load_explicit(&recording->n_locks, memory_order_relaxed); /* a bound */
  return number > 0 && number <= n_locks && number < RECORDING_MAX_LOCKS ? &recording->locks[number] : NULL;
}

uint32_t known_locks_find(struct recording *recording, const void *address, enum recording_kind kind, uint32_t before,
                          uint64_t site) {
  const uint32_t image = known_locks_image(recording);
  struct recording_lock wanted = {.address = (uint64_t)(uintptr_t)address, .kind = kind, .image = image};
  const struct recording_lock *const origin = known(recording, before);
  const bool is_of_ours = origin != NULL && origin->image == image && origin->kind == (uint32_t)kind;
  if (is_of_ours && (origin->address == wanted.address || origin->address == 0)) return before;
  const bool is_one_of_many = is_beyond(recording, places_mix(places_mix(KEY_OF_SEARCHES, image), site), MOST_SEARCHES);
  if (is_of_ours)
    memcpy(wanted.callers, origin->callers, sizeof wanted.callers);
  else if (is_one_of_many)
    wanted.callers[0] = site;
  else
    callers_find(wanted.callers, RECORDING_N_CALLERS, site);
  return find(recording, &wanted, is_one_of_many);
}

uint32_t known_locks_at(struct recording *recording, const void *address, enum recording_kind kind, uint64_t site) {
  struct recording_lock wanted = {
      .address = (uint64_t)(uintptr_t)address, .kind = kind, .image = known_locks_image(recording)};
  const uint64_t key = places_mix(places_mix(places_mix(KEY_OF_ADDRESS, wanted.image), kind), wanted.address);
  bool is_new;
  struct recording_place *const place = places_find(recording, key, false, &is_new);
  if (place != NULL) return places_number(place);
  callers_find(wanted.callers, RECORDING_N_CALLERS, site);
  return number_of(recording, key, &wanted);
}

uint32_t known_locks_tell_apart(struct recording *recording, const void *address, uint32_t group) {
  struct recording_lock *const origin = &recording->locks[group];
  struct recording_lock wanted = {
      .address = (uint64_t)(uintptr_t)address, .kind = origin->kind, .image = origin->image};
  memcpy(wanted.callers, origin->callers, sizeof wanted.callers);
  const uint64_t maker = maker_of(&wanted), key = places_mix(maker, wanted.address);
  bool is_new;
  struct recording_place *const place = places_find(recording, key, false, &is_new);
  if (place != NULL) return places_number(place);
  if (is_beyond(recording, places_mix(maker, KEY_OF_APART), MOST_OF_ONE_MAKER)) return 0;
  const uint32_t number = number_of(recording, key, &wanted);
  if (number != 0) atomic_fetch_sub_explicit(&origin->n_instances, 1, memory_order_relaxed); /* a count */
  return number;
}
