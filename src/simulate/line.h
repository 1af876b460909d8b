// SPDX-License-Identifier: MIT
/*
 * line.h: the cost model: what it takes a core to get a cache line, given who has it. It knows no threads and no clock
 * of its own: a request begins at the time that it is told, and the answer is when it is done.
 *
 *   state     owner: the core that has it alone, and may write it; or none, and the sharers have copies
 *             exclusive_until: a transfer to an owner is under way until then, and whoever asks waits for it
 *             reads_until: loads of copies are booked until then, one behind the other
 *   load      from the owner, who keeps a copy: it occupies the line for its whole time. From a copy: for a share of
 *             its time (occupancy), which is how a crowd of readers delays each other
 *   store     all copies are taken away; as long as to the farthest of them, since the last answer counts. It begins
 *             behind a share of the loads that are booked (1 - bypass)
 *   merging   a core that has a request for the line under way, of a sibling, joins it
 */
#ifndef LINE_H
#define LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "counts.h"
#include "model.h"

struct line {
  int64_t exclusive_until_ps, reads_until_ps;
  uint64_t sharers[MODEL_WORDS]; /* cores, the owner too */
  uint16_t owner;                /* core + 1, or 0 */
  uint16_t writer;               /* who wrote last: CPU + 1, or 0 if that no longer matters */
  uint16_t n_sharers;
  bool is_cached;  /* it was, ever: the first access is to memory */
  uint32_t period; /* of line_traffic in which it was last missed */
};

/* A request of a core that is under way. */
struct flight {
  const struct line *line;
  int64_t until_ps;
  bool is_exclusive;
};

struct line_traffic {
  const struct model *model;
  struct flight *flights; /* by core: its last */
  struct random_state random;
  const struct line *data; /* what the trial's lock protects: who takes it is a new owner, and begins a new period */
  uint32_t period;
};

extern struct line_traffic line_traffic;

/* Begins with no request under way. False without memory. */
bool line_begin(const struct model *model, uint64_t seed);

static inline bool line_is_in(const struct line *line, unsigned core) {
  return line->sharers[core / 64] >> core % 64 & 1;
}

static inline bool line_is_owned_by(const struct line *line, unsigned core) { return line->owner == core + 1; }

/* Gets the line for the core alone, on behalf of `cpu`. Returns when that is done. */
int64_t line_take(struct line *line, unsigned core, unsigned cpu, int64_t at_ps, enum miss_kind kind);

/* Gets a copy for a core that has none. Returns when that is done. */
int64_t line_fetch(struct line *line, unsigned core, int64_t at_ps);

#endif
