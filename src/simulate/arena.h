// SPDX-License-Identifier: MIT
/*
 * arena.h: the memory of the simulated machine, and the state of each of its cache lines. It lies at a fixed address,
 * so that whatever a guest derives from one (a hash of a lock's address) is the same in each run. What is elsewhere,
 * such as constants, costs its instruction and no more.
 */
#ifndef ARENA_H
#define ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"
#include "random.h"

enum { ARENA_LINE_BYTES = 64, ARENA_BYTES = 1 << 30 };
#define ARENA_BASE ((uintptr_t)0x200000000000)

struct arena {
  size_t n_used;
  struct line *lines; /* of the arena, then of what the locks of a process share */
  uintptr_t shared;   /* where that is: see LK_PROCESS_WIDE in guest.h */
  size_t n_shared_bytes;
};

extern struct arena arena;

/* Maps it, empty. Once in a process. Returns 0 or an errno. */
int arena_open(void);

/* Zeroed, at a multiple of `align` bytes, or NULL. There is no way back. */
void *arena_take(size_t n_bytes, size_t align);

/* The same at a random line of a page, for what a trial puts at random places: see trial/memory.h. */
void *arena_take_anywhere(struct random_state *random, size_t n_bytes);

/* The state of the line at that address, or NULL. */
static inline struct line *arena_line(const volatile void *address) {
  const uintptr_t offset = (uintptr_t)address - ARENA_BASE;
  if (offset < ARENA_BYTES) return &arena.lines[offset / ARENA_LINE_BYTES];
  const uintptr_t in_shared = (uintptr_t)address - arena.shared;
  if (in_shared < arena.n_shared_bytes) return &arena.lines[(ARENA_BYTES + in_shared) / ARENA_LINE_BYTES];
  return NULL;
}

#endif
