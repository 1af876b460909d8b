// SPDX-License-Identifier: MIT
/*
 * recording.h: what a program under `lockbench observe` leaves of its locks, in memory of lockbench's as in page.h:
 * after _exit and SIGKILL it is there, and may be looked at while the program runs. All tables have a fixed size; what
 * finds no room is counted. The file is sparse: memory is used for what is written.
 *
 *   image    one program in one process's life: from an execve to the next. Children of fork are of their parent's
 *   lock     the program's, by number from 1 on
 *   record   what one thread did with one lock; only that thread writes it
 *   path     through which functions a lock was taken, as far as was looked at: wrappers all take it from one place
 *   thread   by number from 1 on; a place for its waits and its runs, in which another goes on when it has ended
 *   lane     how long the threads of a place waited, and when
 *   module   a file that is mapped to run, by which lockbench finds the names of return addresses
 *
 * Times are ticks of clock_ticks(), in the scale that lockbench says.
 */
#ifndef PRELOAD_RECORDING_H
#define PRELOAD_RECORDING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "page.h"

#define RECORDING_VARIABLE "LOCKBENCH_OBSERVE_RECORDING" /* the path of the file in the environment */

enum {
  RECORDING_MAGIC = 0x6c6b6f62,
  RECORDING_MAX_LOCKS = 8192, /* a power of two */
  RECORDING_MAX_PATHS = 8192,
  RECORDING_MAX_PLACES = 8 * RECORDING_MAX_LOCKS,
  RECORDING_MAX_RECORDS = 32768,
  RECORDING_MAX_THREADS = 512,
  RECORDING_MAX_MODULES = 2048,
  RECORDING_N_CALLERS = 6,
  RECORDING_N_FRAMES = 5,
  RECORDING_N_SITES = 17, /* a power of two, and one for the rest */
  RECORDING_N_OUTER = 4,
  RECORDING_N_WAITS = 512,
  RECORDING_N_RUNS = 32,
  RECORDING_N_EVENTS = 64,
  RECORDING_N_SLICES = 256,
  RECORDING_SLICE_BITS = 18, /* of ticks: a lane's slices at first */
};

/* Eight buckets in each power of two: the shape of trial/histogram.h, coarser, since there is one for each thread and
   lock. The last takes what is longer, some minutes. */
enum { RECORDING_SUB_BITS = 3, RECORDING_N_SUB = 1 << RECORDING_SUB_BITS, RECORDING_N_BUCKETS = 38 * RECORDING_N_SUB };

static inline unsigned recording_bucket(uint64_t ticks) {
  if (ticks < RECORDING_N_SUB) return (unsigned)ticks;
  const unsigned exponent = 63u - (unsigned)__builtin_clzll(ticks) - RECORDING_SUB_BITS;
  const unsigned bucket = (exponent + 1) * RECORDING_N_SUB + (unsigned)((ticks >> exponent) - RECORDING_N_SUB);
  return bucket < RECORDING_N_BUCKETS ? bucket : RECORDING_N_BUCKETS - 1;
}

/* The largest value in a bucket. */
static inline uint64_t recording_bucket_last(unsigned bucket) {
  if (bucket < 2 * RECORDING_N_SUB) return bucket;
  const unsigned exponent = bucket / RECORDING_N_SUB - 1;
  return ((uint64_t)(RECORDING_N_SUB + bucket % RECORDING_N_SUB + 1) << exponent) - 1;
}

enum recording_kind { RECORDING_MUTEX, RECORDING_RWLOCK, RECORDING_SPIN };

/*
 * What is remembered at the lock itself, mostly in bytes of the program's lock that glibc does not use: on the line
 * that who takes the lock has fetched anyway.
 */
struct recording_note {
  _Atomic(uint32_t) lock;   /* its number; 0: not known yet */
  _Atomic(uint32_t) holder; /* the thread that took it last */
  _Atomic(uint64_t) site;   /* where to that thread returned from taking it, or a path, which is a smaller number */
};

struct recording_lock {
  _Alignas(128) uint64_t address; /* 0: several locks that one site has made */
  uint64_t
      callers[RECORDING_N_CALLERS]; /* return addresses: of the making or first use, of its caller...; 0: no more */
  uint32_t image, kind;
  _Atomic(uint32_t) n_instances;
  struct recording_note note; /* of locks that have no bytes for it */
};

/* A hash table of numbers by 64 bits of hash: of locks, or of how often something happened. */
struct recording_place {
  _Atomic(uint64_t) key; /* 0: free */
  _Atomic(uint32_t) number;
};

enum recording_count {
  RECORDED_CONTENDED,
  RECORDED_READS,
  RECORDED_TRIED,
  RECORDED_TRIES_FAILED,
  RECORDED_TIMED,
  RECORDED_CONDITION_WAITS,
  RECORDED_HANDOFFS,
  RECORDED_WAIT_TICKS,
  RECORDED_WAIT_LONGEST,
  RECORDED_HOLD_TICKS,
  RECORDED_TIMED_SECTIONS,
  RECORDED_YIELDS,  /* calls of sched_yield of who holds the lock */
  RECORDED_THREADS, /* that used the record before the one which does now */
  RECORDING_N_COUNTS
};

struct recording_site {
  uint64_t address; /* 0 in the last place: all that found no other */
  _Atomic(uint64_t) n_acquired, waited_ticks, caused_ticks;
};

struct recording_outer {
  uint32_t lock; /* 0 in the last place: as above */
  _Atomic(uint64_t) n_times;
};

