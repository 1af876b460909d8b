// SPDX-License-Identifier: MIT
#include "request.h"

#include "trace.h"

int64_t request_take(struct line *line, struct requester who, int64_t at_ps, enum miss_kind kind) {
  const uint16_t owner = line->owner, n_sharers = line->n_sharers;
  const int64_t done_ps = line_take(line, who.core, who.cpu, at_ps, kind);
  trace_add((struct trace_event){at_ps, done_ps, line, who.thread, who.core, owner, n_sharers, kind});
  return done_ps;
}

int64_t request_fetch(struct line *line, struct requester who, int64_t at_ps) {
  const uint16_t owner = line->owner, n_sharers = line->n_sharers;
  const int64_t done_ps = line_fetch(line, who.core, at_ps);
  trace_add((struct trace_event){at_ps, done_ps, line, who.thread, who.core, owner, n_sharers, MISS_LOAD});
  return done_ps;
}
