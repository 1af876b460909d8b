// SPDX-License-Identifier: MIT
/*
 * client.cc: the clients of one lock. Compiled with -DLK=<name>, it includes that lock's header; tests/relacy/shadow,
 * on the path of includes before the system's folders, stands in for <stdatomic.h>.
 *
 * The data is plain memory that Relacy watches: an access that is not ordered after all that it conflicts with is a
 * data race, even if nobody else is inside at that moment. So the clients need not catch two owners at once.
 */
#include "model.h"
#include "search.h"

#define QUOTE_(x) #x
#define QUOTE(x) QUOTE_(x)
#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define FN(operation) PASTE(lk_, LK, _##operation)

#include QUOTE(LK.h)

typedef struct PASTE(lk_, LK, ) lock_type;
typedef struct FN(ctx) ctx_type;

const char lock_name[] = QUOTE(LK);

#if FN(is_rw)
static void acquire(lock_type *lock, ctx_type *ctx) { FN(wrlock)(lock, ctx); }
static void release(lock_type *lock, ctx_type *ctx) { FN(wrunlock)(lock, ctx); }
#if !FN(no_trylock)
static bool try_acquire(lock_type *lock, ctx_type *ctx) { return FN(trywrlock)(lock, ctx); }
#endif
#else
static void acquire(lock_type *lock, ctx_type *ctx) { FN(lock)(lock, ctx); }
static void release(lock_type *lock, ctx_type *ctx) { FN(unlock)(lock, ctx); }
#if !FN(no_trylock)
static bool try_acquire(lock_type *lock, ctx_type *ctx) { return FN(trylock)(lock, ctx); }
#endif
#endif

/* What readers that retry look at must be atomic; all others find plain memory, in which a race is seen. */
#if FN(retries)
typedef _Atomic(unsigned) protected_type;
static unsigned get(const protected_type &place) { return atomic_load_explicit(&place, memory_order_relaxed); }
static void set(protected_type &place, unsigned value) { atomic_store_explicit(&place, value, memory_order_relaxed); }
#else
typedef rl::var<unsigned> protected_type;
static unsigned get(const protected_type &place) { return place(RL_INFO); }
static void set(protected_type &place, unsigned value) { place(RL_INFO) = value; }
#endif

enum { MAX_THREADS = 4 };

/* Two of each: the second lock is for the nested client. The two counts of a lock are equal, but while a writer is
 * inside. */
struct world {
  lock_type locks[2];
  protected_type first[2], second[2];
};

static char memory[sizeof(world) + 64];
static world *w;
static unsigned n_writes[2]; /* by what the threads say; only one of them runs at a time */

static void begin(void) {
  /* Small, so that tables are small and a waiter soon does the next thing that it may do: park, or look again. */
  struct lk_config config = lk_config_default(MAX_THREADS, 2);
  config.n_domains[LK_CORE] = MAX_THREADS;
  config.n_domains[LK_LLC] = config.n_domains[LK_NODE] = 2;
  config.spin_pauses = config.backoff_max_pauses = 1;
  memset(memory, 0xa5, sizeof memory); /* whatever a lock leaves unset is the same each time, and senseless */
  w = ::new (reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory) + 63) & ~uintptr_t(63))) world;
  for (unsigned i = 0; i < 2; i++) {
    FN(init)(&w->locks[i], &config);
    set(w->first[i], 0);
    set(w->second[i], 0);
    n_writes[i] = 0;
  }
}

/* A thread's context for one of the locks, from its first use to its last. */
class user {
public:
  user(unsigned lock, unsigned thread) : lock(lock) {
    const struct lk_domain domain = {{thread, thread % 2, thread % 2, 0}};
    FN(ctx_init)(&w->locks[lock], &ctx, &domain);
  }

  void leave() { FN(ctx_destroy)(&w->locks[lock], &ctx); }

  void enter() { acquire(&w->locks[lock], &ctx); }
  void exit() { release(&w->locks[lock], &ctx); }

  /* The section of a writer. */
  void change() {
    const unsigned count = get(w->first[lock]) + 1;
    set(w->first[lock], count);
    set(w->second[lock], count);
    n_writes[lock]++;
  }

  void write() {
    enter();
    change();
    exit();
  }

#if !FN(no_trylock)
  void try_write() {
    if (!try_acquire(&w->locks[lock], &ctx)) return;
    change();
    exit();
  }
#endif

#if FN(is_rw)
  /* The section of a reader, and its end; false: to be done again. */
  bool look() {
    const unsigned first = get(w->first[lock]), second = get(w->second[lock]);
#if FN(retries)
    if (!FN(rdvalidate)(&w->locks[lock], &ctx)) return false;
#else
    FN(rdunlock)(&w->locks[lock], &ctx);
#endif
    RL_ASSERT(first == second && "a reader saw a writer half-way");
    return true;
  }

  void read() {
    do {
      FN(rdlock)(&w->locks[lock], &ctx);
    } while (!look());
  }

#if !FN(no_trylock)
  void try_read() {
    if (FN(tryrdlock)(&w->locks[lock], &ctx)) look();
  }
#endif
#endif

private:
  const unsigned lock;
  ctx_type ctx;
};

static void end(void) {
  for (unsigned i = 0; i < 2; i++) {
    RL_ASSERT(get(w->first[i]) == n_writes[i] && "a write was lost");
    user last(i, 0);
    last.write(); /* hangs if the lock was not left free */
    last.leave();
    FN(destroy)(&w->locks[i]);
  }
  w->~world();
}

static void mutex(unsigned thread) {
  user self(0, thread);
  self.write();
  if (thread == 0) self.write();
  self.leave();
}

/* One takes the second lock inside of the first and gives the first back before it; the other takes one after the
 * other. */
static void nested(unsigned thread) {
  user outer(0, thread), inner(1, thread);
  if (thread == 0) {
    outer.enter();
    inner.enter();
    outer.change();
    inner.change();
    outer.exit();
    inner.exit();
  } else {
    inner.write();
    outer.write();
  }
  inner.leave();
  outer.leave();
}

#if !FN(no_trylock)
static void trylock(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.try_write();
  if (thread != 2) self.write();
  if (thread != 0) self.try_write();
  self.leave();
}
#endif

#if FN(is_rw)
static void rw(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.write();
  self.read();
  if (thread == 1) self.write();
  if (thread == 2) self.read();
  self.leave();
}

#if !FN(no_trylock)
static void rw_try(unsigned thread) {
  user self(0, thread);
  if (thread != 1) self.try_read();
  if (thread != 2) self.write();
  if (thread != 0) self.try_read();
  if (thread == 2) self.try_write();
  self.leave();
}
#endif
#endif

const struct client clients[] = {
    {"mutex2", 2, begin, mutex, end},     {"mutex3", 3, begin, mutex, end},
    {"mutex4", 4, begin, mutex, end},     {"nested2", 2, begin, nested, end},
#if !FN(no_trylock)
    {"trylock2", 2, begin, trylock, end}, {"trylock3", 3, begin, trylock, end},
#endif
#if FN(is_rw)
    {"rw2", 2, begin, rw, end},           {"rw3", 3, begin, rw, end},
#if !FN(no_trylock)
    {"rw_try2", 2, begin, rw_try, end},   {"rw_try3", 3, begin, rw_try, end},
#endif
#endif
};
const unsigned n_clients = sizeof clients / sizeof *clients;
