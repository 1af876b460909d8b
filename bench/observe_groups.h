// SPDX-License-Identifier: MIT
/* observe_groups.h: the locks of a profile that were made at one place, as one. */
#ifndef OBSERVE_GROUPS_H
#define OBSERVE_GROUPS_H

#include <jansson.h>

/*
 * A list like the profile's `locks`, by time lost, in which locks of one name are one: counts and histograms are sums,
 * `wait_longest_ns` and `threads` are the largest, `instances` says how many it is, and `sites` has each name once.
 * What is not told of a group (`id`, `under`) is the first one's. NULL: no memory.
 */
json_t *observe_groups_make(const json_t *locks);

#endif
