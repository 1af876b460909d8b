// SPDX-License-Identifier: MIT
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process.h"

static struct thread nobody;
__thread struct thread *thread_self = &nobody;
__thread uint32_t thread_number;

enum { THREADS_AT_A_TIME = 32, LOOKS = 4 };

/* Under the guard. Looks at a few only, so that a new thread among thousands is made quickly; those that ended are
   found by the threads that come after, since more than one is looked at for each that is made. */
static struct thread *find_ended(struct process *process) {
  for (int i = 0; i < LOOKS; i++) {
    struct thread *at = process->looked_at;
    process->looked_at = at = at != NULL && at->next != NULL ? at->next : process->threads;
    if (at == NULL) return NULL;
    if (syscall(SYS_tgkill, getpid(), at->system_id, 0) != 0 && errno == ESRCH) return at;
  }
  return NULL;
}

/* Under the guard. */
static struct thread *make(struct process *process) {
  if (process->spare == process->spare_end) {
    process->spare = process_map(THREADS_AT_A_TIME * sizeof(struct thread), true);
    process->spare_end = process->spare + THREADS_AT_A_TIME;
  }
  return process->spare++;
}

/* Under the guard: gives it to the calling thread of this process. */
static void adopt(struct process *process, struct thread *thread) {
  thread->slot = page_take_slot(process->page);
  thread->next = process->threads;
  process->threads = thread;
  process->n_threads++;
  _Atomic(uint32_t) *const most = &process->page->most_threads;
  uint32_t before = atomic_load_explicit(most, memory_order_relaxed); /* relaxed, all: a number that orders nothing */
  while (before < process->n_threads &&
         !atomic_compare_exchange_weak_explicit(most, &before, process->n_threads, memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}

LK_COLD struct thread *thread_begin(void) {
  static uint32_t last_number;
  const int caller_errno = errno;
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  struct thread *me = thread_self;
  if (me == &nobody) {
    if (thread_number == 0) thread_number = ++last_number;
    if ((me = find_ended(process)) != NULL)
      host_renew_contexts(me);
    else
      adopt(process, me = make(process));
  } else {
    adopt(process, me); /* its own, from before a fork */
  }
  me->system_id = (int)syscall(SYS_gettid);
  atomic_store_explicit(&me->inverse, ~process->generation, memory_order_relaxed); /* see thread_generation */
  thread_self = me;
  process_leave(process, &signals);
  errno = caller_errno;
  return me;
}
