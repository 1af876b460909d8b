// SPDX-License-Identifier: MIT
/*
 * events.h: what is to happen in the simulation, by time: a binary heap. Events of one moment come in the order in
 * which they were put there.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdint.h>

enum event_kind {
  EVENT_RUN,    /* the thread goes on */
  EVENT_COMMIT, /* the first store in the thread's buffer reaches its line */
  EVENT_TIMER,  /* the thread's sleep is over */
};

struct event {
  int64_t at_ps;
  uint64_t order; /* running number << 16 | thread << 2 | kind */
};

struct events {
  unsigned n, capacity;
  uint64_t n_ever;
  struct event *heap; /* the earliest is [0] */
};

static inline enum event_kind event_kind(struct event event) { return (enum event_kind)(event.order & 3); }
static inline unsigned event_thread(struct event event) { return (unsigned)(event.order & 0xffff) >> 2; }

static inline struct event event_make(struct events *events, int64_t at_ps, enum event_kind kind, unsigned thread) {
  return (struct event){at_ps, ++events->n_ever << 16 | (uint64_t)thread << 2 | (uint64_t)kind};
}

/* Adds one; the program ends where there is no memory. */
void events_add(struct events *events, struct event event);

/* Takes the earliest of at least one. */
struct event events_take(struct events *events);

/* The same after adding one, of at least one that was there: what a thread does that waits for its turn. */
struct event events_exchange(struct events *events, struct event event);

/* When the earliest is, or INT64_MAX. */
static inline int64_t events_next_ps(const struct events *events) {
  return events->n > 0 ? events->heap[0].at_ps : INT64_MAX;
}

#endif
