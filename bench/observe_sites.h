// SPDX-License-Identifier: MIT
/*
 * observe_sites.h: from where a lock was taken. Of each return address all acquisitions and waits are known. Where it
 * lies in a wrapper (wrappers.h) they are dealt to those who called that, as far as the stack was looked at
 * (preload/paths.h), in the same proportions; the waiting that they caused, where none was seen to wait for them, by
 * how long they held it.
 */
#ifndef OBSERVE_SITES_H
#define OBSERVE_SITES_H

#include <jansson.h>

#include "observe_lock.h"

/* By what they made others wait, largest first; what the wrapper's callers were never seen of is the wrapper's. */
json_t *observe_sites_json(const struct observe_lock *lock, const struct recording *recording,
                           const struct symbols *symbols);

#endif
