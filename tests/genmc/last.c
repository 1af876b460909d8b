// SPDX-License-Identifier: MIT
/*
 * last: the thread that counts down the last reference, inside, destroys and frees the lock as soon as it has unlocked
 * it; the others may not have returned from unlock by then, and destroy their contexts after that. Of a readers/writer
 * lock all write, or with -DREADERS=1 the last thread reads: one that reads alone knows that no other is inside.
 */
#include "client.h"

#ifndef READERS
#define READERS 0
#endif

static struct guarded guarded;
static unsigned n_references = N; /* protected by the lock; plain, since there is at most one reader */

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const ctx = guarded_make_ctx(&guarded, (unsigned)index);
  bool is_last;
#if READERS
  if (index == N - 1) {
    acquire_shared(guarded.lock, ctx);
    is_last = --n_references == 0;
    (void)release_shared(guarded.lock, ctx);
  } else
#endif
  {
    acquire(guarded.lock, ctx);
    is_last = --n_references == 0;
    release(guarded.lock, ctx);
  }
  guarded_free_ctx(&guarded, ctx);
  if (is_last) guarded_destroy(&guarded);
  return NULL;
}

int main(void) {
  guarded_init(&guarded);
  run_threads(thread);
  assert(n_references == 0);
  return 0;
}
