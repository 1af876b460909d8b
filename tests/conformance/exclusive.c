// SPDX-License-Identifier: MIT
/* What lk.h promises of lock, try_lock and unlock, asked of one lock by threads that try to catch it out. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "sleep.h"

enum { N_WORDS = 8 };

/* A lock with what it protects: plain memory, which only the lock keeps right. */
struct room {
  struct client client;
  unsigned long n_sections;
  unsigned n_inside;
  struct {
    _Alignas(LK_LINE_BYTES) unsigned long value;
  } words[N_WORDS];            /* all equal whenever none is inside */
  _Atomic(bool) has_two;       /* threads inside at once */
  _Atomic(bool) has_torn;      /* words: not all were what one thread had written */
  _Atomic(bool) changes_errno; /* in any operation */
};

static struct room *room_make(const struct lk_ops *ops, unsigned n_threads) {
  struct room *room = take_memory(sizeof *room, _Alignof(struct room));
  memset(room, 0, sizeof *room);
  room->client = client_make(ops, n_threads);
  return room;
}

static void room_unmake(struct room *room) {
  client_unmake(&room->client);
  free(room);
}

/* Relaxed: says only that the test has failed. */
static void set(_Atomic(bool) *fault) { atomic_store_explicit(fault, true, memory_order_relaxed); }
static bool is_set(_Atomic(bool) *fault) { return atomic_load_explicit(fault, memory_order_relaxed); }

/* Reads, waits, writes: two that are inside at once lose an addition. Some give up their CPU while they are inside. */
static void add_one(struct room *room, unsigned long round) {
  const unsigned long n = room->n_sections;
  if (room->n_inside++ != 0) set(&room->has_two);
  crowd_linger(round % 32);
  if (round % 256 == 0) sched_yield();
  if (--room->n_inside != 0) set(&room->has_two);
  room->n_sections = n + 1;
}

/* One line, whatever two threads that are inside at once leave behind. */
static bool check_excluded(struct room *room, unsigned long n_done, unsigned long n_found) {
  const bool has_two = is_set(&room->has_two);
  return check_that(!has_two && !is_set(&room->has_torn) && n_found == n_done, __FILE__, __LINE__,
                    "two threads were inside at once%s: of %lu sections %lu left a trace",
                    has_two ? "" : ", or one did not see what the last one wrote", n_done, n_found);
}

static bool check_room(struct room *room, unsigned long n_done) {
  return check_excluded(room, n_done, room->n_sections);
}

/* Until told to stop; leaves with ctx. Returns how often. */
static unsigned long add_with(struct room *room, void *ctx) {
  const struct lk_ops *ops = room->client.ops;
  unsigned long n = 0;
  for (; crowd_may_go_on(); n++) {
    ops->lock(room->client.lock, ctx);
    add_one(room, n);
    ops->unlock(room->client.lock, ctx);
  }
  client_leave(&room->client, ctx);
  return n;
}

static unsigned long add_until_told(unsigned index, void *argument) {
  struct room *room = argument;
  return add_with(room, client_enter(&room->client, index));
}

static void exclusion(const struct lk_ops *ops) {
  for (unsigned n_threads = 1; n_threads <= conformance_max_threads; n_threads *= 2) {
    struct room *room = room_make(ops, n_threads);
    check_about("%s: exclusion of %u threads", ops->name, n_threads);
    const unsigned long n = crowd_run(n_threads, conformance_round_ms, add_until_told, room);
    CHECK(n > 0);
    const bool is_right = check_room(room, n);
    room_unmake(room);
    if (!is_right) return; /* more threads would only say it again */
  }
}

/* All that the last owner wrote is there, on whatever line it is. */
static unsigned long change_all_words(unsigned index, void *argument) {
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  void *ctx = client_enter(&room->client, index);
  unsigned long n = 0;
  for (; crowd_may_go_on(); n++) {
    ops->lock(room->client.lock, ctx);
    const unsigned long value = room->words[0].value;
    if (room->n_inside++ != 0) set(&room->has_two);
    if (n % 256 == 0) sched_yield();
    for (unsigned i = 1; i < N_WORDS; i++)
      if (room->words[i].value != value) set(&room->has_torn);
    for (unsigned i = 0; i < N_WORDS; i++) room->words[i].value = value + 1;
    if (--room->n_inside != 0) set(&room->has_two);
    ops->unlock(room->client.lock, ctx);
  }
  client_leave(&room->client, ctx);
  return n;
}

