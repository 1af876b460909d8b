// SPDX-License-Identifier: MIT
#include "events.h"

#include <stdbool.h>
#include <stdlib.h>

static bool is_before(struct event a, struct event b) {
  return a.at_ps < b.at_ps || (a.at_ps == b.at_ps && a.order < b.order);
}

/* Puts the event where it belongs, from the top down. */
static void sift_down(struct events *events, struct event event) {
  struct event *const heap = events->heap;
  const unsigned n = events->n;
  unsigned at = 0;
  for (unsigned child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && is_before(heap[child + 1], heap[child])) child++;
    if (!is_before(heap[child], event)) break;
    heap[at] = heap[child];
  }
  heap[at] = event;
}

void events_add(struct events *events, struct event event) {
  if (events->n == events->capacity) {
    events->capacity = events->capacity == 0 ? 1024 : 2 * events->capacity;
    events->heap = realloc(events->heap, events->capacity * sizeof *events->heap);
    if (events->heap == NULL) abort();
  }
  unsigned at = events->n++;
  for (; at > 0 && is_before(event, events->heap[(at - 1) / 2]); at = (at - 1) / 2)
    events->heap[at] = events->heap[(at - 1) / 2];
  events->heap[at] = event;
}

struct event events_take(struct events *events) {
  const struct event first = events->heap[0], last = events->heap[--events->n];
  if (events->n > 0) sift_down(events, last);
  return first;
}

struct event events_exchange(struct events *events, struct event event) {
  const struct event first = events->heap[0];
  if (is_before(event, first)) return event;
  sift_down(events, event);
  return first;
}
