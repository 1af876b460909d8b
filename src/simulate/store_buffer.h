// SPDX-License-Identifier: MIT
/*
 * store_buffer.h: the stores of one thread that wait for their lines, in order. Each asks for its line when those
 * before it are done, and not before: a line that the core had when the store was made may have gone by then, to who
 * spins on it, say. An atomic store is seen by others only when its line is there; until then the thread itself finds
 * its value here. A plain store takes effect at once, since the compiled code does it: it is only counted, and what it
 * delays. (Plain data is seen by others behind a lock only, whose release comes later in the same buffer.)
 */
#ifndef STORE_BUFFER_H
#define STORE_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

enum { STORE_BUFFER_MAX = 128 };

struct store {
  volatile void *address; /* NULL: a plain one */
  uint64_t value;
  unsigned n_bytes;
  struct line *line;
};

struct store_buffer {
  struct requester who; /* whose it is */
  unsigned first, n, n_atomic;
  int64_t done_ps;         /* if n > 0: when the first has its line */
  const struct line *came; /* the last line that one of them had to ask for */
  struct store ring[STORE_BUFFER_MAX];
};

/* Adds a store. Returns whether it is the first, which asks for its line now. */
bool store_buffer_put(struct store_buffer *buffer, struct store store, int64_t now_ps);

/* The first, which is done, reaches memory. Returns whether there is another, which asks for its line now. */
bool store_buffer_commit(struct store_buffer *buffer);

/* What the buffer has of these bytes: nothing, exactly them (*value is the last), or a part or more than them. */
enum store_overlap { STORE_NONE, STORE_SAME, STORE_OTHER };
enum store_overlap store_buffer_find(const struct store_buffer *buffer, const volatile void *address, unsigned n_bytes,
                                     uint64_t *value);

#endif
