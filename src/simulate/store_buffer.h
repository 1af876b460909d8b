// SPDX-License-Identifier: MIT
/*
 * store_buffer.h: the stores of one thread that wait for their lines, in order. An atomic store is seen by others only
 * when its line is there; until then the thread itself finds its value here. A plain store takes effect at once, since
 * the compiled code does it: it is only counted, and what it delays. (Plain data is seen by others behind a lock only,
 * whose release comes later in the same buffer.)
 */
#ifndef STORE_BUFFER_H
#define STORE_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

enum { STORE_BUFFER_MAX = 128 };

struct store {
  volatile void *address; /* NULL: a plain one */
  uint64_t value;
  unsigned n_bytes;
  int64_t done_ps;
};

struct store_buffer {
  unsigned first, n, n_atomic;
  int64_t tail_ps; /* when the last of them is done */
  struct store ring[STORE_BUFFER_MAX];
};

static inline void store_buffer_put(struct store_buffer *buffer, struct store store) {
  buffer->ring[(buffer->first + buffer->n++) % STORE_BUFFER_MAX] = store;
  buffer->n_atomic += store.address != 0;
  buffer->tail_ps = store.done_ps;
}

/* Drops the plain stores in front that are done. */
void store_buffer_settle(struct store_buffer *buffer, int64_t now_ps);

/* The first atomic store reaches memory, and the plain ones before it. */
void store_buffer_commit(struct store_buffer *buffer);

/* What the buffer has of these bytes: nothing, exactly them (*value is the last), or a part or more than them. */
enum store_overlap { STORE_NONE, STORE_SAME, STORE_OTHER };
enum store_overlap store_buffer_find(const struct store_buffer *buffer, const volatile void *address, unsigned n_bytes,
                                     uint64_t *value);

#endif
