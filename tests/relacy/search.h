// SPDX-License-Identifier: MIT
/*
 * search.h: what a lock's clients are, for the search that runs them. The lock is compiled into the clients only, so
 * that the search, which is nearly all of the checker, is compiled once.
 */
#ifndef SEARCH_H
#define SEARCH_H

struct client {
  const char *name;
  unsigned n_threads;       /* 2: all executions up to a number of preemptions; 3, 4: random ones */
  void (*begin)();          /* makes the lock and the data that it protects; alone */
  void (*thread)(unsigned); /* the thread of that index */
  void (*end)();            /* checks the data and destroys the lock; alone, after all threads */
};

extern const char lock_name[];
extern const struct client clients[];
extern const unsigned n_clients;

#endif
