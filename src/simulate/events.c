// SPDX-License-Identifier: MIT
#include "events.h"

#include <stdbool.h>
#include <stdlib.h>

/* No branches: which of two events comes first is as good as random, and is asked some ten times for each event. */
static bool is_before(struct event a, struct event b) {
  return (a.at_ps < b.at_ps) | ((a.at_ps == b.at_ps) & (a.order < b.order));
}

/* From that place up to where it belongs. */
static void sift_up(struct events *events, unsigned at, struct event event) {
  struct event *const heap = events->heap;
  for (; at > 0 && is_before(event, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = event;
}

/*
 * Fills the first place: with the earlier of its children, and so on to the end, where the event is put and goes up
 * again. What a thread that polls adds is later than most, so it does not go far.
 */
static void replace_first(struct events *events, struct event event) {
  struct event *const heap = events->heap;
  const unsigned n = events->n;
  unsigned at = 0, child = 1;
  for (; child + 1 < n; child = 2 * at + 1) {
    child += is_before(heap[child + 1], heap[child]);
    heap[at] = heap[child];
    at = child;
  }
  if (child < n) {
    heap[at] = heap[child];
    at = child;
  }
  sift_up(events, at, event);
}

void events_add(struct events *events, struct event event) {
  if (events->n == events->capacity) {
    events->capacity = events->capacity == 0 ? 1024 : 2 * events->capacity;
    events->heap = realloc(events->heap, events->capacity * sizeof *events->heap);
    if (events->heap == NULL) abort();
  }
  events->n++;
  sift_up(events, events->n - 1, event);
}

struct event events_take(struct events *events) {
  const struct event first = events->heap[0], last = events->heap[--events->n];
  if (events->n > 0) replace_first(events, last);
  return first;
}

struct event events_exchange(struct events *events, struct event event) {
  const struct event first = events->heap[0];
  if (is_before(event, first)) return event;
  replace_first(events, event);
  return first;
}
