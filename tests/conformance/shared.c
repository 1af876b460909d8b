// SPDX-License-Identifier: MIT
/* What lk.h promises of the shared mode of a readers/writer lock. The exclusive mode alone is asked like a mutex. */
#include "check.h"
#include "conformance.h"
#include "crowd.h"

enum { N_THREADS = 8, N_WORDS = 8 };

/*
 * Atomic, though relaxed: readers that retry race with a writer, which C allows on atomics only. That the others need
 * none is asked of them by the harness, whose state is plain.
 */
struct room {
  struct client client;
  struct {
    _Alignas(LK_LINE_BYTES) _Atomic(unsigned long) value;
  } words[N_WORDS]; /* all equal whenever no writer is inside */
  _Atomic(unsigned long) n_reads, n_torn;
};

static unsigned long load(const _Atomic(unsigned long) *word) {
  return atomic_load_explicit(word, memory_order_relaxed);
}

static void write_all(struct room *room) {
  const unsigned long value = load(&room->words[0].value);
  for (unsigned i = 0; i < N_WORDS; i++) {
    if (load(&room->words[i].value) != value) atomic_fetch_add_explicit(&room->n_torn, 1, memory_order_relaxed);
    atomic_store_explicit(&room->words[i].value, value + 1, memory_order_relaxed);
    crowd_linger(4);
  }
}

static bool reads_alike(const struct room *room) {
  const unsigned long value = load(&room->words[N_WORDS - 1].value);
  bool is_alike = true;
  for (unsigned i = 0; i < N_WORDS; i++) is_alike = load(&room->words[i].value) == value && is_alike;
  return is_alike;
}

/* By trying, as long as the crowd may go on; what was not had by then is waited for. */
static void enter_shared(const struct client *client, void *ctx, bool by_trying) {
  while (by_trying && crowd_may_go_on())
    if (client->ops->try_lock_shared(client->lock, ctx)) return;
  client->ops->lock_shared(client->lock, ctx);
}

/* One in eight writes; thread 0 does both, however early it is told to stop. Returns how often it wrote. */
static unsigned long read_and_write(unsigned index, void *argument) {
  struct room *room = argument;
  const struct lk_ops *ops = room->client.ops;
  void *ctx = client_enter(&room->client, index), *const lock = room->client.lock;
  unsigned long n_writes = 0;
  for (unsigned long round = index; round < 2 || crowd_may_go_on(); round++) {
    if (round % 8 == 0) {
      ops->lock(lock, ctx);
      write_all(room);
      ops->unlock(lock, ctx);
      n_writes++;
      continue;
    }
    bool is_alike;
    do {
      enter_shared(&room->client, ctx, round % 8 == 1 && ops->try_lock_shared != NULL);
      is_alike = reads_alike(room);
    } while (!ops->unlock_shared(lock, ctx));
    if (!is_alike) atomic_fetch_add_explicit(&room->n_torn, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&room->n_reads, 1, memory_order_relaxed);
  }
  client_leave(&room->client, ctx);
  return n_writes;
}

static void readers_see_no_writer_half_way(const struct lk_ops *ops) {
  static struct room room;
  room.client = client_make(ops, N_THREADS);
  check_about("%s: readers and writers", ops->name);
  const unsigned long n_writes = crowd_run(N_THREADS, conformance_round_ms, read_and_write, &room);
  CHECK(n_writes > 0 && load(&room.n_reads) > 0);
  CHECK_EQ(0, load(&room.n_torn));
  for (unsigned i = 0; i < N_WORDS; i++) CHECK_EQ(n_writes, load(&room.words[i].value));
  client_unmake(&room.client);
}

/* By one thread with two contexts: if readers excluded each other, the second would wait for ever. */
static void readers_share(const struct lk_ops *ops) {
  struct client client = client_make(ops, 2);
  void *first = client_enter(&client, 0), *second = client_enter(&client, 1);
  check_about("%s: readers share", ops->name);
  ops->lock_shared(client.lock, first);
  ops->lock_shared(client.lock, second);
  CHECK(ops->unlock_shared(client.lock, first));
  CHECK(ops->unlock_shared(client.lock, second));
  client_leave(&client, first);
  client_leave(&client, second);
  client_unmake(&client);
}

static void modes_exclude_each_other(const struct lk_ops *ops) {
  if (ops->try_lock == NULL || ops->try_lock_shared == NULL) return;
  struct client client = client_make(ops, 2);
  void *reader = client_enter(&client, 0), *writer = client_enter(&client, 1);
  check_about("%s: modes exclude each other", ops->name);

  ops->lock(client.lock, writer);
  CHECK(!ops->try_lock_shared(client.lock, reader));
  ops->unlock(client.lock, writer);
  if (CHECK(ops->try_lock_shared(client.lock, reader))) CHECK(ops->unlock_shared(client.lock, reader));

  ops->lock_shared(client.lock, reader);
  const bool has_entered = ops->try_lock(client.lock, writer);
  if (has_entered) ops->unlock(client.lock, writer);
  CHECK_EQ(!has_entered, ops->unlock_shared(client.lock, reader)); /* a reader that does not keep writers out retries */
  if (CHECK(ops->try_lock(client.lock, writer))) ops->unlock(client.lock, writer);

  client_leave(&client, reader);
  client_leave(&client, writer);
  client_unmake(&client);
}

const struct conformance_case conformance_shared[] = {
    {"readers-share", readers_share},
    {"modes", modes_exclude_each_other},
    {"readers-and-writers", readers_see_no_writer_half_way},
    {NULL, NULL},
};
