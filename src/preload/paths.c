// SPDX-License-Identifier: MIT
#include "paths.h"

#include <features.h>
#include <string.h>

#include "callers.h"
#include "known_locks.h"
#include "machine/clock.h"
#include "modules.h"
#include "places.h"

/* A look takes a microsecond or two. So many may be saved up, and of the last of those one in SPARED is spent: of a
   thread that takes locks more often than it may look, each acquisition has its chance. */
enum { PER_LOOK_NS = 400000, MOST_SAVED = 64, FREELY = 32, SPARED = 8 };

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
enum { MAY_UNWIND = true };
#else /* the unwinder takes the loader's lock, for which a thread may wait that holds it and waits for ours */
enum { MAY_UNWIND = false };
#endif

bool paths_may_look(struct paths_budget *budget, uint64_t now) {
  if (!MAY_UNWIND || clock_scale.ns_per_tick <= 0) return false;
  const uint64_t look = clock_ns_to_ticks(PER_LOOK_NS);
  const uint64_t from = budget->spent_until > now ? budget->spent_until : now;
  if (from - now > (MOST_SAVED - 1) * look) return false;
  budget->random = budget->random * 1664525 + 1013904223;
  if (from - now > FREELY * look && (budget->random >> 16) % SPARED != 0) return false;
  budget->spent_until = from + look;
  return true;
}

static uint32_t make(struct recording *recording, uint32_t lock, const uint64_t *callers) {
  const uint32_t image = known_locks_image(recording);
  /* Relaxed, both: a number. One that was not there is not asked for again: the count must not come round. */
  uint32_t number = atomic_load_explicit(&recording->n_paths, memory_order_relaxed);
  if (number < RECORDING_MAX_PATHS - 1)
    number = 1 + atomic_fetch_add_explicit(&recording->n_paths, 1, memory_order_relaxed);
  else
    number = RECORDING_MAX_PATHS;
  if (number >= RECORDING_MAX_PATHS) return 0;
  struct recording_path *const path = &recording->paths[number];
  path->lock = lock;
  memcpy(path->callers, callers, sizeof path->callers);
  for (int i = 0; i < RECORDING_N_FRAMES && callers[i] != 0; i++) modules_note(recording, image, callers[i]);
  return number;
}

uint32_t paths_look(struct recording *recording, uint32_t lock, uint64_t site) {
  uint64_t callers[RECORDING_N_FRAMES], key = places_mix(places_mix(0, KEY_OF_PATH), lock);
  callers_find(callers, RECORDING_N_FRAMES, site);
  for (int i = 0; i < RECORDING_N_FRAMES; i++) key = places_mix(key, callers[i]);
  bool is_new;
  struct recording_place *const place = places_find(recording, key, true, &is_new);
  if (place == NULL) return 0;
  if (!is_new) return places_number(place);
  const uint32_t number = make(recording, lock, callers);
  places_set_number(place, number);
  return number;
}
