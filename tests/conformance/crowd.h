// SPDX-License-Identifier: MIT
/*
 * crowd.h: many threads at one lock, for a bounded time: what the conformance client is made of.
 *
 * Fixed time and not a fixed number of rounds: a FIFO lock whose waiters spin needs a time slice for each hand-off
 * once there are more threads than CPUs, so it cannot be said how long a number of rounds takes.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stddef.h>

#include "registry.h"

enum { CROWD_MAX = 64 };

/* One lock as a client of lk.h has it: its memory is the client's. */
struct client {
  const struct lk_ops *ops;
  struct lk_config config;
  void *lock;
};

/*
 * Makes the lock for at most n_threads contexts at a time, in memory that is not zero, and unmakes it.
 * The machine it is told of has two nodes of two cores, whatever this one has.
 */
struct client client_make(const struct lk_ops *ops, unsigned n_threads);
void client_unmake(struct client *client);

/* The same of a lock that is told something else. */
struct client client_make_with(const struct lk_ops *ops, const struct lk_config *config);

/* The context of thread `index`, in memory that is not zero, and its end. */
void *client_enter(const struct client *client, unsigned index);
void *client_enter_at(const struct client *client, const struct lk_domain *domain);
void client_leave(const struct client *client, void *ctx);

/* Memory of that size and alignment, filled with a pattern; free() it. Never NULL: the program ends instead. */
void *take_memory(size_t n_bytes, size_t align);

/* What a thread of the crowd does; it goes on while crowd_may_go_on() and returns how often it was inside. */
typedef unsigned long crowd_body(unsigned index, void *argument);

/* Runs the body in n_threads threads at once, tells them to stop after that time, and returns the sum of theirs. */
unsigned long crowd_run(unsigned n_threads, unsigned duration_ms, crowd_body *body, void *argument);

/* Thread 0 is told so once in any case: on a loaded machine all the time may have passed before any of them ran. */
bool crowd_may_go_on(void);

/* Keeps the compiler from moving plain accesses across it; no thread is told anything. */
static inline void crowd_linger(unsigned n) {
  for (unsigned i = 0; i < n; i++) atomic_signal_fence(memory_order_seq_cst);
}

#endif
