// SPDX-License-Identifier: MIT
/*
 * provenance.h: what a reader of a CSV must know about the machine and the build: host.json, and the warnings
 * that are printed before a run.
 */
#ifndef PROVENANCE_H
#define PROVENANCE_H

#include <jansson.h>

#include "topology.h"

/* Of the commit that was built: 40 hex digits, "-dirty" behind them if the tree had changes. Outside its own repository
   that of the archive, or "unknown". */
extern const char provenance_git_sha[];

/* The machine's name, at most 63 characters that are safe in a file name. */
const char *provenance_host(void);

/*
 * What people call the hypervisor that gives itself this name in CPUID's leaf 0x40000000; padding is trimmed, and where
 * it is known by another name, by that one. The text is `name` or static; "unknown" if it has no name that can be
 * printed.
 */
const char *provenance_hypervisor_name(const char vendor[12], char name[13]);

/* What of it is the build's alone. */
json_t *provenance_build(void);

/*
 * The machine and the build as a JSON object; a value that cannot be known is null. Measures the baselines:
 * the line transfer between the CPUs that may be used, 2 ms a pair; what the clocks and a futex wake cost; the parked
 * hand-off, 20 ms for a pair of each distance. "warnings" lists what makes this machine a noisy judge.
 */
json_t *provenance_collect(const struct topology *topology);

#endif
