// SPDX-License-Identifier: MIT
/*
 * lk.h: what every lock header builds on, and what a host of the locks may rely on.
 *
 * A lock `x` is one header x.h that defines, all static inline:
 *   struct lk_x, struct lk_x_ctx           the lock; what one thread needs to use one lock
 *   bool lk_x_init, lk_x_destroy           the lock is unused before and after; false: there is no memory, or the lock
 *                                          cannot serve what the config asks for, and there is nothing to destroy
 *   bool lk_x_ctx_init, lk_x_ctx_destroy   by the thread that uses it, or before that thread starts; false as above
 *   lk_x_lock, lk_x_unlock                 the ctx is valid and unmoved from lock to unlock
 *   lk_x_trylock                           true = acquired; never waits
 *   enum { lk_x_traits = ... }             below; what a row of results says about the lock
 * A lock whose algorithm has no trylock says so with `#define lk_x_no_trylock 1`: a macro, because
 * the template that compiles a lock must know before the compiler does which functions exist.
 * A readers/writer lock says `#define lk_x_is_rw 1` and has, instead of the last three functions,
 *   lk_x_rdlock, lk_x_rdunlock, lk_x_tryrdlock, lk_x_wrlock, lk_x_wrunlock, lk_x_trywrlock
 * (lk_x_no_trylock then stands for both tries). One whose readers retry instead of waiting says
 * `#define lk_x_retries 1` and has lk_x_rdvalidate instead of lk_x_rdunlock: true = the reads were consistent.
 * A readers/writer lock says `#define lk_x_writer_phases n` if a writer behind at most one other waits for at most n
 * phases, however many readers come. In rw_ticket a writer W2 arrives while readers are inside and W1 is in line: it
 * waits for those readers (1), for W1 (2), and for the readers that came in between (3); later ones wait for it. So 3.
 * One that is neither FIFO nor unfair says `#define lk_x_is_bounded 1` beside LK_BOUNDED and has
 *   uint64_t lk_x_bypass(const struct lk_config *)   how often a thread in line is overtaken at most, by acquisitions
 *                                                    that begin when it is there and are served before it (of a
 *                                                    readers/writer lock: a writer, by writers). Where an arrival
 *                                                    passes each of the n_threads - 1 others at most once, as in a
 *                                                    stack that is emptied before the next begins: n_threads - 1
 * A mutex whose waiters can give up says `#define lk_x_is_timed 1` and has
 *   bool lk_x_timedlock(struct lk_x *, struct lk_x_ctx *, uint64_t deadline_ns)   true = acquired; false: it was not,
 *                                                    and lk_clock_ns() is deadline_ns or later. Tries once in any case
 * A lock that is the same whatever its config may have `#define LK_X_INIT {..., LK_CANARY_INIT}`, for one that is
 * static; it then needs no lk_x_init. The others hold what the config says, or memory, or are a system's without one.
 * A context that holds nothing is `char unused`, since C has no empty struct, and the lock says so with
 * `#define lk_x_no_ctx 1`. One that allocates memory says `#define lk_x_has_heap 1` and has
 *   size_t lk_x_heap_bytes(const struct lk_config *)   what init and the ctx_init of all n_threads contexts allocate
 * and takes it from LK_ALLOC, gives it to LK_FREE. A lock whose contexts may go on to another lock of the kind, or come
 * from one, without a new ctx_init says `#define lk_x_ctx_is_any 1`; then ctx_init and ctx_destroy look at no lock.
 * A lock that hands over to near threads first says `#define lk_x_has_domains 1` and has
 *   uint64_t lk_x_domain_run(const struct lk_config *)
 * its bound: while a thread of another domain is in line, and those have been served that were in line before it, at
 * most so many sections in a row are those of one domain (of the finest level that the lock goes by). In cohort an
 * owner may pass the lock on inside its node 64 times before the other node's turn: 64 passes are 65 sections.
 *
 * What holds for every lock, unless its head says otherwise:
 * - Memory: lock and ctx are where the caller puts them, at multiples of _Alignof: up to LK_LINE_BYTES, more than
 *   malloc's (aligned_alloc, or a variable). Contexts of different threads belong on different lines, and the smaller
 *   ones do not see to that themselves.
 * - Order: init, ctx_init; ...; each ctx_destroy before destroy, since some give back what is the lock's. A ctx is
 *   destroyed by its thread, or after it has ended, and never between lock and unlock. With LK_FREED_BY_LAST a ctx may
 *   end after the lock.
 * - Contexts: never more at a time than config->n_threads; one thread, one ctx for each lock that it uses. One more
 *   works as the others do, or is refused by its ctx_init (false); it never waits.
 * - Domains: NULL is allowed, see lk_domain. An id that the config does not have is refused by ctx_init (false) where
 *   it would be an index.
 * - Trylock: never waits, not even for a thread that has lost its CPU; it may fail while the lock is being taken or
 *   given back.
 * - Errno: is left as it was by lock, trylock, timedlock and unlock.
 * - Signals: a handler may use trylock, and unlock after it, with a ctx of its own. It must not wait: the lock may be
 *   held, or be about to be taken, by the thread that it interrupts.
 * - Fork: the child has one thread, the caller of fork. It may use a lock that was free, or destroy it, but with a new
 *   ctx; what other threads held stays held for ever. No lock has a handler of pthread_atfork.
 * - Processes: a lock that says LK_PROCESSES may lie in memory that several share (MAP_SHARED), each of whose threads
 *   has its ctx where it likes. One that is killed inside leaves it held. No other lock is for several: they hold
 *   addresses, sleep on words of one process, or share its tables.
 * - Threads: a lock is not recursive, and is unlocked by the thread that locked it, with the same ctx.
 *
 * A lock says LK_FREED_BY_LAST if it may go the way that a mutex of POSIX or C++ may: a thread that is alone inside and
 * knows that nobody will come any more, because it has counted down the last reference, may unlock, destroy and free
 * the lock at once, although unlock has not yet returned in the threads that were inside before. So unlock neither
 * reads nor writes the lock after the step that lets others in; lk_x_ctx_destroy, which those threads still have to
 * call, never does. At most a wake-up is sent to the address where the lock was: harmless, since a futex may wake for
 * no reason. Any other lock must stay alive until all threads have returned from unlock and have destroyed their
 * contexts.
 *
 * A lock has no state but its own, with one exception: a table which its algorithm shares among all locks of the kind
 * (LK_PROCESS_WIDE). Nothing there says whether a lock is held, so locks that share it cannot block each other.
 *
 * A lock must not be moved or copied once it is initialised. With LK_CANARY it remembers its address
 * and aborts when it is used at another one.
 */