/* Its first line has all that most acquisitions need, and one page those of several locks: in a program that fills the
   caches, fetching that is the price of recording. */
struct recording_record {
  _Alignas(128) uint64_t address; /* of the program's lock, as in its recording_lock */
  int32_t until_timed;            /* acquisitions in a pause of timing; below 0 in a burst */
  uint32_t lock;
  struct recording_site sites[RECORDING_N_SITES];
  uint32_t next; /* of the same thread: an index, or 0 */
  uint32_t n_in_burst, n_bursts, weight;
  uint32_t n_timed;
  uint64_t timed_address;   /* of several locks: which of them was timed last, and so often in succession */
  uint64_t released;        /* when the thread released the lock last, in this burst; 0: never */
  uint64_t acquired_before; /* acquisitions of the threads in RECORDED_THREADS */
  _Atomic(uint64_t) counts[RECORDING_N_COUNTS];
  struct recording_outer outer[RECORDING_N_OUTER];
};

/* Of the record of the same index. */
struct recording_histograms {
  _Atomic(uint64_t) held[RECORDING_N_BUCKETS], waited[RECORDING_N_BUCKETS], gaps[RECORDING_N_BUCKETS];
};

/* By any number of threads, and only of those acquisitions and waits for which was looked. n_caused: waits. */
struct recording_path {
  uint64_t callers[RECORDING_N_FRAMES]; /* return addresses: of the taking, of its caller...; 0: no more */
  uint32_t lock;
  _Atomic(uint64_t) n_acquired, n_caused, waited_ticks, caused_ticks, held_ticks;
};

struct recording_wait {
  uint64_t start, end;
  uint32_t lock, thread, holder;
};

#define RECORDING_NEVER UINT64_MAX /* of a hold whose end was not seen */

/* Times are without those in sched_yield, whose calls are counted, up to what the count can hold. */
struct recording_event {
  uint64_t gap;
  _Atomic(uint64_t) held;
  uint32_t lock;
  uint8_t is_shared, depth;
  uint8_t slept_before;   /* in the gap, for want of something or of its own will */
  _Atomic(uint8_t) slept; /* in the section */
  uint16_t n_yields_before;
  _Atomic(uint16_t) n_yields;
};

struct recording_run {
  _Atomic(uint32_t) n_events;
  uint32_t thread;
  uint64_t start;
  uint64_t n_before; /* acquisitions of its thread */
  struct recording_event events[RECORDING_N_EVENTS];
};

/*
 * Ticks that were waited in each slice of time since the start. When time goes beyond the last slice, slices become
 * twice as long: `n_doublings` says how often, and so which of the two is meant: the other one may be half written.
 */
struct recording_lane {
  uint32_t thread; /* the first of the place */
  _Atomic(uint32_t) n_doublings;
  _Atomic(uint64_t) waited[2][RECORDING_N_SLICES];
};

struct recording_thread {
  _Alignas(128) _Atomic(uint32_t) n_waits; /* ever: the last RECORDING_N_WAITS are there */
  _Atomic(uint32_t) n_runs;                /* ever; see recorder.c for those that are kept */
  struct recording_wait waits[RECORDING_N_WAITS];
  struct recording_run runs[RECORDING_N_RUNS];
  struct recording_lane lane;
};

struct recording_module {
  uint64_t start, end, offset; /* the mapping, and what of the file is at its start */
  uint32_t image;
  _Atomic(uint32_t) is_ready;
  char path[232];
};

struct recording {
  struct page_head head; /* RECORDING_MAGIC; these four by lockbench: how the clock is read */
  bool uses_counter;
  double ns_per_tick;
  uint64_t start; /* when the program was started */
  /* How many were asked for: places beyond the tables' sizes are not there. Numbers that begin with 1 leave out 0. */
  _Atomic(uint32_t) n_images, n_locks, n_records, n_threads, n_thread_places, n_modules, n_paths;
  _Atomic(uint64_t) n_lost;      /* acquisitions without a record */
  _Atomic(uint64_t) n_unmatched; /* unlocks of what the thread has not locked */
  struct recording_place places[RECORDING_MAX_PLACES];
  struct recording_lock locks[RECORDING_MAX_LOCKS];
  struct recording_path paths[RECORDING_MAX_PATHS];
  struct recording_module modules[RECORDING_MAX_MODULES];
  struct recording_record records[RECORDING_MAX_RECORDS];
  struct recording_histograms histograms[RECORDING_MAX_RECORDS];
  struct recording_thread threads[RECORDING_MAX_THREADS];
};

/* The number of the last lock, of the last record, and of the last path, that there is. */
static inline uint32_t recording_n_locks(const struct recording *recording) {
  const uint32_t n = atomic_load_explicit(&recording->n_locks, memory_order_acquire); /* what is counted may be read */
  return n < RECORDING_MAX_LOCKS ? n : RECORDING_MAX_LOCKS - 1;
}

static inline uint32_t recording_n_records(const struct recording *recording) {
  const uint32_t n = atomic_load_explicit(&recording->n_records, memory_order_acquire); /* as above */
  return n < RECORDING_MAX_RECORDS ? n : RECORDING_MAX_RECORDS - 1;
}

static inline uint32_t recording_n_paths(const struct recording *recording) {
  const uint32_t n = atomic_load_explicit(&recording->n_paths, memory_order_acquire); /* as above */
  return n < RECORDING_MAX_PATHS ? n : RECORDING_MAX_PATHS - 1;
}

#endif
