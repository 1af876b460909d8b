// SPDX-License-Identifier: MIT
/*
 * known_locks.h: the program's locks by number. A lock is known by its address and by who made it (or, if that was
 * never seen, used it first): memory that is used again for a lock of the same maker is the same lock. Of one maker the
 * first MOST_OF_ONE_MAKER are told apart; what it makes beyond counts as one lock, so that a program may make any
 * number. Of those, as many again are told apart later: the ones that turn out to matter.
 *
 * No function here waits for a lock, so a process may be killed in any of them.
 */
#ifndef PRELOAD_KNOWN_LOCKS_H
#define PRELOAD_KNOWN_LOCKS_H

#include <stdint.h>

#include "recording.h"

enum { MOST_OF_ONE_MAKER = 64 };

/* Of this program: one of fork's is its parent's. */
uint32_t known_locks_image(struct recording *recording);

/*
 * The number of a lock that was made at `site` or is used there for the first time; 0: the tables are full. `before` is
 * the number that its bytes say, 0 if none: a lock that was moved there keeps its maker.
 */
uint32_t known_locks_find(struct recording *recording, const void *address, enum recording_kind kind, uint32_t before,
                          uint64_t site);

/* The same for one that is found by its address alone, whoever made it. */
uint32_t known_locks_at(struct recording *recording, const void *address, enum recording_kind kind, uint64_t site);

/* A number of its own for a lock that counted with others of its maker, as `group`; 0: so many have got one already. */
uint32_t known_locks_tell_apart(struct recording *recording, const void *address, uint32_t group);

#endif
