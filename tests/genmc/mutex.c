// SPDX-License-Identifier: MIT
/* mutex: threads that enter one after the other, of a readers/writer lock as writers. */
#include "client.h"

static struct guarded guarded;

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *ctx = guarded_make_ctx(&guarded, (unsigned)index);
  for (int i = 0; i < sections_of(index); i++) {
    if (i > 0) ctx = guarded_next_ctx(&guarded, ctx, (unsigned)index);
    acquire(guarded.lock, ctx);
    guarded_count(&guarded);
    release(guarded.lock, ctx);
  }
  guarded_free_ctx(&guarded, ctx);
  return NULL;
}

int main(void) {
  guarded_init(&guarded);
  run_threads(thread);
  assert(get(&guarded.first) == N + AGAIN);
  guarded_destroy(&guarded);
  return 0;
}
