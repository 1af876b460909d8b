// SPDX-License-Identifier: MIT
/*
 * relay: the owner may come again and again for a while, a tenure, and then hands the lock to the one waiter in line
 * that is awake, the heir. The others there sleep; the first is the next heir, and wakes up in the tenure before its
 * own. An arrival looks for a while before it joins the line, unless the owner waits for the CPU on which it does.
 *
 * Source: ours. One awake waiter: Go's sync.Mutex ("woken"); a line of sleepers in one word: WebKit's WordLock.
 *
 *   state         owner   heir  call     steps from here
 *   free          FREE    no    0        arrival: enters, held
 *   held          a CPU   no    0        unlock: free; who joins: is the heir, watched
 *   watched       a CPU   yes   0        unlock: contended; heir, when its tenure is over: called; who joins: sleeps
 *   contended     FREE    yes   any      arrival: enters, watched or called; heir, unless the lock is hot: enters, left
 *   called        a CPU   yes   WANTED   unlock: handed over
 *   handed over   HANDED  yes   WANTED   heir: enters, left
 *   left          a CPU   no    any      former heir, inside: the oldest sleeper is the heir, watched; none: held
 *
 *   owner   FREE, HANDED, or the CPU on which the owner came in: a waiter there knows that it does not run
 *   call    what the heir asks of unlock. WANTED: to hand the lock over; ASLEEP: to wake the heir up
 *   turns   the unlocks: a lock is hot while they are quicker than a hand-over, and an arrival looks seldom
 *   line    HEIR: there is one; and the address of the newest sleeper, from whom the others can be found
 *
 * Invariants: the line is 0 or has HEIR. Who has entered as the heir makes the next, or clears the line if nobody
 * sleeps: so no sleeper is forgotten, and one thread at a time takes sleepers out. Unlock, loads and stores, may miss a
 * call: so an heir only naps, and looks again. An arrival exchanges: it may take HANDED, or the mark of the owner,
 * away, and puts it back at once. Bound: an arrival joins after PATIENCE_NS, an heir gets in a tenure after the one
 * before it: who finds k in line is overtaken for k + 2 tenures, and the sections, wake-ups and time slices in which
 * these end. A tenure is TENURE_NS; on one CPU for both, a nap. FIFO: the line is; arrivals barge past it. Context:
 * none. Waits: yields; spins as heir; parks. End: unlock's store to `owner`; it may yet wake the address where it was.
 */
#ifndef LK_RELAY_H
#define LK_RELAY_H

#include "lk.h"
#include "lk_clock.h"
#include "lk_cpu.h"
#include "lk_wait.h"

enum { lk_relay_traits = LK_SPINS | LK_PARKS | LK_FREED_BY_LAST };
/* Each of these may be 1: they say how soon, not if. Who sets one sets all. */
#ifndef LK_RELAY_LOOK_NS
#define LK_RELAY_LOOK_NS 250         /* between two looks, a transfer of a line each; hot: a turn in twice that time */
#define LK_RELAY_SWITCH_NS 1000      /* to another thread and back: an arrival spins for as long before it yields */
#define LK_RELAY_SELDOM_NS 4000      /* between two looks, once some have failed: they cost the owner 1 % or 2 % */
#define LK_RELAY_PATIENCE_NS 1000000 /* of an arrival: some rounds of yields among those that look */
#define LK_RELAY_SPIN_NS 25000       /* without an unlock, before an heir naps: a wake-up from a deep sleep */
#define LK_RELAY_TENURE_NS 64000     /* twenty hand-overs with their wake-ups */
#endif

enum lk_relay_owner { LK_RELAY_FREE, LK_RELAY_CPUS = 0xffff, LK_RELAY_HANDED = 0x20000 };
enum lk_relay_call { LK_RELAY_WANTED = 1, LK_RELAY_ASLEEP = 2 };
enum lk_relay_line { LK_RELAY_HEIR = 1 };
enum lk_relay_state { LK_RELAY_SLEEPS, LK_RELAY_IS_HEIR };

