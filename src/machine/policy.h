// SPDX-License-Identifier: MIT
/* policy.h: the orders that a placement's name stands for, but for lists; see placement.h for what each promises. */
#ifndef POLICY_H
#define POLICY_H

#include <stddef.h>

#include "topology.h"

/*
 * Fills `order` (room for n_cpus of the topology) with indices into topology.cpus, and *n_cpus. Returns 0, or EINVAL
 * where this machine has no such order, or ENOMEM; with one line in `why`.
 */
int policy_order(const struct topology *topology, const char *name, unsigned *order, unsigned *n_cpus, char *why,
                 size_t why_bytes);

#endif
