// SPDX-License-Identifier: MIT
/*
 * cpu_kinds.h: the kinds of CPUs of a machine in words. On a hybrid machine threads of different kinds run at different
 * speeds, so that a lock is measured along with the slowest of them.
 */
#ifndef CPU_KINDS_H
#define CPU_KINDS_H

#include <jansson.h>
#include <stddef.h>

#include "placement.h"

/*
 * An array with an object for each kind, the least powerful first: kind, name, efficiency (null: hwloc does not know),
 * infos (what hwloc has in words of it), cpus (those that may be used). Empty where hwloc does not tell kinds apart.
 */
json_t *cpu_kinds_describe(const struct topology *topology);

/*
 * Writes on what kinds the first n_threads threads of a placement run, and how many on each: "IntelAtom:4 IntelCore:2";
 * "" where hwloc knows no kinds, or the threads are not pinned. Returns how many kinds they are.
 */
unsigned cpu_kinds_of_threads(const struct topology *topology, const struct placement *placement, unsigned n_threads,
                              char *text, size_t n_bytes);

#endif
