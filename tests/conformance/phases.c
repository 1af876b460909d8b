// SPDX-License-Identifier: MIT
/*
 * How many phases pass while a writer waits and readers saturate the lock: of a lock that promises a bound
 * (lk_x_writer_phases) it is checked, of the others reported.
 *
 * The account: a phase begins at 0; it ends, and the next begins, when the first section that was asked for in it
 * comes to its end, whatever was inside. So each phase holds a section that was asked for after the one before had
 * ended: n phases are n sections one after the other, however many overlap with them. It counts from the moment at
 * which the writer is known to be in line, and leaves out what cannot be told from outside: it may show fewer phases
 * than there were, never more. A reader leaves when all writers that have come are known to be in line: nothing here
 * depends on the speed of the machine.
 */
#include <stdio.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "sleep.h"

enum { ROUND_MS = 20, N_WRITERS = 2, N_READERS = 3, MAX_WAITS = 16, ENOUGH_PHASES = 16, NOT_KNOWN = -1 };

/* One time that a writer waits; never used again, so that no thread looks at it while it changes. */
struct wait {
  struct line_mark mark;
  _Atomic(long) known_in; /* the phase in which it was known to be in line; set by the first reader that finds so */
};

struct writer {
  _Atomic(struct wait *) current; /* NULL: it does not wait */
  struct wait waits[MAX_WAITS];
  unsigned n_known; /* of its waits */
  long most_phases; /* during one of them */
};

struct account {
  struct client client;
  _Atomic(long) phase;
  _Atomic(unsigned) n_known;   /* waits of all writers */
  _Atomic(unsigned) n_entered; /* writers that have been inside */
  _Atomic(unsigned) n_readers_entered;
  struct writer writers[N_WRITERS];
};

/* Before a section is asked for. Acquire: the asking comes after. */
static long ask(struct account *account) { return atomic_load_explicit(&account->phase, memory_order_acquire); }

/* Inside, at its end. Relaxed: one word, whose changes have an order. */
static void end(struct account *account, long asked_in) {
  atomic_compare_exchange_strong_explicit(&account->phase, &asked_in, asked_in + 1, memory_order_relaxed,
                                          memory_order_relaxed);
}

/* By a reader inside: marks the writers that are in line. Returns whether one has come of which it cannot tell yet. */
static bool look_for_writers(struct account *account) {
  bool is_unsure = false;
  for (unsigned i = 0; i < N_WRITERS; i++) {
    /* Acquire: pairs with the release in write_and_wait. */
    struct wait *wait = atomic_load_explicit(&account->writers[i].current, memory_order_acquire);
    long known_in = NOT_KNOWN;
    if (wait == NULL || atomic_load_explicit(&wait->known_in, memory_order_relaxed) != NOT_KNOWN) continue;
    if (!line_is_in(&wait->mark)) is_unsure = true;
    /* Relaxed: both are words whose changes have an order, and the writer looks when we have given it the lock. */
    else if (atomic_compare_exchange_strong_explicit(&wait->known_in, &known_in,
                                                     atomic_load_explicit(&account->phase, memory_order_relaxed),
                                                     memory_order_relaxed, memory_order_relaxed))
      atomic_fetch_add_explicit(&account->n_known, 1, memory_order_relaxed);
  }
  return is_unsure;
}

/* None has waited yet, but one will. */
static bool is_too_early(struct account *account) {
  return atomic_load_explicit(&account->n_known, memory_order_relaxed) == 0 &&
         atomic_load_explicit(&account->n_entered, memory_order_relaxed) < N_WRITERS;
}

/* A writer still waits that may yet be found to wait for too long. */
static bool is_undecided(struct account *account) {
  for (unsigned i = 0; i < N_WRITERS; i++) {
    struct wait *wait = atomic_load_explicit(&account->writers[i].current, memory_order_acquire); /* as above */
    if (wait == NULL) continue;
    const long known_in = atomic_load_explicit(&wait->known_in, memory_order_relaxed);
    const long phase = atomic_load_explicit(&account->phase, memory_order_relaxed);
    if (known_in != NOT_KNOWN && phase - known_in < ENOUGH_PHASES) return true;
  }
  return false;
}

