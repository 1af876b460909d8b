// SPDX-License-Identifier: MIT
/*
 * process.h: what the library knows of the process that it is in, in memory which the kernel zeroes in the child of a
 * fork (MADV_WIPEONFORK). So a child is noticed by whoever comes first, without a handler of pthread_atfork, which
 * would run too late or too early for the handlers of others; and nothing that other threads were changing at the time
 * of the fork is ever seen half changed: the child begins anew.
 *
 *   generation  how many forks lie behind, from 1 or 0 on; a lock that says another one was last used before a fork, or
 *               never
 *   guard       of what follows, and of slow paths
 */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "futex.h"
#include "page.h"

struct thread;
struct object;

enum { PROCESS_N_SIZES = 16, PROCESS_TABLE_BITS = 16 };

struct process {
  _Atomic(uint32_t) is_ready; /* 0: wiped, or new */
  uint32_t generation;
  struct lk_futex guard;
  struct lk_futex memory_guard; /* of the three below: memory is asked for under `guard` too */
  unsigned char *chunk, *chunk_end;
  struct {
    void *first;
    size_t n_bytes;
  } free[PROCESS_N_SIZES];  /* blocks that were given back, by their size */
  struct thread *threads;   /* all that were ever made, newest first */
  struct thread *looked_at; /* the last one of which was asked whether it has ended */
  struct thread *spare, *spare_end;
  uint32_t n_threads;
  struct object **objects; /* of memory.h: 2^PROCESS_TABLE_BITS lists */
  struct page *page;
};

/* The process, ready to use. Leaves errno as it is. */
struct process *process_ready(void);

/* The host's: the generation of a process that was not forked by one of ours: 0 where a zeroed lock is a free one. */
uint32_t host_first_generation(void);

/* Takes the guard, with all signals blocked: a handler that locks would wait for its own thread. */
void process_enter(struct process *process, sigset_t *signals);
void process_leave(struct process *process, const sigset_t *signals);

/* Memory that is zero, at a multiple of a page, and never given back; wiped in the child of a fork if is_wiped. Where
   the kernel has none, it comes from a small reserve. */
void *process_map(size_t n_bytes, int is_wiped);

#endif
