// SPDX-License-Identifier: MIT
/*
 * thread.h: what the library keeps for each thread that uses locks: a slot to count in, contexts, a number.
 *
 * It is found through thread-local storage and wiped by a fork: then `inverse` is 0, which is no generation's, and the
 * fast path of every lock, which compares generations anyway, goes the slow way and so to thread_ready.
 * A thread that ends leaves its struct behind, and a new thread takes it over once the kernel knows the old one no
 * more. That needs no destructor: those of a program's own thread-local data may still lock after ours would have run.
 */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <stdatomic.h>
#include <stdint.h>

#include "lk.h"
#include "page.h"

struct thread {
  _Alignas(128) _Atomic(uint32_t) inverse; /* of the generation, ~generation; 0: wiped, or nobody's */
  int system_id;
  struct page_slot *slot;
  void *contexts; /* free ones, a list; the host's */
  void *readings; /* the host's, of readers/writer locks */
  struct thread *next;
};

/* The calling thread's; before it first used a lock one that is nobody's, and whose generation no lock has. */
extern __thread struct thread *thread_self __attribute__((tls_model("initial-exec")));
/* Its number, from 1 on, the same before and after a fork; 0: not yet. */
extern __thread uint32_t thread_number __attribute__((tls_model("initial-exec")));

/* Makes it ready: it is new, or its process is. Leaves errno as it is. */
struct thread *thread_begin(void);

/* The host's: makes the free contexts of a thread that has ended fit for another. */
void host_renew_contexts(struct thread *thread);

static inline uint32_t thread_generation(const struct thread *thread) {
  /* Relaxed: only its own thread writes it. */
  return ~atomic_load_explicit(&thread->inverse, memory_order_relaxed);
}

/* The calling thread's, ready to use. Leaves errno as it is. */
static inline struct thread *thread_ready(void) {
  struct thread *const me = thread_self;
  /* Relaxed: see thread_generation. */
  return LK_LIKELY(atomic_load_explicit(&me->inverse, memory_order_relaxed) != 0) ? me : thread_begin();
}

/* For a thread that is ready. */
static inline void thread_count(struct thread *thread, enum page_count which) {
  _Atomic(uint64_t) *const count = &thread->slot->counts[which];
  /* Relaxed, both: no other thread writes it, and lockbench only adds up. */
  atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

#endif
