// SPDX-License-Identifier: MIT
/*
 * lines [LOCK]: what unlock touches must not lie on a line for whose other bytes arrivals take it away: the owner would
 * fetch it at each hand-off, for nothing (`anderson` and `hapax` once did, and took half again as long). Of each lock,
 * one thread is inside and two wait; as one after the other leaves it is noted which bytes its unlock touches, and
 * which the arrivals of the others wrote. A line is told if unlock touches it and none of the bytes that they wrote
 * there: where it does, by those bytes the threads talk, and the line has to move.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../conformance/crowd.h"
#include "../conformance/line.h"
#include "check.h"
#include "sleep.h"
#include "watch.h"

/* Where it is right that it does, and why. */
static const struct {
  const char *lock, *reason;
  bool is_rare; /* only if threads are slow enough: it may not show */
} exceptions[] = {
    {"ticket", "both counters share a line, as in the paper: an arrival that finds it free fetches one", false},
    {"ticket_prop", "as ticket", false},
    {"twa", "as ticket: the paper's lock is two words", false},
    {"cohort", "its global lock is a ticket, which arrivals take once in a turn of their domain", false},
    {"k42", "the lock is the owner's node, with the tail beside it as in its source: it has no context to put it into",
     false},
    {"rw_ticket", "both counters share a line, as in the paper: a reader would else fetch two for a section", false},
    {"rw_phasefair", "all is on one line: a reader would else fetch two for a section", false},
    {"rw_bravo", "the lock below is rw_phasefair", false},
    {"mcs_tp", "the time of the last grant lies beside the tail; what a line of its own is worth has not been measured",
     true},
};

enum { N_PERSONS = 3, PATIENCE_S = 60 };

enum phase { ABSENT, ASKS, INSIDE, GONE };

struct person {
  struct round *round;
  pthread_t thread;
  unsigned index;
  bool shares;
  void *ctx;
  struct line_mark asking;
  struct watch arriving, leaving;
  _Atomic(enum phase) phase; /* release and acquire: what is noted comes with it */
  _Atomic(bool) may_leave;
};

struct round {
  struct client client;
  struct person persons[N_PERSONS];
};

static enum phase phase_of(struct person *person) { return atomic_load_explicit(&person->phase, memory_order_acquire); }

static void enter_phase(struct person *person, enum phase phase) {
  atomic_store_explicit(&person->phase, phase, memory_order_release);
}

static void *take_part(void *argument) {
  struct person *person = argument;
  const struct lk_ops *ops = person->round->client.ops;
  void *const lock = person->round->client.lock;
  line_arrive(&person->asking, ops);
  enter_phase(person, ASKS);
  watch_begin(&person->arriving);
  (person->shares ? ops->lock_shared : ops->lock)(lock, person->ctx);
  watch_begin(NULL);
  line_leave(&person->asking);
  enter_phase(person, INSIDE);
  while (!atomic_load_explicit(&person->may_leave, memory_order_acquire)) sleep_us(10);
  watch_begin(&person->leaving);
  if (person->shares)
    (void)ops->unlock_shared(lock, person->ctx); /* reads that have to be done again are of no use here */
  else
    ops->unlock(lock, person->ctx);
  watch_begin(NULL);
  enter_phase(person, GONE);
  return NULL;
}

/* On lines of its own, as lk.h asks for. */
static void *take_lines(size_t n_bytes) {
  return take_memory((n_bytes / LK_LINE_BYTES + 1) * LK_LINE_BYTES, LK_LINE_BYTES);
}

static void start(struct round *round, unsigned index, bool shares) {
  struct person *const person = &round->persons[index];
  const struct lk_ops *const ops = round->client.ops;
  const struct lk_domain domain = {{index, index % 2, index % 2, 0}};
  *person = (struct person){.round = round, .index = index, .shares = shares, .ctx = take_lines(ops->ctx_bytes)};
  if (!ops->ctx_init(round->client.lock, person->ctx, &domain) ||
      pthread_create(&person->thread, NULL, take_part, person) != 0)
    exit(2);
  while (phase_of(person) != INSIDE && !line_is_in(&person->asking)) sleep_us(10);
}

static void let_all_leave(struct round *round) {
  for (unsigned i = 0; i < N_PERSONS; i++) watch_close(&round->persons[i].arriving);
  for (unsigned n_gone = 0; n_gone < N_PERSONS;) {
    for (unsigned i = 0; i < N_PERSONS; i++) {
      struct person *const person = &round->persons[i];
      if (phase_of(person) != INSIDE) continue;
      atomic_store_explicit(&person->may_leave, true, memory_order_release);
      while (phase_of(person) != GONE) sleep_us(10);
      n_gone++;
    }
    sleep_us(10);
  }
  for (unsigned i = 0; i < N_PERSONS; i++) pthread_join(round->persons[i].thread, NULL);
}

/* What of the line the arrivals of all but this person wrote; false: nothing. */
static bool written_by_others(const struct round *round, unsigned leaver, uintptr_t address, bool *written) {
  bool is_any = false;
  memset(written, 0, LK_LINE_BYTES * sizeof *written);
  for (unsigned i = 0; i < N_PERSONS; i++) {
    const struct watch_line *line = i == leaver ? NULL : watch_find(&round->persons[i].arriving, address);
    for (unsigned byte = 0; line != NULL && byte < LK_LINE_BYTES; byte++)
      if (line->bytes[byte] & WATCH_WROTE) is_any = written[byte] = true;
  }
  return is_any;
}