#ifndef LK_H
#define LK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lk_arch.h"
#include "lk_lang.h"

/* Memory at a multiple of a cache line, or NULL. A host in which a lock must not call malloc has its own of both. */
#ifndef LK_ALLOC
#include <stdlib.h>
#define LK_ALLOC(n_bytes) aligned_alloc(LK_LINE_BYTES, n_bytes)
#define LK_FREE(memory) free(memory)
#endif

enum lk_traits {
  LK_FIFO = 1 << 0,          /* served in the order of arrival */
  LK_SPINS = 1 << 1,         /* a waiter burns its CPU */
  LK_PARKS = 1 << 2,         /* a waiter sleeps in the kernel; with LK_SPINS: spins first */
  LK_BASELINE = 1 << 3,      /* not a lock, but something to hold locks against; does not exclude */
  LK_SYSTEM = 1 << 4,        /* the system's lock behind our interface */
  LK_PEER = 1 << 5,          /* another library's lock behind our interface */
  LK_BOUNDED = 1 << 6,       /* not FIFO, but nobody is overtaken more often than lk_x_bypass says */
  LK_RW = 1 << 7,            /* has a shared mode; set by the template, from lk_x_is_rw */
  LK_DOMAINS = 1 << 8,       /* hands over to near threads first; set by the template, from lk_x_has_domains */
  LK_FREED_BY_LAST = 1 << 9, /* whoever unlocks last may free the lock at once; see above */
  LK_TIMED = 1 << 10,        /* a waiter may give up; set by the template, from lk_x_is_timed */
  LK_PROCESSES = 1 << 11,    /* processes may share it; see above */
};

/* The levels at which two threads can be near each other, nearest first. */
enum lk_level { LK_CORE, LK_LLC, LK_NODE, LK_PACKAGE, LK_N_LEVELS };

/*
 * What a lock may be told when it is made. Times arrive as numbers of lk_pause(): a host calibrates them from
 * nanoseconds, since a pause lasts 10, 40 or 140 cycles by processor.
 */