static void visibility(const struct lk_ops *ops) {
  enum { N_THREADS = 4 };
  struct room *room = room_make(ops, N_THREADS);
  check_about("%s: visibility", ops->name);
  const unsigned long n = crowd_run(N_THREADS, conformance_round_ms, change_all_words, room);
  unsigned long n_least = n;
  for (unsigned i = 0; i < N_WORDS; i++)
    if (room->words[i].value < n_least) n_least = room->words[i].value;
  check_excluded(room, n, n_least);
  room_unmake(room);
}

/* A thread that tries once, and lets go if it got in; returns whether it did. */
struct attempt {
  const struct client *client;
  bool has_entered;
};

static void *try_once(void *argument) {
  struct attempt *attempt = argument;
  const struct lk_ops *ops = attempt->client->ops;
  void *ctx = client_enter(attempt->client, 1);
  attempt->has_entered = ops->try_lock(attempt->client->lock, ctx);
  if (attempt->has_entered) ops->unlock(attempt->client->lock, ctx);
  client_leave(attempt->client, ctx);
  return NULL;
}

static bool another_can_enter(const struct client *client) {
  struct attempt attempt = {.client = client};
  pthread_t thread;
  if (!CHECK(pthread_create(&thread, NULL, try_once, &attempt) == 0)) return false;
  pthread_join(thread, NULL);
  return attempt.has_entered;
}

static bool keeps_others_out(const struct client *client) {
  return check_that(!another_can_enter(client), __FILE__, __LINE__,
                    "two threads were inside at once: the second by trylock");
}

static void try_lock_tells_whether_it_is_free(const struct lk_ops *ops) {
  if (ops->try_lock == NULL) return;
  struct client client = client_make(ops, 2);
  void *ctx = client_enter(&client, 0);
  check_about("%s: try_lock alone", ops->name);
  for (unsigned round = 0; round < 3; round++) {
    CHECK(another_can_enter(&client));
    ops->lock(client.lock, ctx);
    if (keeps_others_out(&client)) keeps_others_out(&client); /* a try in vain leaves nothing behind */
    ops->unlock(client.lock, ctx);
    CHECK(another_can_enter(&client));
    if (CHECK(ops->try_lock(client.lock, ctx))) {
      keeps_others_out(&client);
      ops->unlock(client.lock, ctx);
    }
  }
  client_leave(&client, ctx);
  client_unmake(&client);
}

/* Every third entry is by lock: the two ways in must know of each other. */
static unsigned long try_until_told(unsigned index, void *argument) {
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  void *ctx = client_enter(&room->client, index);
  unsigned long n = 0;
  for (unsigned long round = index; crowd_may_go_on(); round++) {
    if (round % 3 == 0)
      ops->lock(room->client.lock, ctx);
    else if (!ops->try_lock(room->client.lock, ctx))
      continue;
    add_one(room, n++);
    ops->unlock(room->client.lock, ctx);
  }
  client_leave(&room->client, ctx);
  return n;
}

static void try_lock_excludes(const struct lk_ops *ops) {
  enum { N_THREADS = 4 };
  if (ops->try_lock == NULL) return;
  struct room *room = room_make(ops, N_THREADS);
  check_about("%s: try_lock and lock together", ops->name);
  const unsigned long n = crowd_run(N_THREADS, conformance_round_ms, try_until_told, room);
  CHECK(n > 0);
  check_room(room, n);
  room_unmake(room);
}

enum { N_NESTED = 3 };

/* Takes all locks in their order; gives them back in the opposite order, or in the same, or from the middle. */
static unsigned long nest_until_told(unsigned index, void *argument) {
  static const unsigned orders[][N_NESTED] = {{2, 1, 0}, {0, 1, 2}, {1, 2, 0}};
  struct room **rooms = argument;
  const struct lk_ops *ops = rooms[0]->client.ops;
  void *contexts[N_NESTED];
  unsigned long n = 0;
  for (unsigned i = 0; i < N_NESTED; i++) contexts[i] = client_enter(&rooms[i]->client, index);
  for (; crowd_may_go_on(); n++) {
    for (unsigned i = 0; i < N_NESTED; i++) {
      ops->lock(rooms[i]->client.lock, contexts[i]);
      add_one(rooms[i], n);
    }
    for (unsigned i = 0; i < N_NESTED; i++) {
      const unsigned which = orders[n % 3][i];
      ops->unlock(rooms[which]->client.lock, contexts[which]);
    }
  }
  for (unsigned i = 0; i < N_NESTED; i++) client_leave(&rooms[i]->client, contexts[i]);
  return n;
}