/* On the stack of a waiting thread. All but the state is written by it before it is in the line, then by the heir. */
struct lk_relay_waiter {
  LK_ATOMIC(uint32_t) state;
  uint16_t turns;                 /* when it became heir */
  uint64_t since_ns;              /* likewise */
  struct lk_relay_waiter *older;  /* the one that came before */
  struct lk_relay_waiter *newer;  /* known once the oldest has been looked for from there */
  struct lk_relay_waiter *oldest; /* of all; known to the newest once it has been looked for, else NULL */
};

struct lk_relay {
  LK_ATOMIC(uint32_t) owner;
  LK_ATOMIC(uint16_t) call;
  LK_ATOMIC(uint16_t) turns;
  LK_ATOMIC(uintptr_t) line;
  LK_CANARY_MEMBER
};

#define LK_RELAY_INIT                                                                                                  \
  { 0, 0, 0, 0, LK_CANARY_INIT }
#define lk_relay_no_ctx 1
struct lk_relay_ctx {
  char unused; /* C has no empty struct */
};

static inline bool lk_relay_init(struct lk_relay *lock, const struct lk_config *config) {
  (void)config;
  atomic_init(&lock->owner, LK_RELAY_FREE);
  atomic_init(&lock->call, 0);
  atomic_init(&lock->turns, 0);
  atomic_init(&lock->line, 0);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_relay_destroy(struct lk_relay *lock) { LK_CANARY_CHECK(lock); }
static inline bool lk_relay_ctx_init(struct lk_relay *lock, struct lk_relay_ctx *ctx, const struct lk_domain *domain) {
  (void)lock, (void)ctx, (void)domain;
  return true;
}
static inline void lk_relay_ctx_destroy(struct lk_relay *lock, struct lk_relay_ctx *ctx) { (void)lock, (void)ctx; }

/* What stands for the calling thread: its CPU's number, modulo a power of two, and one more. */
static inline uint32_t lk_relay_mine(void) { return (lk_cpu() & LK_RELAY_CPUS) + 1; }
static inline bool lk_relay_is_here(uint32_t owner) { return owner == lk_relay_mine() && lk_cpu() < LK_RELAY_CPUS; }

/* Takes the lock if its owner is that: FREE, or HANDED to us. */
static inline bool lk_relay_take(struct lk_relay *lock, uint32_t owner) {
  /* Acquire: pairs with the releases in unlock. Relaxed on failure: nothing was acquired. */
  return atomic_compare_exchange_strong_explicit(&lock->owner, &owner, lk_relay_mine(), memory_order_acquire,
                                                 memory_order_relaxed);
}

LK_COLD static void lk_relay_put_back(struct lk_relay *lock, uint32_t mine, uint32_t owner) {
  if (owner == LK_RELAY_HANDED) /* Release: pairs with the acquire in take; what the last owner wrote is handed on. */
    atomic_store_explicit(&lock->owner, LK_RELAY_HANDED, memory_order_release);
  else if (owner != mine) /* Relaxed: a guess; fails if the owner has unlocked since. */
    atomic_compare_exchange_strong_explicit(&lock->owner, &mine, owner, memory_order_relaxed, memory_order_relaxed);
}

static inline bool lk_relay_trylock(struct lk_relay *lock, struct lk_relay_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  const uint32_t mine = lk_relay_mine();
  /* Acquire: as in take. An exchange: to compare as well takes 0.7 ns more of the 5 that lock and unlock take. */
  const uint32_t owner = atomic_exchange_explicit(&lock->owner, mine, memory_order_acquire);
  if (LK_LIKELY(owner == LK_RELAY_FREE)) return true;
  lk_relay_put_back(lock, mine, owner);
  return false;
}

/* As an arrival: true if we are the heir, false if we are in the line. */
static inline bool lk_relay_join(struct lk_relay *lock, struct lk_relay_waiter *self) {
  uintptr_t line = 0, next = LK_RELAY_HEIR;
  atomic_init(&self->state, LK_RELAY_SLEEPS);
  /* Release: pairs with the acquires in pass_on: our node is seen. order-kept acquire: pairs with the release there, if
     that has cleared the line: else its clearing of the call could undo ours. Relaxed on failure: a guess. */
  while (!atomic_compare_exchange_weak_explicit(&lock->line, &line, next, memory_order_acq_rel, memory_order_relaxed)) {
    self->older = (struct lk_relay_waiter *)(line & ~(uintptr_t)LK_RELAY_HEIR);
    self->oldest = self->older == NULL ? self : NULL;
    next = (line == 0 ? 0 : (uintptr_t)self) | LK_RELAY_HEIR;
  }
  return line == 0;
}

/* As the heir, who is inside now: the oldest sleeper is the heir, if there is one. */
static inline void lk_relay_pass_on(struct lk_relay *lock) {
  /* Relaxed, here and below: before any write of the next heir, by the releases that make it one. */
  atomic_store_explicit(&lock->call, 0, memory_order_relaxed);
  struct lk_relay_waiter *heir = NULL;
  uintptr_t was = LK_RELAY_HEIR, to = 0;
  /* Acquire on failure: pairs with the release in join; the nodes are seen.
     order-kept release: pairs with the acquire in join, see there. */
  while (!atomic_compare_exchange_strong_explicit(&lock->line, &was, to, memory_order_acq_rel, memory_order_acquire)) {
    struct lk_relay_waiter *const newest = (struct lk_relay_waiter *)(was - LK_RELAY_HEIR), *at = newest;
    /* Each learns which is newer, once: in all, one step for each that has come. */
    for (; at->oldest == NULL; at = at->older) at->older->newer = at;
    heir = at->oldest;
    newest->oldest = heir == newest ? heir : heir->newer;
    if (heir != newest) break;
    to = LK_RELAY_HEIR;
  }
  if (heir == NULL) return;
  heir->since_ns = lk_clock_ns();
  heir->turns = atomic_load_explicit(&lock->turns, memory_order_relaxed);
  /* Release: pairs with the acquire in lock_slow. Then its node may be gone, and the wake-up late: as in mcs_park. */
  atomic_store_explicit(&heir->state, LK_RELAY_IS_HEIR, memory_order_release);
  lk_wait_wake_one(&heir->state);
}

/* Counts the turns until now, since that long ago: true if they are quicker than a hand-over. Relaxed: a guess. */
static inline bool lk_relay_is_hot(struct lk_relay *lock, uint16_t *turns, uint64_t since_ns) {
  const uint16_t n_turns = (uint16_t)(atomic_load_explicit(&lock->turns, memory_order_relaxed) - *turns);
  *turns += n_turns;
  return n_turns > 1 && since_ns < (uint64_t)n_turns * (2 * LK_RELAY_LOOK_NS);
}

/* As the heir: until inside. All loads are relaxed: guesses. */
static inline void lk_relay_watch(struct lk_relay *lock, const struct lk_relay_waiter *self) {
  uint64_t looked_ns = self->since_ns, turned_ns = looked_ns, distance_ns = 0;
  uint16_t turns = self->turns, call = 0;
  unsigned n_naps = 0;
  for (uint64_t now_ns = lk_clock_ns();; looked_ns = now_ns, now_ns = lk_clock_ns()) {
    const uint16_t before = turns;
    const bool is_over = now_ns - self->since_ns >= LK_RELAY_TENURE_NS;
    const bool is_hot = lk_relay_is_hot(lock, &turns, now_ns - looked_ns) && !is_over;
    const uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);
    if ((owner == LK_RELAY_HANDED || (owner == LK_RELAY_FREE && !is_hot)) && lk_relay_take(lock, owner)) return;
    if (turns != before) turned_ns = now_ns, n_naps = 0;
    const bool is_here = lk_relay_is_here(owner);
    const bool naps = is_here || (owner != LK_RELAY_FREE && now_ns - turned_ns >= LK_RELAY_SPIN_NS);
    /* Not to be woken by the owner from its own CPU, which it would lose each time, before its tenure is over. */
    const int wanted = (is_over ? LK_RELAY_WANTED : 0) | (naps && (is_over || !is_here) ? LK_RELAY_ASLEEP : 0);
    if (wanted != call) {
      call = (uint16_t)wanted, distance_ns = 0;
      atomic_store_explicit(&lock->call, call, memory_order_relaxed); /* as in unlock; then looks again */
    } else if (naps) {
      /* Longer each time: a long section costs no CPU; an unlock that was stopped, and missed the call, doubles. */
      lk_wait_nap(&lock->owner, owner, UINT64_C(8) * LK_RELAY_SPIN_NS << n_naps++);
    } else {
      lk_clock_pause_until(now_ns + (is_hot ? LK_RELAY_TENURE_NS / 4 : distance_ns));
      if (turns != before && distance_ns < LK_RELAY_SELDOM_NS) distance_ns = 2 * distance_ns + LK_RELAY_LOOK_NS;
    }
  }
}

