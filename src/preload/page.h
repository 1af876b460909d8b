// SPDX-License-Identifier: MIT
/*
 * page.h: what a program under `lockbench exec` shares with lockbench: counts of what it did with its locks. They lie
 * in memory of lockbench's (a memfd, found through the environment), so that _exit and SIGKILL lose nothing.
 *
 * A slot is one thread's at a time, and only that thread writes it; lockbench adds the slots up. A slot outlives its
 * thread, and its thread's successor goes on counting in it.
 */
#ifndef PRELOAD_PAGE_H
#define PRELOAD_PAGE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_VARIABLE "LOCKBENCH_EXEC_PAGE" /* the path of the file in the environment */

enum page_count {
  COUNT_ACQUIRED,         /* mutexes, by any call; after a wait for a condition too */
  COUNT_CONTENDED,        /* of those: found held */
  COUNT_TRIED,            /* trylock */
  COUNT_TIMED,            /* timedlock, clocklock */
  COUNT_WAITS,            /* for conditions */
  COUNT_SYSTEM,           /* mutexes of kinds that stay with the system: acquisitions and tries */
  COUNT_SPIN,             /* spin locks of ours */
  COUNT_SPIN_SYSTEM,      /* spin locks that stay with the system */
  COUNT_READ,             /* readers/writer locks, shared */
  COUNT_READ_AGAIN,       /* of those: by a thread that was inside as a reader already */
  COUNT_WRITTEN,          /* readers/writer locks, exclusive */
  COUNT_RW_CONTENDED,     /* of both: found a writer inside */
  COUNT_RW_SYSTEM,        /* readers/writer locks that processes share */
  COUNT_UNLOCKED_FREE,    /* mistakes: a lock that was not held is unlocked */
  COUNT_DESTROYED_HELD,   /* a lock is destroyed while held */
  COUNT_DESTROYED_WAITED, /* a condition is destroyed while somebody waits for it */
  COUNT_DEEPBIND,         /* dlopen with RTLD_DEEPBIND, which was taken away */
  N_COUNTS
};

/* Stores of the library's and loads from a program's locks meet: a processor first compares the lower twelve bits of
   addresses only, and a load then waits for the store before it. A quarter of a lock and unlock is lost where they are
   equal. Static locks of small programs lie in the first lines of a page, so what the library writes at each
   acquisition begins farther behind. */
enum { PAGE_FIRST_WRITTEN = 2048 };

struct page_slot {
  _Alignas(128) _Atomic(uint64_t) counts[N_COUNTS];
  int process;
};

enum { PAGE_MAGIC = 0x6c6b7078, PAGE_MAX_SLOTS = 8192 };

/* At the beginning of what lockbench shares, and written by it: another version's is left alone. */
struct page_head {
  uint32_t magic;
  uint32_t n_bytes; /* of the whole */
};

struct page {
  struct page_head head;     /* PAGE_MAGIC */
  _Atomic(uint32_t) n_slots; /* that were asked for; those beyond PAGE_MAX_SLOTS share the last one, and lose counts */
  _Atomic(uint32_t) n_processes;  /* in which the library is, or was */
  _Atomic(uint32_t) most_threads; /* that used locks, of any one process */
  _Alignas(PAGE_FIRST_WRITTEN) struct page_slot slots[PAGE_MAX_SLOTS];
};

/* What lockbench shares under that name of a path in the environment; NULL: it does not, or is another version's. */
void *page_map_file(const char *variable, size_t n_bytes, uint32_t magic);

/* The page, or memory of this process alone where there is none: locks work without lockbench too. Never fails. */
struct page *page_map(void);

/* A slot for a thread of this process. */
struct page_slot *page_take_slot(struct page *page);

#endif
