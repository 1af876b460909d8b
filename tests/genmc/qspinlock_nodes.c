// SPDX-License-Identifier: MIT
/*
 * qspinlock_nodes: of a node of the process's pool its next user sees nothing that was written for the last one.
 * Through the whole lock that takes five waits of four threads, which is too much for a checker.
 */
#include "client.h"

static void *thread(void *argument) {
  struct lk_qspinlock_ctx ctx = {.node = 0};
  for (int i = 0; i < sections_of((int)(intptr_t)argument); i++) {
    struct lk_qspinlock_node *const node = lk_qspinlock_take_node(&ctx);
    assert(node != NULL);
    atomic_store_explicit(&node->next, NULL, memory_order_relaxed); /* as wait_queued begins */
    assert(atomic_load_explicit(&node->next, memory_order_relaxed) == NULL);
    atomic_store_explicit(&node->next, node, memory_order_relaxed); /* as a successor links itself */
    lk_qspinlock_give_node(node);
  }
  return NULL;
}

int main(void) {
  run_threads(thread);
  return 0;
}
