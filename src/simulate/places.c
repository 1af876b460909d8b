// SPDX-License-Identifier: MIT
#include "places.h"

#include <stdio.h>

#include "arena.h"

void place_name(const struct crew *crew, const volatile void *address, char *text, size_t n_bytes) {
  const uintptr_t at = (uintptr_t)address, in_blocks = at - (uintptr_t)crew->blocks;
  const struct workload *workload = &crew->trial->workload;
  if (in_blocks < crew->block.n_bytes * workload->n_locks) {
    const size_t in_block = in_blocks % crew->block.n_bytes;
    const bool is_lock = in_block < crew->block.state_offset;
    snprintf(text, n_bytes, "byte %zu of the %s", is_lock ? in_block : in_block - crew->block.state_offset,
             is_lock ? "lock" : "lock's data");
    return;
  }
  for (unsigned i = 0; i < crew->n_members; i++) {
    const struct worker *worker = &crew->members[i].worker;
    const uintptr_t in_contexts = at - (uintptr_t)worker->contexts;
    if (in_contexts < worker->context_bytes * workload->n_locks) {
      snprintf(text, n_bytes, "byte %zu of thread %u's context", (size_t)in_contexts % worker->context_bytes, i);
      return;
    }
  }
  snprintf(text, n_bytes, at - ARENA_BASE < ARENA_BYTES ? "line %zu of the trial's memory" : "line %zu of a table",
           (size_t)(at - ARENA_BASE) / ARENA_LINE_BYTES);
}