/* As an arrival: true if inside. All loads are relaxed: guesses. */
static inline bool lk_relay_visit(struct lk_relay *lock, uint64_t since_ns, uint16_t *turns) {
  bool is_hot = false;
  for (uint64_t now_ns = since_ns; now_ns - since_ns < LK_RELAY_PATIENCE_NS; now_ns = lk_clock_ns()) {
    const bool is_early = !is_hot && now_ns - since_ns < LK_RELAY_SWITCH_NS; /* a short section may end */
    const uint64_t end_ns = now_ns + (is_early ? LK_RELAY_LOOK_NS : is_hot ? LK_RELAY_TENURE_NS : LK_RELAY_SELDOM_NS);
    const bool pauses = is_early && !lk_relay_is_here(atomic_load_explicit(&lock->owner, memory_order_relaxed));
    pauses ? lk_clock_pause_until(end_ns) : lk_clock_yield_until(end_ns); /* who yields needs no wake-up */
    const uint64_t looked_ns = lk_clock_ns();
    is_hot = lk_relay_is_hot(lock, turns, looked_ns - now_ns);
    const uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);
    if (owner == LK_RELAY_FREE && lk_relay_take(lock, owner)) return true;
    if (lk_relay_is_here(owner)) return false; /* asleep, we leave it the CPU */
    const bool is_alone = !is_early && looked_ns < end_ns + LK_RELAY_SWITCH_NS;
    if (is_alone && atomic_load_explicit(&lock->line, memory_order_relaxed) == 0) return false; /* to be the heir */
  }
  return false;
}