/* Prints the bytes as "name+from..to" of what they belong to, as far as that is known. */
static void print_bytes(const struct round *round, uintptr_t first, uintptr_t last) {
  const uintptr_t lock = (uintptr_t)round->client.lock;
  if (first >= lock && first < lock + round->client.ops->lock_bytes) {
    printf(" lock+%ju..%ju", (uintmax_t)(first - lock), (uintmax_t)(last - lock));
    return;
  }
  for (unsigned i = 0; i < N_PERSONS; i++) {
    const uintptr_t ctx = (uintptr_t)round->persons[i].ctx;
    if (first < ctx || first >= ctx + round->client.ops->ctx_bytes) continue;
    printf(" ctx+%ju..%ju", (uintmax_t)(first - ctx), (uintmax_t)(last - ctx));
    return;
  }
  printf(" line+%ju..%ju", (uintmax_t)(first % LK_LINE_BYTES), (uintmax_t)(last % LK_LINE_BYTES));
}

/* Those of the line for which is_it[] holds, in runs. */
static void print_runs(const struct round *round, uintptr_t address, const bool *is_it) {
  for (unsigned i = 0, end; i < LK_LINE_BYTES; i = end + 1) {
    for (end = i; end < LK_LINE_BYTES && is_it[end]; end++) continue;
    if (end > i) print_bytes(round, address + i, address + end - 1);
  }
}

/* Whether that line of an unlock is fetched for nothing; where nobody said that this is right, says so. */
static bool is_in_vain(const struct round *round, const struct person *leaver, const struct watch_line *line,
                       const char *reason) {
  bool written[LK_LINE_BYTES], touched[LK_LINE_BYTES];
  if (!written_by_others(round, leaver->index, line->address, written)) return false;
  for (unsigned i = 0; i < LK_LINE_BYTES; i++) {
    touched[i] = line->bytes[i] != 0;
    if (touched[i] && written[i]) return false;
  }
  if (reason != NULL) return true;
  printf("%s: unlock of a %s touches", round->client.ops->name, leaver->shares ? "reader" : "writer");
  print_runs(round, line->address, touched);
  printf(", arrivals write on that line");
  print_runs(round, line->address, written);
  printf("\n");
  return true;
}

/* How many lines are fetched in vain by somebody's unlock. */
static unsigned play(const struct lk_ops *ops, const bool *shares, const char *reason) {
  static struct round round;
  unsigned n = 0;
  round.client =
      (struct client){.ops = ops, .config = lk_config_default(N_PERSONS, 4), .lock = take_lines(ops->lock_bytes)};
  memcpy(round.client.config.n_domains, (const unsigned[LK_N_LEVELS]){4, 2, 2, 1},
         sizeof round.client.config.n_domains);
  if (!ops->init(round.client.lock, &round.client.config)) exit(2);
  for (unsigned i = 0; i < N_PERSONS; i++) start(&round, i, shares[i]);
  let_all_leave(&round);
  for (unsigned i = 0; i < N_PERSONS; i++) {
    const struct person *const person = &round.persons[i];
    if (!CHECK(person->arriving.n_lines > 0 && person->leaving.n_lines > 0)) continue; /* it is watched at all */
    for (unsigned line = 0; line < person->leaving.n_lines; line++)
      n += is_in_vain(&round, person, &person->leaving.lines[line], reason);
  }
  for (unsigned i = 0; i < N_PERSONS; i++) {
    ops->ctx_destroy(round.client.lock, round.persons[i].ctx);
    free(round.persons[i].ctx);
  }
  ops->destroy(round.client.lock);
  free(round.client.lock);
  return n;
}

static void check_lock(const struct lk_ops *ops) {
  const char *reason = NULL;
  bool may_not_show = false;
  unsigned n = 0;
  check_about("%s", ops->name);
  for (unsigned i = 0; i < sizeof exceptions / sizeof *exceptions; i++) {
    if (strcmp(exceptions[i].lock, ops->name) != 0) continue;
    reason = exceptions[i].reason;
    may_not_show = exceptions[i].is_rare;
    printf("%s: that is right: %s\n", ops->name, reason);
  }
  alarm(PATIENCE_S);
  for (unsigned kinds = 0; kinds < (ops->lock_shared != NULL ? 1u << N_PERSONS : 1); kinds++)
    n += play(ops, (const bool[N_PERSONS]){kinds & 1, kinds & 2, kinds & 4}, reason);
  if (reason == NULL)
    check_that(n == 0, __FILE__, __LINE__, "unlock fetches a line in vain; put what it touches on another");
  else
    check_that(n > 0 || may_not_show, __FILE__, __LINE__, "its exception is out of date: '%s'", reason);
}

int main(int n_arguments, char **arguments) {
  const struct lk_ops *const only = n_arguments == 2 ? registry_find(arguments[1]) : NULL;
  if (n_arguments > 2 || (n_arguments == 2 && only == NULL)) {
    fprintf(stderr, "usage: lines [LOCK]\n");
    return 2;
  }
  if (only != NULL) check_lock(only);
  for (unsigned i = 0; only == NULL && registry[i] != NULL; i++)
    if (strncmp(registry[i]->name, "test_", 5) != 0) check_lock(registry[i]);
  return check_result();
}
