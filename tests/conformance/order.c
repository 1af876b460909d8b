// SPDX-License-Identifier: MIT
/* A lock that says LK_FIFO serves in the order of arrival; of any lock, no waiter is forgotten. */
#include <pthread.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "sleep.h"

enum { N_WAITERS = 6 };

struct queue {
  struct client client;
  unsigned n_served;
  unsigned served[N_WAITERS];
};

struct waiter {
  struct queue *queue;
  unsigned index;
  pthread_t thread;
  struct line_mark mark;
};

static void *wait_in_line(void *argument) {
  struct waiter *waiter = argument;
  struct queue *queue = waiter->queue;
  const struct lk_ops *ops = queue->client.ops;
  void *ctx = client_enter(&queue->client, waiter->index);
  line_arrive(&waiter->mark, ops);
  ops->lock(queue->client.lock, ctx);
  queue->served[queue->n_served++] = waiter->index;
  ops->unlock(queue->client.lock, ctx);
  client_leave(&queue->client, ctx);
  return NULL;
}

static void everybody_is_served(const struct lk_ops *ops) {
  struct queue queue = {.client = client_make(ops, N_WAITERS + 1)};
  struct waiter waiters[N_WAITERS] = {{0}};
  unsigned n_times[N_WAITERS] = {0}, n_waiting = 0;
  void *ctx = client_enter(&queue.client, N_WAITERS);
  check_about("%s: order of service", ops->name);
  ops->lock(queue.client.lock, ctx);
  for (; n_waiting < N_WAITERS; n_waiting++) {
    struct waiter *waiter = &waiters[n_waiting];
    waiter->queue = &queue;
    waiter->index = n_waiting;
    if (!CHECK(pthread_create(&waiter->thread, NULL, wait_in_line, waiter) == 0)) break;
    while (!line_is_in(&waiter->mark)) sleep_us(100);
  }
  ops->unlock(queue.client.lock, ctx);
  ops->lock(queue.client.lock, ctx); /* behind all others, if it is the order of arrival that counts */
  if (ops->traits & LK_FIFO) CHECK_EQ(N_WAITERS, queue.n_served);
  ops->unlock(queue.client.lock, ctx);
  for (unsigned i = 0; i < n_waiting; i++) pthread_join(waiters[i].thread, NULL);
  CHECK_EQ(N_WAITERS, queue.n_served);
  for (unsigned i = 0; i < queue.n_served; i++) {
    n_times[queue.served[i]]++;
    if (ops->traits & LK_FIFO) CHECK_EQ(i, queue.served[i]);
  }
  for (unsigned i = 0; i < N_WAITERS; i++) CHECK_EQ(1, n_times[i]);
  client_leave(&queue.client, ctx);
  client_unmake(&queue.client);
}

const struct conformance_case conformance_order[] = {
    {"order", everybody_is_served},
    {NULL, NULL},
};
