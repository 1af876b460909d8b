// SPDX-License-Identifier: MIT
/* places.h: what lies at an address of the simulated memory, in words. */
#ifndef PLACES_H
#define PLACES_H

#include <stddef.h>

#include "trial/crew_parts.h"

/* The byte at that address: of the lock, of its data, of a thread's context, or of whatever else. */
void place_name(const struct crew *crew, const volatile void *address, char *text, size_t n_bytes);

#endif
