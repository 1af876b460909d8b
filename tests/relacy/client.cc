// SPDX-License-Identifier: MIT
/*
 * client.cc: what threads do with one lock, to be run by search.cc. Compiled with -DLK=<name>, it includes that lock's
 * header as it is; the folder shadow stands in for lk_lang.h. By hand, with a header from any folder, in the
 * project's:
 *
 *   g++ -std=gnu++14 -O1 -w -I tests/relacy/shadow -I FOLDER -I locks -DLK=mcs \
 *     tests/relacy/client.cc tests/relacy/search.cc tests/relacy/system.cc -o mcs && ./mcs
 *
 * search.cc and system.cc know nothing of the lock, so a check of many compiles them once.
 *   --client NAME    only this one of the clients at the end of this file
 *   --executions N   at most, for each client; without it 100000
 *   --seconds S      instead of that, for all clients together; also from the environment, as RELACY_SECONDS
 *   --expect RESULT  fail unless some client comes to this, as Relacy calls it: "DATA RACE", DEADLOCK, LIVELOCK ...
 * Exit code 0: every client came through; 1: one did not, its last lines say which, those before how; 2: usage.
 * With meson: `meson test --suite relacy`, and for an hour `meson test --suite relacy --setup deep`.
 *
 * The data that the lock protects is plain memory that Relacy watches: two accesses that conflict and that nothing
 * orders are a data race, even if they did not meet. So a client need not catch two owners inside at once.
 */
#include "lk_lang.h"

#include "lk_cpu.h"
#include "search.h"
#include "system.h"

#include "names.h"

/* What is done each so many times in a real lock, is done each time by threads that come but once or twice. */
#define LK_RW_BRAVO_CLOCK_INTERVAL 1
#define LK_TWA_WORDS 2 /* so that they collide */
#define LK_CNA_MOST_PASSES 1
#define LK_COHORT_PASSES 1
#define LK_HMCS_THRESHOLD 2
#define LK_MALTHUSIAN_EVERY 2

/* Small, too. */
#define LK_HAPAX_SLOTS 2
#define LK_HAPAX_LOOKS 1
#define LK_QSPINLOCK_NODES 16
#define LK_QSPINLOCK_PENDING_TRIES 1

/* A few steps of the clock of system.cc. */
#define LK_RELAY_TENURE_NS 3000
#define LK_RELAY_SPIN_NS 5000
#define LK_RELAY_PATIENCE_NS 2000
#define LK_RELAY_SWITCH_NS 2
#define LK_RELAY_SELDOM_NS 1000
#define LK_RELAY_LOOK_NS 1
#define LK_ROUNDS_SPIN_NS 3000
#define LK_ROUNDS_PACE_NS 1000
#define LK_ROUNDS_LOOK_NS 1

#include "../../src/the_lock.h"

#if FN(is_rw) && !FN(retries)
#define HAS_RDUNLOCK 1
#else
#define HAS_RDUNLOCK 0
#endif

const char lock_name[] = QUOTE(LK);

/* A try never waits: the engine watches. */
class trying {
public:
  trying() { engine_begin_try(); }
  ~trying() { engine_end_try(); }
};

static inline bool enter_if_free(lock_type *lock, ctx_type *ctx) {
  trying watched;
  return try_acquire(lock, ctx);
}

static inline bool enter_shared_if_free(lock_type *lock, ctx_type *ctx) {
  trying watched;
  return try_acquire_shared(lock, ctx);
}

/* Readers that retry race with writers, which C allows on atomics only. */
#if FN(retries)
typedef LK_ATOMIC(unsigned) data_type;
static unsigned get(const data_type &place) { return atomic_load_explicit(&place, memory_order_relaxed); }
static void set(data_type &place, unsigned value) { atomic_store_explicit(&place, value, memory_order_relaxed); }
#else
typedef rl::var<unsigned> data_type;
static unsigned get(const data_type &place) { return place(RL_INFO); }
static void set(data_type &place, unsigned value) { place(RL_INFO) = value; }
#endif

