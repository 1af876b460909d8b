// SPDX-License-Identifier: MIT
#include "access.h"

#include "trace.h"

/* Gets the line for the thread's core alone, from at_ps on; the rest is as of line_take(). */
static int64_t take(struct line *line, const struct guest_thread *thread, int64_t at_ps, enum miss_kind kind) {
  const uint16_t owner = line->owner, n_sharers = line->n_sharers;
  const int64_t done_ps = line_take(line, thread->core, thread->cpu->index, at_ps, kind);
  trace_add(
      (struct trace_event){at_ps, done_ps, line, (uint16_t)thread->id, (uint16_t)thread->core, owner, n_sharers, kind});
  return done_ps;
}

void access_drain(void) {
  struct guest_thread *thread = guests.current;
  while (thread->stores.tail_ps > thread->now_ps || thread->stores.n_atomic > 0) {
    if (thread->stores.tail_ps > thread->now_ps)
      thread->now_ps = thread->stores.tail_ps;
    else
      thread->now_ps++; /* behind the store of the same moment */
    system_sync();
  }
  store_buffer_settle(&thread->stores, thread->now_ps);
}

void access_miss(struct line *line) {
  struct guest_thread *thread = guests.current;
  if (line_is_in(line, thread->core)) { /* from the sibling's writes */
    thread->now_ps += model_transfer_ps(guests.model, thread->core, thread->core);
    line->writer = 0;
    tally.n_misses[MISS_LOAD][DISTANCE_SMT]++;
    return;
  }
  const int64_t at_ps = thread->now_ps;
  const uint16_t owner = line->owner, n_sharers = line->n_sharers;
  thread->now_ps = line_fetch(line, thread->core, at_ps);
  trace_add((struct trace_event){at_ps, thread->now_ps, line, (uint16_t)thread->id, (uint16_t)thread->core, owner,
                                 n_sharers, MISS_LOAD});
  system_sync();
}

void access_rmw(const volatile void *address) {
  struct guest_thread *thread = access_begin(address);
  system_sync();
  access_drain();
  struct line *line = arena_line(address);
  if (line == NULL) {
    system_spend(guests.model->rmw_ps);
    return;
  }
  tally.n_accesses++;
  if (!line_is_owned_by(line, thread->core)) {
    thread->now_ps = take(line, thread, thread->now_ps, MISS_RMW);
  } else if (access_is_siblings(line, thread)) {
    if (thread->now_ps < line->exclusive_until_ps) thread->now_ps = line->exclusive_until_ps;
    thread->now_ps += model_transfer_ps(guests.model, thread->core, thread->core);
    tally.n_misses[MISS_RMW][DISTANCE_SMT]++;
  }
  line->writer = (uint16_t)(thread->cpu->index + 1);
  thread->now_ps += guests.model->rmw_ps;
  system_sync();
}

/* The buffer is full: the thread waits for the first of its stores. */
static void wait_for_room(struct guest_thread *thread) {
  store_buffer_settle(&thread->stores, thread->now_ps);
  while (thread->stores.n >= guests.model->n_buffer) {
    const int64_t done_ps = thread->stores.ring[thread->stores.first].done_ps;
    thread->now_ps = done_ps > thread->now_ps ? done_ps : thread->now_ps + 1;
    system_sync();
    store_buffer_settle(&thread->stores, thread->now_ps);
  }
}

void access_store_later(struct line *line, struct store store) {
  struct guest_thread *thread = guests.current;
  wait_for_room(thread);
  const int64_t from = thread->stores.tail_ps > thread->now_ps ? thread->stores.tail_ps : thread->now_ps;
  store.done_ps =
      line_is_owned_by(line, thread->core) ? from + guests.model->store_ps : take(line, thread, from, MISS_STORE);
  line->writer = (uint16_t)(thread->cpu->index + 1);
  store_buffer_put(&thread->stores, store);
  if (store.address != NULL)
    events_add(&guests.events, event_make(&guests.events, store.done_ps, EVENT_COMMIT, thread->id));
  if (store.done_ps < guests.horizon_ps) guests.horizon_ps = store.done_ps;
  system_spend(guests.model->store_ps);
}

bool access_forward(const volatile void *address, unsigned n_bytes, uint64_t *value) {
  const enum store_overlap overlap = store_buffer_find(&guests.current->stores, address, n_bytes, value);
  if (overlap == STORE_OTHER) access_drain(); /* no processor puts a value together from a buffer and a line */
  if (overlap != STORE_SAME) return false;
  access_begin(address);
  system_spend(guests.model->hit_ps);
  system_sync();
  return true;
}
