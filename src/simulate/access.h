// SPDX-License-Identifier: MIT
/*
 * access.h: one load or store of the current thread: what it costs, and when it takes effect. The value itself is then
 * loaded or stored by the caller, or lies in the store buffer until its line is there.
 */
#ifndef ACCESS_H
#define ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "system.h"

/* Waits until all earlier stores have reached their lines. */
void access_drain(void);

/* The rest of a load that is no hit, of a read-modify-write, and of a store that has to wait. */
void access_miss(struct line *line);
void access_rmw(const volatile void *address);
void access_store_later(struct line *line, struct store store);

/* A load that the store buffer may have to do with; true: it has the value. */
bool access_forward(const volatile void *address, unsigned n_bytes, uint64_t *value);

static inline struct guest_thread *access_begin(const volatile void *address) {
  struct guest_thread *const thread = guests.current;
  thread->is_pausing = false;
  thread->last_address = address;
  system_spend(guests.model->access_ps);
  return thread;
}

/* Who wrote the line last is the sibling: it takes a moment between the two. */
static inline bool access_is_siblings(const struct line *line, const struct guest_thread *thread) {
  return line->writer != 0 && line->writer != thread->cpu->index + 1;
}

static inline void access_load(const volatile void *address) {
  const struct guest_thread *const thread = access_begin(address);
  struct line *const line = arena_line(address);
  if (line == NULL) return;
  system_sync();
  tally.n_accesses++;
  if (LK_LIKELY(line_is_in(line, thread->core) &&
                !(line_is_owned_by(line, thread->core) && access_is_siblings(line, thread))))
    system_spend(guests.model->hit_ps);
  else
    access_miss(line);
}

/* A store of `store.n_bytes` bytes that takes effect later, or at once where store.address is NULL: false if later. */
static inline bool access_store(volatile void *address, struct store store) {
  struct guest_thread *const thread = access_begin(address);
  struct line *const line = arena_line(address);
  if (line == NULL) return true;
  system_sync();
  tally.n_accesses++;
  if (LK_LIKELY(line_is_owned_by(line, thread->core) && thread->stores.n == 0)) {
    system_spend(guests.model->store_ps);
    line->writer = (uint16_t)(thread->cpu->index + 1);
    return true;
  }
  access_store_later(line, store);
  return store.address == NULL;
}

#endif
