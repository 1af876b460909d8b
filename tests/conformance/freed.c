// SPDX-License-Identifier: MIT
/*
 * A lock with LK_FREED_BY_LAST may be freed by the last to unlock it, while others have not returned from unlock. So
 * one thread's unlock is stopped behind each of its instructions in turn, until the other threads have come and left
 * and the last of them has destroyed and freed the lock, as far as they get; then it goes on, and must not touch what
 * is freed. Contexts are freed by their threads as soon as these have unlocked.
 *
 * No clock is looked at to say that the others do not get any further: each of them sleeps, or has spun for a
 * millisecond since the stop. A round may so stop for less than it could, which never fails a lock that is right.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "sleep.h"
#include "step.h"

enum { MAX_OTHERS = 2, MAX_STEPS = 1000, MAX_PASSES = 10, PATIENCE_S = 20, NAP_US = 1000 };

enum phase { ABSENT, ASKS, INSIDE, LEAVES, GONE };

/* What the threads do. Of the readers among them one at most can be the last: it then knows that it is alone. */
struct scenario {
  bool owner_shares;
  unsigned n_others;
  struct {
    bool shares, comes_late; /* not before the owner has been stopped */
  } others[MAX_OTHERS];
};

struct person {
  struct round *round;
  pthread_t thread;
  unsigned index;
  bool shares;
  struct line_mark asking, leaving;
  _Atomic(enum phase) phase; /* release and acquire: the round's data comes with it */
};

struct round {
  struct client client;
  _Atomic(unsigned) n_references;
  struct person owner, others[MAX_OTHERS];
  unsigned step;   /* behind which instruction of its unlock the owner stops */
  bool is_patient; /* who sleeps may have a nap, which ends by itself */
  _Atomic(bool) may_unlock, may_leave, is_stopped, may_go_on; /* likewise */
};

/* What that process ends with. */
enum verdict { ENDED, WROTE, WENT_ON };

/* What the process that runs the rounds tells the one that waits for it. */
struct progress {
  _Atomic(unsigned) step;
  _Atomic(unsigned) n_freed; /* rounds in which the lock was freed while the owner was stopped */
};

static void set(_Atomic(bool) *flag) { atomic_store_explicit(flag, true, memory_order_release); }

static bool is_set(_Atomic(bool) *flag) { return atomic_load_explicit(flag, memory_order_acquire); }

static void wait_for(_Atomic(bool) *flag) {
  while (!is_set(flag)) sleep_us(10);
}

static void enter_phase(struct person *person, enum phase phase) {
  atomic_store_explicit(&person->phase, phase, memory_order_release);
}

static enum phase phase_of(struct person *person) { return atomic_load_explicit(&person->phase, memory_order_acquire); }

static void stop(void *argument) {
  struct round *round = argument;
  set(&round->is_stopped);
  wait_for(&round->may_go_on);
}

static void *take_part(void *argument) {
  struct person *person = argument;
  struct round *round = person->round;
  const struct lk_ops *ops = round->client.ops;
  const bool is_owner = person == &round->owner;
  void *ctx = client_enter(&round->client, person->index);
  line_arrive(&person->asking, ops);
  enter_phase(person, ASKS);
  (person->shares ? ops->lock_shared : ops->lock)(round->client.lock, ctx);
  line_leave(&person->asking);
  enter_phase(person, INSIDE);
  wait_for(is_owner ? &round->may_unlock : &round->may_leave);
  /* Acquire and release: the last has seen what the others did. */
  const bool is_last = atomic_fetch_sub_explicit(&round->n_references, 1, memory_order_acq_rel) == 1;
  line_arrive(&person->leaving, ops);
  enter_phase(person, LEAVES);
  if (is_owner) step_begin(round->step, stop, round);
  if (person->shares)
    (void)ops->unlock_shared(round->client.lock, ctx);
  else
    ops->unlock(round->client.lock, ctx);
  if (is_owner) step_end();
  line_leave(&person->leaving);
  client_leave(&round->client, ctx);
  if (is_last) client_unmake(&round->client);
  enter_phase(person, GONE);
  return NULL;
}

static void start(struct person *person) {
  if (pthread_create(&person->thread, NULL, take_part, person) != 0) _exit(2);
}

