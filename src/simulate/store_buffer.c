// SPDX-License-Identifier: MIT
#include "store_buffer.h"

#include <string.h>

/* It is the first one's turn. A line that has just come is kept for those that are done in the next moments. */
static void begin_first(struct store_buffer *buffer, int64_t at_ps) {
  struct line *line = buffer->ring[buffer->first].line;
  if (line == buffer->came || line_is_owned_by(line, buffer->who.core)) {
    buffer->done_ps = at_ps + line_traffic.model->store_ps;
  } else {
    buffer->done_ps = request_take(line, buffer->who, at_ps, MISS_STORE);
    buffer->came = line;
  }
  line->writer = (uint16_t)(buffer->who.cpu + 1);
}

bool store_buffer_put(struct store_buffer *buffer, struct store store, int64_t now_ps) {
  buffer->ring[(buffer->first + buffer->n++) % STORE_BUFFER_MAX] = store;
  buffer->n_atomic += store.address != NULL;
  if (buffer->n > 1) return false;
  buffer->came = NULL;
  begin_first(buffer, now_ps);
  return true;
}

bool store_buffer_commit(struct store_buffer *buffer) {
  const struct store *store = &buffer->ring[buffer->first];
  if (store->address != NULL) {
    memcpy((void *)(uintptr_t)store->address, &store->value, store->n_bytes); /* little-endian, as all it runs on */
    buffer->n_atomic--;
  }
  buffer->first = (buffer->first + 1) % STORE_BUFFER_MAX;
  if (--buffer->n == 0) return false;
  begin_first(buffer, buffer->done_ps);
  return true;
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
