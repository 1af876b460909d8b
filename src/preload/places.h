// SPDX-License-Identifier: MIT
/*
 * places.h: the recording's hash table: numbers by 64 bits of hash, of whatever is hashed. A place is never given back.
 * Nobody waits for a lock, so a process may be killed in any of these.
 */
#ifndef PRELOAD_PLACES_H
#define PRELOAD_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include "recording.h"

/* A key begins with what it is of, so that those of different things differ. */
enum places_key { KEY_OF_MAKER = 1, KEY_OF_COUNT, KEY_OF_SEARCHES, KEY_OF_ADDRESS, KEY_OF_PATH, KEY_OF_APART };

/* A key with more in it. */
uint64_t places_mix(uint64_t key, uint64_t with);

/* The place of a key, which is taken if it is new and is_wanted; NULL: it has none, or there is no room. */
struct recording_place *places_find(struct recording *recording, uint64_t key, bool is_wanted, bool *is_new);

/* The number at a place that another has taken, or 0: there is none. */
uint32_t places_number(struct recording_place *place);

/* By who has taken the place, once what the number stands for is written; 0: that there is none is told too. */
void places_set_number(struct recording_place *place, uint32_t number);

#endif