/* Cannot get any further, as far as can be told. */
static bool is_stuck(struct person *person) {
  const enum phase phase = phase_of(person);
  return (phase == ASKS && line_is_in(&person->asking)) || (phase == LEAVES && line_is_in(&person->leaving));
}

static void prepare(struct round *round, const struct lk_ops *ops, const struct scenario *scenario, unsigned step,
                    bool is_patient) {
  memset(round, 0, sizeof *round);
  round->client = client_make(ops, 1 + scenario->n_others);
  round->step = step;
  round->is_patient = is_patient;
  atomic_init(&round->n_references, 1 + scenario->n_others);
  round->owner = (struct person){.round = round, .shares = scenario->owner_shares};
  for (unsigned i = 0; i < scenario->n_others; i++)
    round->others[i] = (struct person){.round = round, .index = 2 - i, .shares = scenario->others[i].shares};
}

/* How far the others have come, in phases of all of them. */
static unsigned progress_of(struct round *round, unsigned n_others) {
  unsigned n = 0;
  for (unsigned i = 0; i < n_others; i++) n += phase_of(&round->others[i]);
  return n;
}

/*
 * Waits until each of the others is gone or stuck; returns whether all are gone. Whenever one gets on, all have another
 * chance: it may be what the rest was waiting for.
 */
static bool wait_for_others(struct round *round, unsigned n_others) {
  unsigned progress = UINT_MAX, n_stuck;
  do {
    const unsigned before = progress;
    progress = progress_of(round, n_others);
    n_stuck = 0;
    for (unsigned i = 0; i < n_others; i++) {
      struct person *const other = &round->others[i];
      if (progress != before) line_begin_again(&other->asking);
      if (progress != before) line_begin_again(&other->leaving);
      n_stuck += phase_of(other) == GONE || is_stuck(other);
    }
    if (n_stuck < n_others) sleep_us(10);
  } while (n_stuck < n_others || progress != progress_of(round, n_others));
  return progress == n_others * GONE;
}

/* Lets the others do what they can; returns whether all of them are gone. */
static bool let_others_go(struct round *round, const struct scenario *scenario) {
  set(&round->may_leave);
  for (unsigned i = 0; i < scenario->n_others; i++)
    if (scenario->others[i].comes_late) start(&round->others[i]);
  if (wait_for_others(round, scenario->n_others)) return true;
  if (!round->is_patient) return false;
  sleep_us(NAP_US);
  return wait_for_others(round, scenario->n_others);
}

/* False: the owner's unlock has fewer instructions than `step`. */
static bool play(const struct lk_ops *ops, const struct scenario *scenario, unsigned step, bool is_patient,
                 struct progress *progress) {
  static struct round round;
  prepare(&round, ops, scenario, step, is_patient);
  start(&round.owner);
  while (phase_of(&round.owner) != INSIDE) sleep_us(10);
  for (unsigned i = 0; i < scenario->n_others; i++) {
    struct person *const other = &round.others[i];
    if (scenario->others[i].comes_late) continue;
    start(other);
    while (phase_of(other) != INSIDE && !is_stuck(other)) sleep_us(10);
  }
  set(&round.may_unlock);
  while (!is_set(&round.is_stopped) && phase_of(&round.owner) != GONE) sleep_us(10);
  const bool has_stopped = is_set(&round.is_stopped);
  const bool are_gone = let_others_go(&round, scenario);
  if (has_stopped && are_gone) atomic_fetch_add_explicit(&progress->n_freed, 1, memory_order_relaxed);
  set(&round.may_go_on);
  pthread_join(round.owner.thread, NULL);
  for (unsigned i = 0; i < scenario->n_others; i++) pthread_join(round.others[i].thread, NULL);
  return has_stopped;
}

/* Each step once. False: not until the end of unlock. */
static bool play_steps(const struct lk_ops *ops, const struct scenario *scenario, enum arena_mode mode, bool is_patient,
                       struct progress *progress) {
  for (unsigned step = 1; step < MAX_STEPS; step++) {
    atomic_store_explicit(&progress->step, step, memory_order_relaxed);
    alarm(PATIENCE_S); /* of one round */
    arena_begin(mode);
    const bool was_there = play(ops, scenario, step, is_patient, progress);
    if (!arena_end()) _exit(WROTE);
    if (!was_there) return true;
  }
  return false;
}

