// SPDX-License-Identifier: MIT
#include "access.h"

/* Until the first store of the buffer is done. */
static void wait_for_first(struct guest_thread *thread) {
  if (thread->stores.done_ps > thread->now_ps) thread->now_ps = thread->stores.done_ps;
  system_sync();
}

void access_drain(void) {
  struct guest_thread *thread = guests.current;
  while (thread->stores.n > 0) wait_for_first(thread);
}

void access_miss(struct line *line) {
  struct guest_thread *thread = guests.current;
  if (line_is_in(line, thread->core)) { /* from the sibling's writes */
    thread->now_ps += model_transfer_ps(guests.model, thread->core, thread->core);
    line->writer = 0;
    tally.n_misses[MISS_LOAD][DISTANCE_SMT]++;
    return;
  }
  thread->now_ps = request_fetch(line, thread->stores.who, thread->now_ps);
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
    thread->now_ps = request_take(line, thread->stores.who, thread->now_ps, MISS_RMW);
  } else if (access_is_siblings(line, thread)) {
    if (thread->now_ps < line->exclusive_until_ps) thread->now_ps = line->exclusive_until_ps;
    thread->now_ps += model_transfer_ps(guests.model, thread->core, thread->core);
    tally.n_misses[MISS_RMW][DISTANCE_SMT]++;
  }
  line->writer = (uint16_t)(thread->cpu->index + 1);
  thread->now_ps += guests.model->rmw_ps;
  system_sync();
}

void access_store_later(struct line *line, struct store store) {
  struct guest_thread *thread = guests.current;
  while (thread->stores.n >= guests.model->n_buffer) wait_for_first(thread);
  store.line = line;
  if (store_buffer_put(&thread->stores, store, thread->now_ps)) system_expect_commit(thread);
  system_spend(guests.model->store_ps);
}

bool access_forward(const volatile void *address, unsigned n_bytes, uint64_t *value) {
  const enum store_overlap overlap = store_buffer_find(&guests.current->stores, address, n_bytes, value);
  if (overlap == STORE_OTHER) access_drain(); /* no processor puts a value together from a buffer and a line */
  if (overlap != STORE_SAME) return false;
  tally.n_others++;
  access_begin(address);
  system_spend(guests.model->hit_ps);
  system_sync();
  return true;
}
