// SPDX-License-Identifier: MIT
/*
 * events.h: what is to happen in the simulation, by time. Events of one moment come in the order in which they were put
 * there.
 *
 * Nearly all are of threads that poll, and come within some hundred nanoseconds: those lie in a ring of slots of the
 * time (R. Brown, "Calendar queues", CACM 31(10), 1988), of which bits tell the next that has any. Putting one there
 * and taking it out takes the same few instructions for any number of threads, where a heap of 200 takes half of a
 * simulation's time. What comes later lies in a heap, and stays there until it is the first of both.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
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

/* Slots of 128 ps, of which a poll of 20 ns by each of 200 threads finds one in each. */
enum { EVENTS_SLOT_BITS = 7, EVENTS_N_WORDS = 64, EVENTS_N_SLOTS = EVENTS_N_WORDS * 64 };

/* An event of a slot, or a place for one. */
struct event_node {
  struct event event;
  uint32_t next; /* in the slot, later, or among the free; 0: none */
};

struct events {
  unsigned n;         /* all of them */
  bool is_first_near; /* the first is in a slot, and not in the heap */
  struct event first; /* the earliest, if n > 0; at_ps is INT64_MAX else */
  uint64_t n_ever;
  int64_t slot;   /* of the last that was taken, counted from time 0: those in the ring are in it or behind it */
  uint64_t words; /* a bit for each word of `used` that has any */
  uint64_t used[EVENTS_N_WORDS]; /* a bit for each slot that has any */
  struct event_node *nodes;      /* [0] is none */
  uint32_t n_nodes, free;
  unsigned n_far, capacity;
  struct event *far;              /* a binary heap: the earliest is [0] */
  uint32_t slots[EVENTS_N_SLOTS]; /* the earliest node of each, or 0 */
};

static inline enum event_kind event_kind(struct event event) { return (enum event_kind)(event.order & 3); }
static inline unsigned event_thread(struct event event) { return (unsigned)(event.order & 0xffff) >> 2; }

static inline struct event event_make(struct events *events, int64_t at_ps, enum event_kind kind, unsigned thread) {
  return (struct event){at_ps, ++events->n_ever << 16 | (uint64_t)thread << 2 | (uint64_t)kind};
}

/* Begins without any. */
void events_begin(struct events *events);

/* Adds one; the program ends where there is no memory. */
void events_add(struct events *events, struct event event);

/* Takes the earliest of at least one. */
struct event events_take(struct events *events);

/* The same after adding one, of at least one that was there: what a thread does that waits for its turn. */
struct event events_exchange(struct events *events, struct event event);

/* When the earliest is, or INT64_MAX. */
static inline int64_t events_next_ps(const struct events *events) { return events->first.at_ps; }

#endif
