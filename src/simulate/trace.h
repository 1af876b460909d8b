// SPDX-License-Identifier: MIT
/*
 * trace.h: the first requests for lines in the window of a trial, for people to read: a text with a line for each, and
 * a picture (SVG) of which core had each of the busiest lines when.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdbool.h>

#include "line.h"
#include "trial/crew_parts.h"

enum { TRACE_MAX = 10000 };

/* A request that was not a hit. */
struct trace_event {
  int64_t at_ps, done_ps; /* asked for, and had */
  const struct line *line;
  uint16_t thread, core;
  uint16_t owner;   /* before: core + 1, or 0 */
  uint16_t sharers; /* before */
  enum miss_kind kind;
};

struct trace {
  unsigned n, capacity;
  struct trace_event *events;
};

extern struct trace trace;

/* From now on, so many. False without memory. */
bool trace_begin(unsigned n_events);

static inline void trace_add(struct trace_event event) {
  if (trace.n < trace.capacity) trace.events[trace.n++] = event;
}

/* Writes PATH.txt and PATH.svg, which says what machine it is of. Returns 0 or an errno. */
int trace_write(const struct crew *crew, const char *machine, const char *path);

#endif
