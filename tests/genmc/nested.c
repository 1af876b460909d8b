// SPDX-License-Identifier: MIT
/*
 * nested: each thread takes two locks of a kind, the second inside the first, always in the same order. They are
 * released in either order, by turns, so their sections need not be nested too.
 */
#include "client.h"

static struct guarded outer, inner;

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const of_outer = guarded_make_ctx(&outer, (unsigned)index);
  ctx_type *const of_inner = guarded_make_ctx(&inner, (unsigned)index);
  for (int i = 0; i < sections_of(index); i++) {
    acquire(outer.lock, of_outer);
    guarded_count(&outer);
    acquire(inner.lock, of_inner);
    guarded_count(&inner);
    if (index % 2 == 0) {
      release(outer.lock, of_outer);
      release(inner.lock, of_inner);
    } else {
      release(inner.lock, of_inner);
      release(outer.lock, of_outer);
    }
  }
  guarded_free_ctx(&inner, of_inner);
  guarded_free_ctx(&outer, of_outer);
  return NULL;
}

int main(void) {
  guarded_init(&outer);
  guarded_init(&inner);
  run_threads(thread);
  assert(get(&outer.first) == N + AGAIN);
  assert(get(&inner.first) == N + AGAIN);
  guarded_destroy(&inner);
  guarded_destroy(&outer);
  return 0;
}