static void several_locks_at_once(const struct lk_ops *ops) {
  enum { N_THREADS = 3 };
  struct room *rooms[N_NESTED];
  for (unsigned i = 0; i < N_NESTED; i++) rooms[i] = room_make(ops, N_THREADS);
  check_about("%s: %u locks held at once", ops->name, N_NESTED);
  const unsigned long n = crowd_run(N_THREADS, conformance_round_ms, nest_until_told, rooms);
  CHECK(n > 0);
  for (unsigned i = 0; i < N_NESTED; i++) {
    check_room(rooms[i], n);
    room_unmake(rooms[i]);
  }
}

/* Threads that do not say where they run. */
static unsigned long add_from_anywhere(unsigned index, void *argument) {
  struct room *room = argument;
  (void)index;
  return add_with(room, client_enter_at(&room->client, NULL));
}

static void domains_may_be_unknown(const struct lk_ops *ops) {
  enum { N_THREADS = 3 };
  struct room *room = room_make(ops, N_THREADS);
  check_about("%s: NULL for a domain", ops->name);
  check_room(room, crowd_run(N_THREADS, conformance_round_ms, add_from_anywhere, room));
  room_unmake(room);
}

/*
 * Under contention, so that a lock that parks sees its system calls fail: each stays inside for a while, so that there
 * are waiters when the crowd is told to stop and signals interrupt them.
 */
static unsigned long watch_errno(unsigned index, void *argument) {
  enum { STAY_US = 200 };
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  void *ctx = client_enter(&room->client, index);
  unsigned long n = 0;
  for (; crowd_may_go_on(); n++) {
    errno = EDOM;
    ops->lock(room->client.lock, ctx);
    if (errno != EDOM) set(&room->changes_errno);
    add_one(room, n);
    sleep_us(STAY_US);
    errno = EDOM; /* the sleep's may have been another */
    ops->unlock(room->client.lock, ctx);
    if (errno != EDOM) set(&room->changes_errno);
    if (ops->try_lock != NULL && ops->try_lock(room->client.lock, ctx)) ops->unlock(room->client.lock, ctx);
    if (errno != EDOM) set(&room->changes_errno);
    if (ops->timed_lock != NULL && ops->timed_lock(room->client.lock, ctx, 1)) ops->unlock(room->client.lock, ctx);
    if (errno != EDOM) set(&room->changes_errno);
  }
  client_leave(&room->client, ctx);
  return n;
}

/* A peer has a word of its own. */
static void errno_is_kept(const struct lk_ops *ops) {
  enum { N_THREADS = 4 };
  if (ops->traits & LK_PEER) return;
  struct room *room = room_make(ops, N_THREADS);
  check_about("%s: errno after lock, trylock, timedlock and unlock", ops->name);
  check_room(room, crowd_run(N_THREADS, conformance_round_ms, watch_errno, room));
  check_that(!is_set(&room->changes_errno), __FILE__, __LINE__,
             "errno is changed: keep it around what may set it, as lk_wait.h does");
  room_unmake(room);
}

/* Contexts that come and go while others wait: their memory is given back at once, for a sanitizer to guard. */
static unsigned long come_and_go(unsigned index, void *argument) {
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  unsigned long n = 0;
  while (crowd_may_go_on()) {
    void *ctx = client_enter(&room->client, index);
    /* Some are never used, but not thread 0's first, which may be the only one on a loaded machine. */
    const unsigned long n_uses = (n + index + 1) % 4;
    for (unsigned long i = 0; i < n_uses; i++) {
      ops->lock(room->client.lock, ctx);
      add_one(room, n);
      ops->unlock(room->client.lock, ctx);
    }
    n++;
    client_leave(&room->client, ctx);
  }
  return n;
}

static void contexts_come_and_go(const struct lk_ops *ops) {
  enum { N_THREADS = 4 };
  struct room *room = room_make(ops, N_THREADS);
  check_about("%s: contexts come and go", ops->name);
  crowd_run(N_THREADS, conformance_round_ms, come_and_go, room);
  CHECK(room->n_sections > 0);
  check_room(room, room->n_sections);
  room_unmake(room);
}

