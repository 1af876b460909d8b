// SPDX-License-Identifier: MIT
#include "crowd.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "machine/nudge.h"
#include "sleep.h"

struct person {
  pthread_t thread;
  pid_t id; /* the kernel's, of the thread */
  unsigned index;
  crowd_body *body;
  void *argument;
  unsigned long result;
  _Atomic(bool) has_ended;
};

static _Atomic(bool) may_go_on;
static _Thread_local bool owes_a_round;
static pthread_barrier_t all_are_here;

static _Noreturn void give_up(const char *what, int error) {
  fprintf(stderr, "cannot test: %s: %s\n", what, strerror(error));
  exit(2);
}

void *take_memory(size_t n_bytes, size_t align) {
  void *memory = NULL;
  const int error = posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, n_bytes > 0 ? n_bytes : 1);
  if (error != 0) give_up("memory", error);
  memset(memory, 0xa5, n_bytes); /* a lock must not count on zeroes */
  return memory;
}

struct client client_make(const struct lk_ops *ops, unsigned n_threads) {
  struct lk_config config = lk_config_default(n_threads, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
  memcpy(config.n_domains, (const unsigned[LK_N_LEVELS]){4, 2, 2, 1}, sizeof config.n_domains);
  return client_make_with(ops, &config);
}

struct client client_make_with(const struct lk_ops *ops, const struct lk_config *config) {
  struct client client = {.ops = ops, .config = *config, .lock = take_memory(ops->lock_bytes, ops->lock_align)};
  if (!ops->init(client.lock, config)) give_up("the lock's init", ENOMEM);
  return client;
}

void client_unmake(struct client *client) {
  client->ops->destroy(client->lock);
  free(client->lock);
}

void *client_enter(const struct client *client, unsigned index) {
  const struct lk_domain domain = {{index % 4, index / 2 % 2, index / 2 % 2, 0}};
  return client_enter_at(client, &domain);
}

void *client_enter_at(const struct client *client, const struct lk_domain *domain) {
  void *ctx = take_memory(client->ops->ctx_bytes, client->ops->ctx_align);
  if (!client->ops->ctx_init(client->lock, ctx, domain)) give_up("the context's init", ENOMEM);
  return ctx;
}

void client_leave(const struct client *client, void *ctx) {
  client->ops->ctx_destroy(client->lock, ctx);
  free(ctx);
}

/* Relaxed: it only ends loops; what the threads did is ordered by pthread_join. */
bool crowd_may_go_on(void) {
  const bool must_begin = owes_a_round;
  owes_a_round = false;
  return must_begin || atomic_load_explicit(&may_go_on, memory_order_relaxed);
}

static void *run(void *argument) {
  struct person *person = argument;
  owes_a_round = person->index == 0;
  person->id = gettid();
  setpriority(PRIO_PROCESS, (id_t)person->id, 10); /* see hurry() */
  pthread_barrier_wait(&all_are_here);
  person->result = person->body(person->index, person->argument);
  atomic_store_explicit(&person->has_ended, true, memory_order_relaxed); /* only saves a signal */
  return NULL;
}

/*
 * Nudges those that still wait for each other. They have little weight, so that the scheduler's fairness leaves the
 * sender of the signals a CPU; but not the least, or another program that is running starves them.
 */
static void hurry(struct person *people, unsigned n) {
  for (bool all_ended = false; !all_ended;) {
    all_ended = true;
    for (unsigned i = 0; i < n; i++) {
      if (atomic_load_explicit(&people[i].has_ended, memory_order_relaxed)) continue;
      all_ended = false;
      pthread_kill(people[i].thread, NUDGE_SIGNAL);
    }
    if (!all_ended) sleep_us(50);
  }
}

/*
 * pthread_join returns a moment before the thread is gone. A process that is forked in this moment has a copy of
 * whatever an emulator still locks for the thread, and waits for it for ever.
 */
static void wait_until_gone(pid_t id) {
  while (tgkill(getpid(), id, 0) == 0) sleep_us(50);
}

unsigned long crowd_run(unsigned n_threads, unsigned duration_ms, crowd_body *body, void *argument) {
  static struct person people[CROWD_MAX];
  unsigned long sum = 0;
  nudge_prepare();
  atomic_store_explicit(&may_go_on, true, memory_order_relaxed);
  pthread_barrier_init(&all_are_here, NULL, n_threads + 1);
  for (unsigned i = 0; i < n_threads; i++) {
    people[i] = (struct person){.index = i, .body = body, .argument = argument};
    const int error = pthread_create(&people[i].thread, NULL, run, &people[i]);
    if (error != 0) give_up("a thread", error);
  }
  pthread_barrier_wait(&all_are_here);
  sleep_us(duration_ms * 1000L);
  atomic_store_explicit(&may_go_on, false, memory_order_relaxed);
  hurry(people, n_threads);
  for (unsigned i = 0; i < n_threads; i++) {
    pthread_join(people[i].thread, NULL);
    wait_until_gone(people[i].id);
    sum += people[i].result;
  }
  pthread_barrier_destroy(&all_are_here);
  return sum;
}