/*
 * In a process of its own. An unlock that looks at the clock (mcs_tp) takes another way through its instructions in
 * each round, and can be at its end before any round was stopped behind the step that lets the others in: then all
 * again. Then we are patient, too: a waiter that naps (relay) sleeps, but will go on by itself.
 */
static _Noreturn void play_all(const struct lk_ops *ops, const struct scenario *scenario, enum arena_mode mode,
                               struct progress *progress) {
  for (unsigned pass = 0; pass < MAX_PASSES; pass++) {
    if (!play_steps(ops, scenario, mode, pass > 0, progress)) _exit(WENT_ON);
    if (atomic_load_explicit(&progress->n_freed, memory_order_relaxed) > 0) break;
  }
  _exit(ENDED);
}

static const char *name_of(bool shares) { return shares ? "reader" : "writer"; }

static void judge(int status, const struct progress *progress) {
  const unsigned step = atomic_load_explicit(&progress->step, memory_order_relaxed);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  if (signal == SIGALRM)
    check_that(false, __FILE__, __LINE__, "stopped behind instruction %u, unlock or a waiter hangs", step);
  else if (signal != 0)
    check_that(false, __FILE__, __LINE__, "stopped behind instruction %u, unlock touches the freed lock: signal %d",
               step, signal);
  else
    check_that(WEXITSTATUS(status) == ENDED, __FILE__, __LINE__, "stopped behind instruction %u, unlock %s", step,
               WEXITSTATUS(status) == WENT_ON ? "does not end" : "writes to the freed lock");
  if (status == 0) CHECK(atomic_load_explicit(&progress->n_freed, memory_order_relaxed) > 0);
}

static void check_scenario(const struct lk_ops *ops, const struct scenario *scenario) {
  struct progress *progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!CHECK(progress != MAP_FAILED)) return;
  char text[100] = "";
  for (unsigned i = 0; i < scenario->n_others; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), ", %s %s", name_of(scenario->others[i].shares),
             scenario->others[i].comes_late ? "late" : "in line");
  const enum arena_mode last = conformance_is_short ? ARENA_PROTECTS : ARENA_OVERWRITES;
  for (enum arena_mode mode = ARENA_PROTECTS; mode <= last; mode++) {
    check_about("%s: freed by the last: %s unlocks%s, freed memory is %s", ops->name, name_of(scenario->owner_shares),
                text, mode == ARENA_PROTECTS ? "protected" : "overwritten");
    memset(progress, 0, sizeof *progress);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) play_all(ops, scenario, mode, progress);
    int status = 0;
    if (CHECK(child > 0) && CHECK(waitpid(child, &status, 0) == child)) judge(status, progress);
  }
  munmap(progress, sizeof *progress);
}

static void freed_by_the_last(const struct lk_ops *ops) {
  if (!(ops->traits & LK_FREED_BY_LAST)) {
    printf("  it must stay alive until unlock has returned\n");
    return;
  }
  if (step_why_not() != NULL) {
    printf("  skipped: %s\n", step_why_not());
    return;
  }
  const bool is_rw = ops->lock_shared != NULL;
  for (unsigned kind = 0; kind < (is_rw ? 4 : 1); kind++) { /* which is a reader: the owner, the first other */
    const bool owner_shares = kind & 1, other_shares = kind & 2;
    for (unsigned n_late = 0; n_late < 2; n_late++) {
      struct scenario scenario = {.owner_shares = owner_shares, .n_others = 1};
      scenario.others[0].shares = other_shares;
      scenario.others[0].comes_late = n_late == 1;
      if (!(owner_shares && other_shares)) check_scenario(ops, &scenario); /* neither would know that it is alone */
    }
    for (unsigned late = 0; late < 4; late++) {
      struct scenario scenario = {.owner_shares = owner_shares, .n_others = 2};
      scenario.others[0].shares = other_shares;
      scenario.others[0].comes_late = late & 1;
      scenario.others[1].comes_late = late & 2;
      if (other_shares || late != 1) check_scenario(ops, &scenario); /* two writers: either one first is the same */
    }
  }
}

const struct conformance_case conformance_freed[] = {
    {"freed-by-last", freed_by_the_last},
    {NULL, NULL},
};
