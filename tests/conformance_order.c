// SPDX-License-Identifier: MIT
/* A lock that says LK_FIFO serves in the order of arrival; of any lock, nobody who waits is forgotten. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"

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
  pid_t thread_id;
  long arrived_cpu_ns;       /* of its own CPU time, when it was about to ask for the lock */
  _Atomic(bool) is_arriving; /* release and acquire: the two before it come with it */
};

static long cpu_ns_of(pthread_t thread) {
  clockid_t clock;
  struct timespec time = {0};
  if (pthread_getcpuclockid(thread, &clock) == 0) clock_gettime(clock, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static bool is_asleep(pid_t thread_id) {
  char path[64], state = '?';
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread_id);
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = '?';
  fclose(file);
  return state == 'S';
}

static void *wait_in_line(void *argument) {
  struct waiter *waiter = argument;
  struct queue *queue = waiter->queue;
  const struct lk_ops *ops = queue->client.ops;
  void *ctx = client_enter(&queue->client, waiter->index);
  waiter->thread_id = gettid();
  waiter->arrived_cpu_ns = cpu_ns_of(pthread_self());
  atomic_store_explicit(&waiter->is_arriving, true, memory_order_release);
  ops->lock(queue->client.lock, ctx);
  queue->served[queue->n_served++] = waiter->index;
  ops->unlock(queue->client.lock, ctx);
  client_leave(&queue->client, ctx);
  return NULL;
}

/*
 * A thread that has been running for a millisecond since it was about to ask is in line and spins; one that sleeps
 * since then is in line and parks. Neither is a matter of how fast this machine happens to be. Who sleeps at a lock
 * that only spins is not in line yet: the thread sanitizer makes it wait for the others that use the same atomic.
 */
static bool is_in_line(const struct waiter *waiter) {
  if (!atomic_load_explicit(&waiter->is_arriving, memory_order_acquire)) return false;
  return cpu_ns_of(waiter->thread) > waiter->arrived_cpu_ns + 1000000 ||
         (waiter->queue->client.ops->traits & LK_PARKS && is_asleep(waiter->thread_id));
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
    while (!is_in_line(waiter)) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
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
