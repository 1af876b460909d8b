// SPDX-License-Identifier: MIT
#include "watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sleep.h"

enum operation { NONE, LOCK, UNLOCK, TRY_LOCK, TIMED_LOCK, LOCK_SHARED, UNLOCK_SHARED, TRY_LOCK_SHARED, N_OPERATIONS };

static const char *const names_of_mutex[N_OPERATIONS] = {
    [LOCK] = "lock", [UNLOCK] = "unlock", [TRY_LOCK] = "trylock", [TIMED_LOCK] = "timedlock"};
static const char *const names_of_rw[N_OPERATIONS] = {
    [LOCK] = "wrlock",        [UNLOCK] = "wrunlock",        [TRY_LOCK] = "trywrlock",
    [LOCK_SHARED] = "rdlock", [UNLOCK_SHARED] = "rdunlock", [TRY_LOCK_SHARED] = "tryrdlock"};

/* One per living thread that has come to the lock; its thread alone writes, but for is_taken. Relaxed throughout: it
   must not order what the lock has to order, and the watchdog looks again and again. */
struct seat {
  _Alignas(LK_LINE_BYTES) _Atomic(bool) is_taken;
  _Atomic(enum operation) runs;
  _Atomic(unsigned long) n_done;
};

enum { N_SEATS = 256, LOOK_US = 50000 };

static struct seat seats[N_SEATS];
static struct seat no_seat; /* of those that find none */
static _Thread_local struct seat *own;
static pthread_key_t on_exit_of_thread;
static const struct lk_ops *watched;
static unsigned patience_s;
static _Atomic(const char *) running; /* the case; NULL: none */

static void give_back(void *seat) {
  atomic_store_explicit(&((struct seat *)seat)->is_taken, false, memory_order_relaxed);
}

static struct seat *take(void) {
  for (struct seat *seat = seats; seat < seats + N_SEATS; seat++) {
    if (atomic_exchange_explicit(&seat->is_taken, true, memory_order_relaxed)) continue;
    pthread_setspecific(on_exit_of_thread, seat);
    return seat;
  }
  return &no_seat;
}

/* An operation, and what it interrupts: one in the handler of a signal may interrupt another. */
struct call {
  struct seat *seat;
  enum operation interrupted;
};

static struct call begin(enum operation operation) {
  if (own == NULL) own = take();
  const struct call call = {own, atomic_load_explicit(&own->runs, memory_order_relaxed)};
  atomic_store_explicit(&own->runs, operation, memory_order_relaxed);
  return call;
}

static void end(struct call call) {
  const unsigned long n = atomic_load_explicit(&call.seat->n_done, memory_order_relaxed);
  atomic_store_explicit(&call.seat->n_done, n + 1, memory_order_relaxed);
  atomic_store_explicit(&call.seat->runs, call.interrupted, memory_order_relaxed);
}

static void lock(void *lock, void *ctx) {
  const struct call call = begin(LOCK);
  watched->lock(lock, ctx);
  end(call);
}

static void unlock(void *lock, void *ctx) {
  const struct call call = begin(UNLOCK);
  watched->unlock(lock, ctx);
  end(call);
}

static bool try_lock(void *lock, void *ctx) {
  const struct call call = begin(TRY_LOCK);
  const bool is_in = watched->try_lock(lock, ctx);
  end(call);
  return is_in;
}

static bool timed_lock(void *lock, void *ctx, uint64_t deadline_ns) {
  const struct call call = begin(TIMED_LOCK);
  const bool is_in = watched->timed_lock(lock, ctx, deadline_ns);
  end(call);
  return is_in;
}

static void lock_shared(void *lock, void *ctx) {
  const struct call call = begin(LOCK_SHARED);
  watched->lock_shared(lock, ctx);
  end(call);
}

static bool unlock_shared(void *lock, void *ctx) {
  const struct call call = begin(UNLOCK_SHARED);
  const bool is_consistent = watched->unlock_shared(lock, ctx);
  end(call);
  return is_consistent;
}

static bool try_lock_shared(void *lock, void *ctx) {
  const struct call call = begin(TRY_LOCK_SHARED);
  const bool is_in = watched->try_lock_shared(lock, ctx);
  end(call);
  return is_in;
}

const struct lk_ops *watchdog_ops(const struct lk_ops *ops) {
  static struct lk_ops watching;
  watched = ops;
  watching = *ops;
  watching.lock = lock;
  watching.unlock = unlock;
  if (ops->try_lock != NULL) watching.try_lock = try_lock;
  if (ops->timed_lock != NULL) watching.timed_lock = timed_lock;
  if (ops->lock_shared != NULL) watching.lock_shared = lock_shared;
  if (ops->unlock_shared != NULL) watching.unlock_shared = unlock_shared;
  if (ops->try_lock_shared != NULL) watching.try_lock_shared = try_lock_shared;
  return &watching;
}

static unsigned long n_done(void) {
  unsigned long n = 0;
  for (unsigned i = 0; i < N_SEATS; i++) n += atomic_load_explicit(&seats[i].n_done, memory_order_relaxed);
  return n;
}

static _Noreturn void tell_and_end(const char *case_name) {
  const char *const *const names = watched->lock_shared != NULL ? names_of_rw : names_of_mutex;
  unsigned n_threads = 0, n_waiting = 0, n_in[N_OPERATIONS] = {0};
  char where[200] = "";
  for (unsigned i = 0; i < N_SEATS; i++) {
    if (!atomic_load_explicit(&seats[i].is_taken, memory_order_relaxed)) continue;
    n_threads++;
    n_in[atomic_load_explicit(&seats[i].runs, memory_order_relaxed)]++;
  }
  for (unsigned i = NONE + 1; i < N_OPERATIONS; i++) {
    n_waiting += n_in[i];
    const size_t n = strlen(where);
    if (n_in[i] > 0) snprintf(where + n, sizeof where - n, "%s%u in %s", n > 0 ? ", " : " (", n_in[i], names[i]);
  }
  fprintf(stderr, "%s: hung: %s: %u of %u threads wait%s, and none has got in for %u s\n", watched->name, case_name,
          n_waiting, n_threads, where[0] != '\0' ? strcat(where, ")") : "", patience_s);
  fflush(NULL);
  _exit(1);
}

/* Counts looks rather than time: when the machine has stood still, the threads had none either. */
static void *watch(void *unused) {
  const char *before = NULL;
  unsigned long n_before = 0, n_looks = 0; /* since something changed */
  for (;; sleep_us(LOOK_US)) {
    const char *const now = atomic_load_explicit(&running, memory_order_relaxed);
    const unsigned long n = n_done();
    n_looks = now == NULL || now != before || n != n_before ? 0 : n_looks + 1;
    before = now;
    n_before = n;
    if (n_looks * LOOK_US > patience_s * 1000000ul) tell_and_end(now);
  }
  return unused;
}

void watchdog_start(unsigned seconds) {
  pthread_t thread;
  patience_s = seconds;
  const int error = pthread_key_create(&on_exit_of_thread, give_back);
  if (error != 0 || pthread_create(&thread, NULL, watch, NULL) != 0) {
    fprintf(stderr, "cannot test: no thread for the watchdog\n");
    exit(2);
  }
  pthread_detach(thread);
}

void watchdog_begin(const char *case_name) { atomic_store_explicit(&running, case_name, memory_order_relaxed); }

void watchdog_end(void) { watchdog_begin(NULL); }