/* A lock and what it protects: two counts of the sections of writers, which are equal but while a writer is inside. */
struct place {
  lock_type lock;
  data_type first, second;
};

static place *places; /* two, the second for the nested client */
static unsigned n_sections[2];

static void make(place *at) {
  /* Small: tables are then small, and a waiter soon does the next thing that it can do. */
  struct lk_config config = lk_config_default(MAX_THREADS, 2);
  config.n_domains[LK_CORE] = config.n_domains[LK_LLC] = MAX_THREADS; /* so near is what is of the same node */
  config.n_domains[LK_NODE] = 2;
  config.spin_pauses = config.backoff_max_pauses = 1;

  memset(static_cast<void *>(at), 0xa5,
         sizeof *at); /* what a lock forgets to set is the same each time, and senseless */
  ::new (static_cast<void *>(at)) place;
  RL_VERIFY(FN(init)(&at->lock, &config));
  set(at->first, 0);
  set(at->second, 0);
}

static void unmake(place *at) {
  FN(destroy)(&at->lock);
  at->~place();
}

static void begin(void) {
  alignas(place) static char memory[2 * sizeof(place)];
  shadow_table::begin_all();
  places = reinterpret_cast<place *>(memory);
  for (unsigned i = 0; i < 2; i++) {
    make(&places[i]);
    n_sections[i] = 0;
  }
}

/* A thread at a lock, from its context's making to its end. */
class user {
public:
  user(unsigned which, unsigned thread) : which(which), at(places[which]) {
    /* Of the first and the fourth, one cache but two nodes: a lock may not rely on such reports. */
    const struct lk_domain domain = {{thread, thread % 3, thread % 2, 0}};
    RL_VERIFY(FN(ctx_init)(&at.lock, &ctx, &domain));
  }
  void finish() { FN(ctx_destroy)(&at.lock, &ctx); }

  void enter() { acquire(&at.lock, &ctx); }
  void leave() { release(&at.lock, &ctx); }

  void change() {
    const unsigned count = get(at.first) + 1;
    set(at.first, count);
    set(at.second, count);
    n_sections[which]++;
  }

  /* Inside, alone: which section this is, from 1. */
  unsigned count() {
    const unsigned n = get(at.first) + 1;
    set(at.first, n);
    return n;
  }

  void write() {
    enter();
    change();
    leave();
  }

#if !FN(no_trylock)
  void try_write() {
    if (!enter_if_free(&at.lock, &ctx)) return;
    change();
    leave();
  }
#endif

#if FN(is_timed)
  void timed_write() {
    enum { DEADLINE_NS = 1000000 }; /* the model's clock may leap beyond that at any look */
    if (!timed_acquire(&at.lock, &ctx, DEADLINE_NS)) return;
    change();
    leave();
  }
#endif

#if FN(is_rw)
  /* From when a reader is inside to when it is out; false: what it saw is not to be trusted. */
  bool look() {
    const unsigned first = get(at.first), second = get(at.second);
    if (!release_shared(&at.lock, &ctx)) return false;
    RL_ASSERT(first == second && "a reader saw a writer half-way");
    return true;
  }

  void enter_shared() { acquire_shared(&at.lock, &ctx); }
#if HAS_RDUNLOCK
  void leave_shared() { release_shared(&at.lock, &ctx); }
#endif

  void read() {
    do {
      enter_shared();
    } while (!look());
  }

#if !FN(no_trylock)
  void try_read() {
    if (enter_shared_if_free(&at.lock, &ctx)) look();
  }
#endif
#endif

private:
  const unsigned which;
  place &at;
  ctx_type ctx;
};

static void end(void) {
  for (unsigned i = 0; i < 2; i++) {
    RL_ASSERT(get(places[i].first) == n_sections[i] && "a write was lost");
    user last(i, 0);
    last.write(); /* it does not get in if the lock was not left free */
    last.finish();
    unmake(&places[i]);
  }
  shadow_table::end_all();
}

static void mutex(unsigned thread) {
  user self(0, thread);
  self.write();
  if (thread == 0) self.write();
  self.finish();
}

