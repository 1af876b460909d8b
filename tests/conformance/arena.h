// SPDX-License-Identifier: MIT
/*
 * arena.h: memory that notices when it is used after it was freed. While it is on, what the objects of this program
 * allocate (malloc, aligned_alloc, posix_memalign; the linker's --wrap brings them here) has pages of its own.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>

enum arena_mode {
  ARENA_PROTECTS,   /* a thread that touches what is freed crashes */
  ARENA_OVERWRITES, /* what is freed is filled, as by its next user; arena_end() tells whether it was changed */
};

/* Alone. Between them at most 1 MiB is had; what is more is ordinary memory. */
void arena_begin(enum arena_mode mode);

/* Alone; frees all that was had. False: freed memory was written to. */
bool arena_end(void);

#endif
