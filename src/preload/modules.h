// SPDX-License-Identifier: MIT
/*
 * modules.h: which file is mapped where, written down while the program lives: return addresses get their names after
 * it. Read from /proc/self/maps, and again whenever an address is in none of the files known: dladdr would wait for the
 * loader's lock, which a thread may hold that waits for ours.
 */
#ifndef PRELOAD_MODULES_H
#define PRELOAD_MODULES_H

#include <stdint.h>

#include "recording.h"

/* Sees to it that the module of this address is in the recording. Slow when it is not yet. */
void modules_note(struct recording *recording, uint32_t image, uint64_t address);

#endif
