// SPDX-License-Identifier: MIT
#include "block.h"

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

struct block block_of(const struct lk_ops *lock, const struct workload *workload) {
  struct block block;
  size_t keys_offset;
  if (workload->layout == LAYOUT_TOGETHER) {
    block.state_offset = round_up(lock->lock_bytes, _Alignof(struct workload_state));
    keys_offset = block.state_offset + sizeof(struct workload_state);
  } else {
    /* One byte more: a baseline that holds nothing has a line all the same. The keys begin on the state's line, but
       room is left as if they did not: the distance of two locks is that of all earlier results. */
    block.state_offset = round_up(lock->lock_bytes + 1, LK_LINE_BYTES);
    keys_offset = block.state_offset + LK_LINE_BYTES;
  }
  block.lines_offset = round_up(keys_offset + workload->n_keys * sizeof(struct workload_key), LK_LINE_BYTES);
  block.n_bytes = block.lines_offset + workload->cs_lines * sizeof(struct workload_line);
  return block;
}
