// SPDX-License-Identifier: MIT
/*
 * mutex: N threads, of which the first comes twice. What they share is plain, so two of them inside at once, or one
 * that does not see what the last one did, is a data race, which the checker reports; so are an unlock that is
 * lost (nobody ever gets in again) and a context that is touched when it is gone.
 */
#include "client.h"

static lock_type lock;
static int n_sections;

static void *thread(void *argument) {
  const int index = (int)(intptr_t)argument;
  ctx_type *const ctx = client_make_ctx(&lock, (unsigned)index);
  for (int i = 0; i < (index == 0 ? 2 : 1); i++) {
    acquire(&lock, ctx);
    n_sections++;
    release(&lock, ctx);
  }
  client_free_ctx(&lock, ctx);
  return NULL;
}

int main(void) {
  client_init(&lock);
  client_run(thread);
  assert(n_sections == N + 1);
  FN(destroy)(&lock);
  return 0;
}