LK_COLD static void lk_relay_lock_slow(struct lk_relay *lock) {
  struct lk_relay_waiter self;
  self.turns = atomic_load_explicit(&lock->turns, memory_order_relaxed); /* a guess */
  if (lk_relay_visit(lock, lk_clock_ns(), &self.turns)) return;
  self.since_ns = lk_clock_ns();
  const bool is_heir = lk_relay_join(lock, &self);
  /* Acquire: pairs with the release in pass_on: what the heirs before wrote is seen. */
  while (!is_heir && atomic_load_explicit(&self.state, memory_order_acquire) == LK_RELAY_SLEEPS)
    lk_wait_sleep(&self.state, LK_RELAY_SLEEPS);
  lk_relay_watch(lock, &self);
  lk_relay_pass_on(lock);
}

static inline void lk_relay_lock(struct lk_relay *lock, struct lk_relay_ctx *ctx) {
  if (LK_UNLIKELY(!lk_relay_trylock(lock, ctx))) lk_relay_lock_slow(lock);
}

LK_COLD static void lk_relay_wake_heir(struct lk_relay *lock) { lk_wait_wake_one(&lock->owner); }

static inline void lk_relay_unlock(struct lk_relay *lock, struct lk_relay_ctx *ctx) {
  (void)ctx;
  const uint16_t turns = (uint16_t)(atomic_load_explicit(&lock->turns, memory_order_relaxed) + 1);
  atomic_store_explicit(&lock->turns, turns, memory_order_relaxed); /* only the owner writes it */
  /* Relaxed: what is missed is seen by the next, or was not needed: the heir looks again. Release: pairs with take. */
  const uint16_t call = atomic_load_explicit(&lock->call, memory_order_relaxed);
  atomic_store_explicit(&lock->owner, call & LK_RELAY_WANTED ? LK_RELAY_HANDED : LK_RELAY_FREE, memory_order_release);
  if (LK_UNLIKELY((call & LK_RELAY_ASLEEP) != 0)) lk_relay_wake_heir(lock);
}

#endif