/* What was one thread's context is then another's. */
static void contexts(unsigned thread) {
  for (int i = 0; i < 2; i++) {
    user self(0, thread);
    self.write();
    self.finish();
  }
}

/* One takes the second lock inside the first and gives the first back before it; the others take one after the other.
 */
static void nested(unsigned thread) {
  user outer(0, thread), inner(1, thread);
  if (thread == 0) {
    outer.enter();
    inner.enter();
    outer.change();
    inner.change();
    outer.leave();
    inner.leave();
  } else {
    inner.write();
    outer.write();
  }
  inner.finish();
  outer.finish();
}

#if !FN(no_trylock)
static void trylock(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.try_write();
  if (thread != 2) self.write();
  if (thread != 0) self.try_write();
  self.finish();
}
#endif

#if FN(is_timed)
/* Who gives up takes no wake-up with it that another waits for. */
static void timed(unsigned thread) {
  user self(0, thread);
  if (thread == 1)
    self.timed_write();
  else
    self.write();
  self.write();
  self.finish();
}
#endif

#if FN(is_rw)
static void rw(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.write();
  self.read();
  if (thread == 1) self.write();
  if (thread == 2) self.read();
  self.finish();
}
#endif

#if FN(is_rw) && !FN(no_trylock)
static void rw_try(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.try_read();
  if (thread != 2) self.write();
  if (thread != 0) self.try_read();
  if (thread == 2) self.try_write();
  self.finish();
}
#endif

/* The lock is on the heap, and freed by the thread that counts itself last, right after it has unlocked. */
static void begin_last(void) {
  shadow_table::begin_all();
  places = static_cast<place *>(system_allocate(1, sizeof(place)));
  make(places);
}

static void end_last(void) {
  RL_ASSERT(places == NULL && "none was the last");
  shadow_table::end_all();
}

static void leave_last(user &self, bool is_last) {
  self.finish();
  if (!is_last) return;
  unmake(places);
  system_release(places, RL_INFO);
  places = NULL;
}

template <unsigned n> static void last(unsigned thread) {
  user self(0, thread);
  self.enter();
  const bool is_last = self.count() == n;
  self.leave();
  leave_last(self, is_last);
}

#if HAS_RDUNLOCK
/* One reads. No more than one: a reader that is the last must know that it is alone. */
template <unsigned n> static void last_reader(unsigned thread) {
  if (thread > 0) return last<n>(thread);
  user self(0, thread);
  self.enter_shared();
  const bool is_last = self.count() == n;
  self.leave_shared();
  leave_last(self, is_last);
}
#endif

const struct client clients[] = {
    {"mutex2", 2, begin, mutex, end},
    {"mutex3", 3, begin, mutex, end},
    {"mutex4", 4, begin, mutex, end},
    {"nested2", 2, begin, nested, end},
    {"contexts4", 4, begin, contexts, end},
#if !FN(no_trylock)
    {"trylock2", 2, begin, trylock, end},
    {"trylock3", 3, begin, trylock, end},
#endif
#if FN(is_timed)
    {"timed2", 2, begin, timed, end},
    {"timed3", 3, begin, timed, end},
    {"timed4", 4, begin, timed, end},
#endif
#if FN(is_rw)
    {"rw2", 2, begin, rw, end},
    {"rw3", 3, begin, rw, end},
#endif
#if FN(is_rw) && !FN(no_trylock)
    {"rw_try2", 2, begin, rw_try, end},
    {"rw_try3", 3, begin, rw_try, end},
#endif
    {"last2", 2, begin_last, last<2>, end_last},
    {"last3", 3, begin_last, last<3>, end_last},
#if HAS_RDUNLOCK
    {"last_reader2", 2, begin_last, last_reader<2>, end_last},
    {"last_reader3", 3, begin_last, last_reader<3>, end_last},
#endif
};
enum { N_LAST = HAS_RDUNLOCK ? 4 : 2 }; /* at the end of the list */
const unsigned n_clients = sizeof clients / sizeof *clients - (FN(traits) & LK_FREED_BY_LAST ? 0 : N_LAST);
