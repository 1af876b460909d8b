// SPDX-License-Identifier: MIT
#include "events.h"

#include <stdlib.h>

/* No branches: which of two events comes first is as good as random. */
static bool is_before(struct event a, struct event b) {
  return (a.at_ps < b.at_ps) | ((a.at_ps == b.at_ps) & (a.order < b.order));
}

static int64_t slot_of(struct event event) { return event.at_ps >> EVENTS_SLOT_BITS; }

static void *grown(void *memory, size_t n_bytes) {
  void *more = realloc(memory, n_bytes);
  if (more == NULL) abort();
  return more;
}

/* Doubles the nodes: the new ones are free. */
static void add_nodes(struct events *events) {
  const uint32_t n = events->n_nodes == 0 ? 1024 : 2 * events->n_nodes;
  events->nodes = grown(events->nodes, n * sizeof *events->nodes);
  for (uint32_t i = events->n_nodes == 0 ? 1 : events->n_nodes; i < n; i++) {
    events->nodes[i].next = events->free;
    events->free = i;
  }
  events->n_nodes = n;
}

void events_begin(struct events *events) {
  *events = (struct events){.first.at_ps = INT64_MAX};
  add_nodes(events);
}

static void put_near(struct events *events, struct event event) {
  if (events->free == 0) add_nodes(events);
  const uint32_t new = events->free;
  struct event_node *const nodes = events->nodes;
  const unsigned slot = (unsigned)slot_of(event) % EVENTS_N_SLOTS;
  uint32_t *at = &events->slots[slot];
  events->free = nodes[new].next;
  while (*at != 0 && is_before(nodes[*at].event, event)) at = &nodes[*at].next;
  nodes[new] = (struct event_node){event, *at};
  *at = new;
  events->used[slot / 64] |= UINT64_C(1) << slot % 64;
  events->words |= UINT64_C(1) << slot / 64;
}

/* The first of the slot, which has one. */
static void drop_near(struct events *events, unsigned slot) {
  const uint32_t old = events->slots[slot];
  struct event_node *const node = &events->nodes[old];
  events->slots[slot] = node->next;
  node->next = events->free;
  events->free = old;
  if (events->slots[slot] != 0) return;
  events->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
  if (events->used[slot / 64] == 0) events->words &= ~(UINT64_C(1) << slot / 64);
}

/* The first event in the slots, from the last that was taken once round; NULL if there is none. */
static const struct event *find_near(const struct events *events) {
  const unsigned from = (unsigned)events->slot % EVENTS_N_SLOTS, word = from / 64;
  const uint64_t here = events->used[word] >> from % 64;
  unsigned slot = from;
  if (here != 0) {
    slot += (unsigned)__builtin_ctzll(here);
  } else {
    /* The words in their order from the next on; the last is this one again, with the slots before `from`. */
    const unsigned next = (word + 1) % EVENTS_N_WORDS;
    const uint64_t words = events->words >> next | events->words << (64 - next) % 64;
    if (words == 0) return NULL;
    const unsigned found = (next + (unsigned)__builtin_ctzll(words)) % EVENTS_N_WORDS;
    slot = found * 64 + (unsigned)__builtin_ctzll(events->used[found]);
  }
  return &events->nodes[events->slots[slot]].event;
}

static void put_far(struct events *events, struct event event) {
  if (events->n_far == events->capacity) {
    events->capacity = events->capacity == 0 ? 1024 : 2 * events->capacity;
    events->far = grown(events->far, events->capacity * sizeof *events->far);
  }
  struct event *const heap = events->far;
  unsigned at = events->n_far++;
  for (; at > 0 && is_before(event, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = event;
}

static void drop_far(struct events *events) {
  struct event *const heap = events->far;
  const unsigned n = --events->n_far;
  const struct event last = heap[n];
  unsigned at = 0;
  for (unsigned child = 1; child < n; child = 2 * at + 1) {
    child += child + 1 < n && is_before(heap[child + 1], heap[child]);
    if (!is_before(heap[child], last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
}

static void find_first(struct events *events) {
  const struct event *near = find_near(events);
  const bool has_far = events->n_far > 0;
  events->is_first_near = near != NULL && (!has_far || is_before(*near, events->far[0]));
  events->first = events->is_first_near ? *near : has_far ? events->far[0] : (struct event){.at_ps = INT64_MAX};
}

void events_add(struct events *events, struct event event) {
  /* What is before the slot, as unsigned, is far too. */
  const bool is_near = (uint64_t)(slot_of(event) - events->slot) < EVENTS_N_SLOTS;
  events->n++;
  if (is_near)
    put_near(events, event);
  else
    put_far(events, event);
  if (!is_before(event, events->first)) return;
  events->first = event;
  events->is_first_near = is_near;
}

struct event events_take(struct events *events) {
  const struct event event = events->first;
  events->n--;
  if (events->is_first_near)
    drop_near(events, (unsigned)slot_of(event) % EVENTS_N_SLOTS);
  else
    drop_far(events);
  if (slot_of(event) > events->slot) events->slot = slot_of(event);
  find_first(events);
  return event;
}

struct event events_exchange(struct events *events, struct event event) {
  if (is_before(event, events->first)) {
    if (slot_of(event) > events->slot) events->slot = slot_of(event);
    return event;
  }
  events_add(events, event);
  return events_take(events);
}
