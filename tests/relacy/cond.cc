// SPDX-License-Identifier: MIT
/*
 * cond.cc: lk_cond.h, with the mutex -DLK=<name>, to be run by search.cc as client.cc is. Each thread but the first
 * waits for a token; the first gives them all. A wake-up that is lost is a deadlock; a waiter that is touched after it
 * has returned from its wait is a race, since the word that it sleeps on ends with the wait.
 */
#include "lk_lang.h"

#include "search.h"
#include "system.h"

#include "names.h"

#include "../../src/the_lock.h"

#include "lk_cond.h"

#define COND(x) LK_COND(x)
COND(LK);

const char lock_name[] = "lk_cond with " QUOTE(LK);

struct place {
  lock_type lock;
  struct lk_cond cond;
  rl::var<unsigned> n_tokens; /* guarded by the lock, as the condition */
};

static place *at;

static void begin(void) {
  alignas(place) static char memory[sizeof(place)];
  const struct lk_config config = lk_config_default(MAX_THREADS, 2);
  shadow_table::begin_all();
  at = ::new (static_cast<void *>(memory)) place;
  RL_VERIFY(FN(init)(&at->lock, &config));
  lk_cond_init(&at->cond);
  at->n_tokens(RL_INFO) = 0;
}

static void end(void) {
  RL_ASSERT(at->n_tokens(RL_INFO) == 0 && "a token was left");
  RL_ASSERT(at->cond.first == NULL && "a waiter was left");
  lk_cond_destroy(&at->cond);
  FN(destroy)(&at->lock);
  at->~place();
  shadow_table::end_all();
}

/* A thread, from its context's making to its end. */
class user {
public:
  user() { RL_VERIFY(FN(ctx_init)(&at->lock, &ctx, NULL)); }
  void finish() { FN(ctx_destroy)(&at->lock, &ctx); }
  void enter() { acquire(&at->lock, &ctx); }
  void leave() { release(&at->lock, &ctx); }

  void take_token(bool may_be_late) {
    enum { DEADLINE_NS = 1000000 }; /* the model's clock may leap beyond that at any look */
    enter();
    if (may_be_late && at->n_tokens(RL_INFO) == 0) FN(cond_wait_until)(&at->lock, &ctx, &at->cond, DEADLINE_NS);
    while (at->n_tokens(RL_INFO) == 0) FN(cond_wait)(&at->lock, &ctx, &at->cond);
    at->n_tokens(RL_INFO) = at->n_tokens(RL_INFO) - 1;
    leave();
  }

  void add_tokens(unsigned n) { at->n_tokens(RL_INFO) = at->n_tokens(RL_INFO) + n; }

private:
  ctx_type ctx;
};

template <unsigned n, bool may_be_late> static void signals(unsigned thread) {
  user self;
  if (thread > 0) {
    self.take_token(may_be_late);
  } else {
    for (unsigned i = 1; i < n; i++) {
      self.enter();
      self.add_tokens(1);
      lk_cond_signal(&at->cond);
      self.leave();
    }
  }
  self.finish();
}

template <unsigned n, bool may_be_late, bool is_outside> static void broadcast(unsigned thread) {
  user self;
  if (thread > 0) {
    self.take_token(may_be_late);
  } else {
    self.enter();
    self.add_tokens(n - 1);
    struct lk_cond_waiter *const taken = is_outside ? lk_cond_take_all(&at->cond) : NULL;
    if (!is_outside) lk_cond_broadcast(&at->cond);
    self.leave();
    lk_cond_wake(taken);
  }
  self.finish();
}

const struct client clients[] = {
    {"signals2", 2, begin, signals<2, false>, end},
    {"signals3", 3, begin, signals<3, false>, end},
    {"late_signals2", 2, begin, signals<2, true>, end},
    {"late_signals3", 3, begin, signals<3, true>, end},
    {"broadcast2", 2, begin, broadcast<2, false, false>, end},
    {"broadcast4", 4, begin, broadcast<4, false, false>, end},
    {"late_broadcast3", 3, begin, broadcast<3, true, false>, end},
    {"late_broadcast4", 4, begin, broadcast<4, true, true>, end},
};
const unsigned n_clients = sizeof clients / sizeof *clients;
