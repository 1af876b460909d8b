// SPDX-License-Identifier: MIT
/*
 * memory.h: the memory of a trial's process, each piece at a random line of a page.
 *
 * A trial's process is forked, so without this every trial of a run would have the same addresses, and the lines that
 * happen to meet in one set of a cache would be part of every result (see also code_layout.h, for the code).
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "lk_arch.h"
#include "random.h"

enum { MEMORY_PAGE_BYTES = 4096, MEMORY_LINES_PER_PAGE = MEMORY_PAGE_BYTES / LK_LINE_BYTES };

/* A whole number of lines below a page. */
static inline size_t memory_offset(struct random_state *random) {
  return random_below((uint32_t)(random_next(random) >> 32), MEMORY_LINES_PER_PAGE) * LK_LINE_BYTES;
}

/* What a piece takes at the most, its place in the page included. */
static inline size_t memory_cost(size_t n_bytes) { return n_bytes + MEMORY_PAGE_BYTES - LK_LINE_BYTES; }

/* Zeroed, on lines of its own; NULL if there is none. It cannot be given back: the trial's process ends with it. */
void *memory_take(struct random_state *random, size_t n_bytes);

/* Moves what malloc() gives from now on by a random number of lines. False if there is no memory. */
bool memory_move_heap(struct random_state *random);

#endif
