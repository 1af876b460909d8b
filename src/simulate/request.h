// SPDX-License-Identifier: MIT
/* request.h: a thread asks for a line: what that takes is line.h's, and the trace has it. */
#ifndef REQUEST_H
#define REQUEST_H

#include "line.h"

struct requester {
  uint16_t thread, core, cpu;
};

/* As line_take() and line_fetch(). */
int64_t request_take(struct line *line, struct requester who, int64_t at_ps, enum miss_kind kind);
int64_t request_fetch(struct line *line, struct requester who, int64_t at_ps);

#endif
