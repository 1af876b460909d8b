// SPDX-License-Identifier: MIT
#include "places.h"

#include "lk.h"

enum {
  MOST_TRIES = 64,  /* of places in the table */
  PATIENCE = 10000, /* for a thread that is about to write a number, and may have been killed */
};

/* The finaliser of splitmix64 over what was and what is added: all 64 bits of a key count, since only they are
   compared. */
uint64_t places_mix(uint64_t key, uint64_t with) {
  key = (key ^ with) + UINT64_C(0x9e3779b97f4a7c15);
  key = (key ^ key >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  key = (key ^ key >> 27) * UINT64_C(0x94d049bb133111eb);
  key ^= key >> 31;
  return key != 0 ? key : 1;
}

struct recording_place *places_find(struct recording *recording, uint64_t key, bool is_wanted, bool *is_new) {
  *is_new = false;
  for (unsigned i = 0; i < MOST_TRIES; i++) {
    struct recording_place *const place = &recording->places[(key + i) % RECORDING_MAX_PLACES];
    /* Relaxed, both: a key only says whose place it is; the number has its own order. */
    uint64_t found = atomic_load_explicit(&place->key, memory_order_relaxed);
    if (found == 0 && !is_wanted) return NULL;
    *is_new = found == 0 && atomic_compare_exchange_strong_explicit(&place->key, &found, key, memory_order_relaxed,
                                                                    memory_order_relaxed);
    if (*is_new || found == key) return place;
  }
  return NULL;
}

uint32_t places_number(struct recording_place *place) {
  for (int i = 0; i < PATIENCE; i++) {
    /* Acquire: pairs with the release in places_set_number. */
    const uint32_t number = atomic_load_explicit(&place->number, memory_order_acquire);
    if (number != 0) return number != UINT32_MAX ? number : 0;
    lk_pause();
  }
  return 0;
}

void places_set_number(struct recording_place *place, uint32_t number) {
  /* Release: pairs with the acquire in places_number. */
  atomic_store_explicit(&place->number, number != 0 ? number : UINT32_MAX, memory_order_release);
}
