// SPDX-License-Identifier: MIT
#include "process.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "stop.h"

static _Atomic(struct process *) the_process;
static uint32_t last_generation; /* of this process and its ancestors; not wiped, so that the next one is known */
static _Atomic(uint32_t) n_beginnings;

/* For a process that has used up its memory or may have no more addresses: libc's mutexes need none, and no program
   expects that one cannot be locked. Enough for the first lock of a few threads under any of the hosts; what is not
   needed is never touched. */
static void *take_reserve(size_t n_bytes) {
  enum { RESERVE_BYTES = 2 * 1024 * 1024 };
  static unsigned char reserve[RESERVE_BYTES];
  static _Atomic(size_t) n_taken;
  const size_t n_page = (size_t)sysconf(_SC_PAGESIZE); /* the unit of madvise, to which old loaders do not align */
  unsigned char *const first = reserve + (n_page - (uintptr_t)reserve % n_page) % n_page;
  const size_t n_whole = (n_bytes + n_page - 1) / n_page * n_page;
  /* Relaxed: it only hands out distinct pieces, which are still zero. */
  const size_t before = atomic_fetch_add_explicit(&n_taken, n_whole, memory_order_relaxed);
  const size_t n_room = (size_t)(reserve + RESERVE_BYTES - first);
  return before < n_room && n_whole <= n_room - before ? first + before : NULL;
}

void *process_map(size_t n_bytes, int is_wiped) {
  const int caller_errno = errno;
  void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) memory = take_reserve(n_bytes);
  if (memory == NULL) stop("there is no memory for a lock");
  if (is_wiped && madvise(memory, n_bytes, MADV_WIPEONFORK) != 0)
    stop("the kernel has no MADV_WIPEONFORK (Linux 4.14)");
  errno = caller_errno;
  return memory;
}

static struct process *make(void) {
  struct process *made = process_map(sizeof *made, true), *other = NULL;
  /* Release: pairs with the acquire in process_ready. Acquire on failure: the other's is as good. */
  if (atomic_compare_exchange_strong_explicit(&the_process, &other, made, memory_order_acq_rel, memory_order_acquire))
    return made;
  munmap(made, sizeof *made);
  return other;
}

/* Under the guard: the first thread that comes after a fork, or of all. */
static void begin(struct process *process) {
  static struct page *page; /* shared by the children, and so not wiped */
  if (page == NULL) page = page_map();
  process->page = page;
  /* Relaxed, both: counts that order nothing. */
  const bool is_first = atomic_fetch_add_explicit(&n_beginnings, 1, memory_order_relaxed) == 0;
  process->generation = last_generation = is_first ? host_first_generation() : last_generation + 1;
  atomic_fetch_add_explicit(&page->n_processes, 1, memory_order_relaxed);
}

LK_COLD static void begin_once(struct process *process) {
  const int caller_errno = errno;
  sigset_t signals;
  process_enter(process, &signals);
  if (atomic_load_explicit(&process->is_ready, memory_order_relaxed) == 0) { /* under the guard */
    begin(process);
    /* Release: pairs with the acquire in process_ready. */
    atomic_store_explicit(&process->is_ready, 1, memory_order_release);
  }
  process_leave(process, &signals);
  errno = caller_errno;
}

struct process *process_ready(void) {
  /* Acquire: pairs with the release in make. */
  struct process *process = atomic_load_explicit(&the_process, memory_order_acquire);
  if (process == NULL) process = make();
  /* Acquire: pairs with the release in begin_once. */
  if (atomic_load_explicit(&process->is_ready, memory_order_acquire) == 0) begin_once(process);
  return process;
}

void process_enter(struct process *process, sigset_t *signals) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, signals);
  lk_futex_lock(&process->guard, NULL);
}

void process_leave(struct process *process, const sigset_t *signals) {
  lk_futex_unlock(&process->guard, NULL);
  pthread_sigmask(SIG_SETMASK, signals, NULL);
}