struct lk_config {
  unsigned n_threads;              /* the most threads that will ever hold a ctx at a time, at least 1 */
  unsigned n_cpus;                 /* that these threads may use */
  unsigned n_domains[LK_N_LEVELS]; /* how many domains of each level there are; ids are below it */
  uint32_t spin_pauses;            /* how long to spin before parking */
  uint32_t backoff_max_pauses;     /* the longest back-off between two tries */
};

/* For programs that use a lock without lockbench: one domain, about 1 us of spinning and 10 us of back-off. */
static inline struct lk_config lk_config_default(unsigned n_threads, unsigned n_cpus) {
  struct lk_config config = {n_threads, n_cpus, {1, 1, 1, 1}, 0, 0};
  config.spin_pauses = 40;
  config.backoff_max_pauses = 400;
  return config;
}

/* Where a thread runs: its domain's id at each level. NULL in its place says that it is not known: 0 at each. */
struct lk_domain {
  unsigned id[LK_N_LEVELS];
};

static inline unsigned lk_domain_id(const struct lk_domain *domain, enum lk_level level) {
  return domain == NULL ? 0 : domain->id[level];
}

/*
 * The level whose domains a lock goes by that knows but near and far: the finest from the caches up that has several
 * domains of several cores each. The caches come before the nodes, since where a node has several of them a line costs
 * as much from the cache beside as from another node (a two-socket EPYC: 27 ns inside a cache, 99 ns between caches of
 * a node), so a node is not near. A cache that is one core's has nobody who would be near; where the caches are the
 * nodes', or span them, the choice is the same or one of the nodes. On a machine with one domain of all these it is the
 * cores, if one is several CPUs; else there is one domain.
 */
static inline enum lk_level lk_level_of_domains(const struct lk_config *config) {
  const unsigned *const n = config->n_domains;
  if (n[LK_LLC] > n[LK_NODE] && n[LK_LLC] > n[LK_PACKAGE] && n[LK_LLC] < n[LK_CORE]) return LK_LLC;
  if (n[LK_NODE] > 1) return LK_NODE;
  if (n[LK_PACKAGE] > 1) return LK_PACKAGE;
  return n[LK_CORE] > 1 && n[LK_CORE] < config->n_cpus ? LK_CORE : LK_PACKAGE;
}

/*
 * Where counters begin that run on and wrap (tickets, sequences), of which only differences mean something. A test has
 * them wrap after few steps: it takes nobody 2^32 acquisitions to see that a lock survives it.
 */
#ifndef LK_WRAPS_AFTER
#define LK_WRAPS_AFTER 0 /* steps; 0: they begin at 0 */
#endif
#define LK_FIRST (UINT32_C(0) - (LK_WRAPS_AFTER))

#ifdef LK_CANARY
#include <stdio.h>
#include <stdlib.h>

struct lk_canary {
  LK_ATOMIC(uintptr_t) self; /* LK_CANARY_STATIC: made by LK_X_INIT, which does not know the address */
};

enum { LK_CANARY_STATIC = 1 };

#define LK_CANARY_MEMBER struct lk_canary canary;
#define LK_CANARY_INIT                                                                                                 \
  { LK_CANARY_STATIC }
#define LK_CANARY_SET(lock) atomic_init(&(lock)->canary.self, (uintptr_t)(lock))
#define LK_CANARY_CHECK(lock) lk_canary_check(&(lock)->canary, (uintptr_t)(lock))

/* Relaxed: it guards nothing, and all who find LK_CANARY_STATIC write the same. */
static inline void lk_canary_check(struct lk_canary *canary, uintptr_t lock) {
  uintptr_t self = atomic_load_explicit(&canary->self, memory_order_relaxed);
  if (LK_LIKELY(self == lock)) return;
  if (self == LK_CANARY_STATIC) {
    atomic_store_explicit(&canary->self, lock, memory_order_relaxed);
    return;
  }
  fprintf(stderr,
          "lock canary: the lock at 0x%jx was initialised at 0x%jx: it was copied, moved or never initialised\n",
          (uintmax_t)lock, (uintmax_t)self);
  abort();
}
#else
#define LK_CANARY_MEMBER
#define LK_CANARY_INIT
#define LK_CANARY_SET(lock) ((void)(lock))
#define LK_CANARY_CHECK(lock) ((void)(lock))
#endif

#endif