/* In a process of its own, which the alarm ends if it waits; returns what that process ends with: 0 if all is well. */
static int use_one_context_too_many(const struct lk_ops *ops) {
  enum { PATIENCE_S = 20 };
  struct client client = client_make(ops, 2);
  void *contexts[3] = {client_enter(&client, 0), client_enter(&client, 1), take_memory(ops->ctx_bytes, ops->ctx_align)};
  alarm(PATIENCE_S);
  if (!ops->ctx_init(client.lock, contexts[2], NULL)) {
    ops->ctx_destroy(client.lock, contexts[1]);
    if (!ops->ctx_init(client.lock, contexts[2], NULL)) return 1; /* now it is none too many */
    contexts[1] = contexts[0];
  }
  for (unsigned i = 0; i < 3; i++) {
    ops->lock(client.lock, contexts[i]);
    ops->unlock(client.lock, contexts[i]);
  }
  return 0;
}

static void one_context_too_many_never_waits(const struct lk_ops *ops) {
  int status = 0;
  check_about("%s: one context more than promised", ops->name);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(use_one_context_too_many(ops));
  if (!CHECK(child > 0) || !CHECK(waitpid(child, &status, 0) == child)) return;
  if (WIFSIGNALED(status))
    check_that(false, __FILE__, __LINE__, "ctx_init, lock or unlock %s: signal %d",
               WTERMSIG(status) == SIGALRM ? "waits for ever" : "crashes", WTERMSIG(status));
  else
    check_that(WEXITSTATUS(status) == 0, __FILE__, __LINE__, "refused although one had gone");
}

static void locks_come_and_go(const struct lk_ops *ops) {
  for (unsigned round = 0; round < 100; round++) {
    struct client client = client_make(ops, 1);
    void *ctx = client_enter(&client, 0);
    for (unsigned i = 0; i < round % 3; i++) {
      ops->lock(client.lock, ctx);
      ops->unlock(client.lock, ctx);
    }
    client_leave(&client, ctx);
    client_unmake(&client);
  }
}

/* The harness puts locks and contexts on lines of their own, at multiples of LK_LINE_BYTES. */
static void sizes_can_be_laid_out(const struct lk_ops *ops) {
  check_about("%s: sizes", ops->name);
  CHECK(ops->lock_align > 0 && LK_LINE_BYTES % ops->lock_align == 0);
  CHECK(ops->ctx_align > 0 && LK_LINE_BYTES % ops->ctx_align == 0);
  CHECK_EQ(0, ops->lock_bytes % ops->lock_align);
  CHECK_EQ(0, ops->ctx_bytes % ops->ctx_align);
  CHECK(ops->lock_bytes > 0); /* a mutex without memory could exclude no thread */
}

#ifdef LK_CANARY
/* In a process of its own, whose standard error is the pipe. */
static void use_a_copy(const struct lk_ops *ops, int standard_error) {
  dup2(standard_error, STDERR_FILENO);
  struct client client = client_make(ops, 1), copy = {.ops = ops};
  copy.lock = take_memory(ops->lock_bytes, ops->lock_align);
  memcpy(copy.lock, client.lock, ops->lock_bytes);
  void *ctx = client_enter(&client, 0);
  ops->lock(copy.lock, ctx);
  _exit(0);
}

static void a_copied_lock_aborts(const struct lk_ops *ops) {
  int ends[2], status = 0;
  char said[256] = "";
  check_about("%s: canary", ops->name);
  if (!CHECK(pipe(ends) == 0)) return;
  const pid_t child = fork();
  if (child == 0) use_a_copy(ops, ends[1]);
  close(ends[1]);
  CHECK(read(ends[0], said, sizeof said - 1) > 0);
  close(ends[0]);
  CHECK_EQ(child, waitpid(child, &status, 0));
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  check_that(strstr(said, "lock canary: ") != NULL, __FILE__, __LINE__, "it said: '%s'", said);
}
#endif

const struct conformance_case conformance_exclusive[] = {
    {"sizes", sizes_can_be_laid_out},
    {"locks", locks_come_and_go},
    {"try", try_lock_tells_whether_it_is_free},
    {"exclusion", exclusion},
    {"visibility", visibility},
    {"try-exclusion", try_lock_excludes},
    {"nested", several_locks_at_once},
    {"unknown-domain", domains_may_be_unknown},
    {"errno", errno_is_kept},
    {"contexts", contexts_come_and_go},
    {"contexts-promised", one_context_too_many_never_waits},
#ifdef LK_CANARY
    {"canary", a_copied_lock_aborts},
#endif
    {NULL, NULL},
};
