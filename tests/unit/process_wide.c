// SPDX-License-Identifier: MIT
/* Files that include a lock with a table of the process use one table: else a waiter watches what no owner changes. */
#include "process_wide.h"

#include <pthread.h>

#include "check.h"
#include "twa.h"

enum { N_ROUNDS = 50 };

static struct lk_twa lock;

static void *enter_in_c(void *unused) {
  for (int i = 0; i < N_ROUNDS; i++) process_wide_enter_in_c(&lock);
  return unused;
}

static void *enter_in_cpp(void *unused) {
  for (int i = 0; i < N_ROUNDS; i++) process_wide_enter_in_cpp(&lock);
  return unused;
}

/* Two wait while we are inside: the second watches the array, and another file's owner moves it up. */
static void check_hand_over(void) {
  struct lk_twa_ctx ctx;
  pthread_t threads[2];
  CHECK(lk_twa_ctx_init(&lock, &ctx, NULL));
  lk_twa_lock(&lock, &ctx);
  CHECK(pthread_create(&threads[0], NULL, enter_in_c, NULL) == 0);
  CHECK(pthread_create(&threads[1], NULL, enter_in_cpp, NULL) == 0);
  /* Both have a number: the one that is next, and one that is not. */
  while (atomic_load_explicit(&lock.next, memory_order_relaxed) < 3) lk_pause();
  lk_twa_unlock(&lock, &ctx);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  lk_twa_ctx_destroy(&lock, &ctx);
}

int main(void) {
  const struct lk_config config = lk_config_default(3, 2);
  CHECK(&lk_twa_moves[0] == process_wide_in_c());
  CHECK(&lk_twa_moves[0] == process_wide_in_cpp());
  if (check_result() != 0) return check_result(); /* it would hang */
  CHECK(lk_twa_init(&lock, &config));
  check_hand_over();
  CHECK_EQ(2 * N_ROUNDS + 1, atomic_load_explicit(&lock.next, memory_order_relaxed));
  lk_twa_destroy(&lock);
  return check_result();
}
