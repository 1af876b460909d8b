// SPDX-License-Identifier: MIT
#include "store_buffer.h"

#include <string.h>

static struct store *at(struct store_buffer *buffer, unsigned i) {
  return &buffer->ring[(buffer->first + i) % STORE_BUFFER_MAX];
}

static void drop_first(struct store_buffer *buffer) {
  buffer->first = (buffer->first + 1) % STORE_BUFFER_MAX;
  buffer->n--;
}

void store_buffer_settle(struct store_buffer *buffer, int64_t now_ps) {
  while (buffer->n > 0 && at(buffer, 0)->address == NULL && at(buffer, 0)->done_ps <= now_ps) drop_first(buffer);
}

void store_buffer_commit(struct store_buffer *buffer) {
  while (at(buffer, 0)->address == NULL) drop_first(buffer);
  const struct store *store = at(buffer, 0);
  memcpy((void *)(uintptr_t)store->address, &store->value, store->n_bytes); /* little-endian, as all that it runs on */
  buffer->n_atomic--;
  drop_first(buffer);
}

enum store_overlap store_buffer_find(const struct store_buffer *buffer, const volatile void *address, unsigned n_bytes,
                                     uint64_t *value) {
  const uintptr_t from = (uintptr_t)address;
  for (unsigned i = buffer->n; i-- > 0;) {
    const struct store *store = &buffer->ring[(buffer->first + i) % STORE_BUFFER_MAX];
    const uintptr_t of_store = (uintptr_t)store->address;
    if (of_store == 0 || of_store >= from + n_bytes || from >= of_store + store->n_bytes) continue;
    if (of_store != from || store->n_bytes != n_bytes) return STORE_OTHER;
    *value = store->value;
    return STORE_SAME;
  }
  return STORE_NONE;
}