static void read_and_linger(struct account *account, unsigned index) {
  const struct lk_ops *ops = account->client.ops;
  void *ctx = client_enter(&account->client, index);
  do {
    const long asked_in = ask(account);
    ops->lock_shared(account->client.lock, ctx);
    atomic_fetch_add_explicit(&account->n_readers_entered, 1, memory_order_relaxed);
    do sleep_us(150 + 50 * index); /* of different length, so that there is no moment without a reader */
    while (look_for_writers(account) || is_too_early(account));
    end(account, asked_in);
    (void)ops->unlock_shared(account->client.lock, ctx); /* a reader that would have to retry comes again anyway */
  } while (crowd_may_go_on() || is_undecided(account));
  client_leave(&account->client, ctx);
}

static void write_and_wait(struct account *account, unsigned index) {
  const struct lk_ops *ops = account->client.ops;
  struct writer *writer = &account->writers[index];
  void *ctx = client_enter(&account->client, index);
  while (atomic_load_explicit(&account->n_readers_entered, memory_order_relaxed) == 0) sleep_us(50);
  for (unsigned i = 0; i < MAX_WAITS && (i == 0 || crowd_may_go_on()); i++) {
    struct wait *wait = &writer->waits[i];
    const long asked_in = ask(account);
    line_arrive(&wait->mark, ops);
    /* Release: the arrival comes with it. */
    atomic_store_explicit(&writer->current, wait, memory_order_release);
    ops->lock(account->client.lock, ctx);
    atomic_store_explicit(&writer->current, NULL, memory_order_relaxed);
    if (i == 0) atomic_fetch_add_explicit(&account->n_entered, 1, memory_order_relaxed);
    const long known_in = atomic_load_explicit(&wait->known_in, memory_order_relaxed);
    const long n_phases = atomic_load_explicit(&account->phase, memory_order_relaxed) - known_in;
    if (known_in != NOT_KNOWN) writer->n_known++;
    if (known_in != NOT_KNOWN && n_phases > writer->most_phases) writer->most_phases = n_phases;
    end(account, asked_in);
    ops->unlock(account->client.lock, ctx);
  }
  client_leave(&account->client, ctx);
}

static unsigned long take_part(unsigned index, void *account) {
  (index < N_WRITERS ? write_and_wait : read_and_linger)(account, index);
  return 0;
}

static void phases_while_a_writer_waits(const struct lk_ops *ops) {
  static struct account account;
  long most_phases = 0;
  unsigned n_known = 0;
  for (unsigned i = 0; i < N_WRITERS; i++)
    for (unsigned k = 0; k < MAX_WAITS; k++) atomic_init(&account.writers[i].waits[k].known_in, NOT_KNOWN);
  account.client = client_make(ops, N_WRITERS + N_READERS);
  check_about("%s: phases", ops->name);
  crowd_run(N_WRITERS + N_READERS, ROUND_MS, take_part, &account);
  client_unmake(&account.client);
  for (unsigned i = 0; i < N_WRITERS; i++) {
    n_known += account.writers[i].n_known;
    if (account.writers[i].most_phases > most_phases) most_phases = account.writers[i].most_phases;
  }
  printf("  at most %ld phases passed in %u waits of writers\n", most_phases, n_known);
  if (ops->writer_phases == 0) return;
  CHECK(n_known > 0);
  check_that(most_phases <= (long)ops->writer_phases, __FILE__, __LINE__,
             "a writer waited for %ld phases, %u are promised", most_phases, ops->writer_phases);
}

const struct conformance_case conformance_phases[] = {
    {"phases", phases_while_a_writer_waits},
    {NULL, NULL},
};
