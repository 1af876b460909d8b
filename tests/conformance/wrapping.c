// SPDX-License-Identifier: MIT
/*
 * The counters that locks of a kind share, short of their end, as LK_WRAPS_AFTER has those of each lock. Those of the
 * headers are weak, and give way to these.
 */
#include "hapax.h"
#include "twa.h"

LK_ATOMIC(uint64_t) lk_hapax_blocks[1] = {(UINT64_C(1) << (64 - LK_HAPAX_BLOCK_BITS)) - LK_WRAPS_AFTER};
LK_ATOMIC(uint32_t) lk_twa_moves[LK_TWA_WORDS] = {[0 ... LK_TWA_WORDS - 1] = LK_FIRST};
