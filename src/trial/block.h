// SPDX-License-Identifier: MIT
/*
 * block.h: where in memory a lock lies, what it protects, and the lines that its sections visit: one block for each
 * lock of a trial, on lines of its own.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stddef.h>

#include "registry.h"
#include "workload.h"

/* The lock is at the block's start; the offsets are from there. A block is whole lines and starts on one. */
struct block {
  size_t state_offset; /* struct workload_state with its keys */
  size_t lines_offset; /* the workload's cs_lines */
  size_t n_bytes;
};

/*
 * Apart, the state has lines of its own. Together, it follows the lock as the next member of a struct would, so that it
 * shares the lock's last line if that has room: none is left by a lock whose type fills whole lines, and that lock and
 * its state share none in either layout.
 */
struct block block_of(const struct lk_ops *lock, const struct workload *workload);

#endif
