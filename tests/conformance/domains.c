// SPDX-License-Identifier: MIT
/*
 * A lock that goes by domains is right on machines of any shape, and gives each domain its turn. The machines are made
 * up, through hwloc as the harness does it; their threads float on the CPUs that there are.
 */
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "line.h"
#include "machine/topology.h"
#include "sleep.h"

/* At most so many threads ask for the lock at a time: with more it is the scheduler whose turns take the time. */
enum { ROUND_MS = 5, MAX_LEAVES = CROWD_MAX, N_AT_A_TIME = 6, N_IN_A_ROW = 2 };

/* hwloc's notation, and which of the CPUs have a thread: all, or those of the bits. */
struct shape {
  const char *synthetic;
  uint64_t cpus;
};

static const struct shape shapes[] = {
    {"pack:1 core:1 pu:1", UINT64_MAX},
    {"pack:1 l3:1 core:4 pu:1", UINT64_MAX},
    {"pack:1 l3:1 core:4 pu:2", UINT64_MAX},
    {"pack:1 l3:3 core:2 pu:1", UINT64_MAX},
    {"pack:1 numa:2 l3:1 core:2 pu:1", UINT64_MAX},
    {"pack:1 numa:2 core:2 pu:1", UINT64_MAX},
    {"pack:2 numa:2 l3:2 core:2 pu:1", UINT64_MAX},
    {"pack:2 numa:2 l3:2 core:2 pu:1", 0x801f}, /* 4 threads in one node, 1 in its neighbour, 1 in the other package */
    {"pack:2 numa:2 l3:2 core:2 pu:1", 0x0001}, /* a thread alone */
    {"pack:4 numa:4 l3:4 core:1 pu:1", UINT64_MAX},
};

struct hall {
  struct client client;
  struct topology machine;
  unsigned n_leaves;
  unsigned leaves[MAX_LEAVES]; /* indices of the machine's CPUs */
  sem_t may_ask;
  unsigned long n_sections; /* this and below: what the lock protects */
  unsigned n_inside;
  unsigned n_served[MAX_LEAVES];
  bool is_broken;
};

static bool load_machine(struct topology *machine, const char *synthetic) {
  setenv("HWLOC_SYNTHETIC", synthetic, 1);
  const bool is_loaded = CHECK_EQ(0, topology_load(machine));
  unsetenv("HWLOC_SYNTHETIC");
  return is_loaded;
}

static struct client make_client(const struct lk_ops *ops, const struct topology *machine, unsigned n_threads) {
  struct lk_config config = lk_config_default(n_threads, machine->n_cpus);
  memcpy(config.n_domains, machine->n_domains, sizeof config.n_domains);
  return client_make_with(ops, &config);
}

static void *enter_from(const struct client *client, const struct topology *machine, unsigned cpu) {
  struct lk_domain domain;
  memcpy(domain.id, machine->cpus[cpu].id, sizeof domain.id);
  return client_enter_at(client, &domain);
}

static void count_one(struct hall *hall, unsigned index, void *ctx, bool tries) {
  const struct lk_ops *ops = hall->client.ops;
  if (!tries || ops->try_lock == NULL || !ops->try_lock(hall->client.lock, ctx)) ops->lock(hall->client.lock, ctx);
  hall->is_broken |= hall->n_inside++ != 0;
  crowd_linger((unsigned)hall->n_sections % 16);
  hall->n_sections++;
  hall->n_served[index]++;
  hall->is_broken |= --hall->n_inside != 0;
  ops->unlock(hall->client.lock, ctx);
}

/* A waiter here needs none of the signals with which the crowd makes spinners yield, and would wake up at each. */
static void wait_for_turn(struct hall *hall) {
  sigset_t urgent;
  sigemptyset(&urgent);
  sigaddset(&urgent, SIGURG);
  pthread_sigmask(SIG_BLOCK, &urgent, NULL);
  while (sem_wait(&hall->may_ask) != 0) {
  }
  pthread_sigmask(SIG_UNBLOCK, &urgent, NULL);
}

/* At least once, however short the round is. */
static unsigned long count_until_told(unsigned index, void *argument) {
  struct hall *hall = argument;
  void *ctx = enter_from(&hall->client, &hall->machine, hall->leaves[index]);
  unsigned long n = 0;
  do {
    wait_for_turn(hall);
    for (unsigned i = 0; i < N_IN_A_ROW; i++, n++) count_one(hall, index, ctx, i == 1);
    sem_post(&hall->may_ask);
  } while (crowd_may_go_on());
  client_leave(&hall->client, ctx);
  return n;
}

static void check_shape(const struct lk_ops *ops, const struct shape *shape) {
  struct hall hall = {0};
  check_about("%s on '%s', threads on %#llx", ops->name, shape->synthetic, (unsigned long long)shape->cpus);
  if (!load_machine(&hall.machine, shape->synthetic)) return;
  for (unsigned cpu = 0; cpu < hall.machine.n_cpus; cpu++)
    if (shape->cpus >> cpu & 1) hall.leaves[hall.n_leaves++] = cpu;
  hall.client = make_client(ops, &hall.machine, hall.n_leaves);
  sem_init(&hall.may_ask, 0, N_AT_A_TIME);
  const unsigned long n = crowd_run(hall.n_leaves, ROUND_MS, count_until_told, &hall);
  CHECK_EQ(n, hall.n_sections);
  CHECK(!hall.is_broken);
  for (unsigned i = 0; i < hall.n_leaves; i++) CHECK(hall.n_served[i] > 0);
  sem_destroy(&hall.may_ask);
  client_unmake(&hall.client);
  topology_free(&hall.machine);
}

static void all_shapes_are_served(const struct lk_ops *ops) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) check_shape(ops, &shapes[i]);
}

/* The first holds the lock until all are in line; the last is in another domain; all others keep theirs busy. */
enum { HOLDER, N_NEAR = 6, FAR = N_NEAR + 1, N_CONTESTANTS };

struct contest {
  struct client client;
  struct topology machine;
  struct line_mark marks[N_CONTESTANTS];
  _Atomic(bool) is_held;  /* by the holder; release and acquire */
  unsigned long n_before; /* this and below: what the lock protects. Sections of the near ones before the far one's */
  unsigned long n_enough;
  bool is_far_served;
};

static void hold(struct contest *contest, void *ctx) {
  const struct lk_ops *ops = contest->client.ops;
  ops->lock(contest->client.lock, ctx);
  atomic_store_explicit(&contest->is_held, true, memory_order_release);
  for (unsigned i = HOLDER + 1; i < N_CONTESTANTS; i++)
    while (!line_is_in(&contest->marks[i])) sleep_us(50);
  ops->unlock(contest->client.lock, ctx);
}

/* Again and again; each gives the others, in its section, the time to get in line behind it. */
static void keep_busy(struct contest *contest, void *ctx) {
  const struct lk_ops *ops = contest->client.ops;
  for (bool is_over = false; !is_over;) {
    ops->lock(contest->client.lock, ctx);
    is_over = contest->is_far_served || contest->n_before >= contest->n_enough;
    if (!is_over) {
      contest->n_before++;
      sched_yield();
    }
    ops->unlock(contest->client.lock, ctx);
  }
}

static unsigned long compete(unsigned index, void *argument) {
  struct contest *contest = argument;
  const struct lk_ops *ops = contest->client.ops;
  const unsigned far_cpu = contest->machine.n_cpus - 1;
  void *ctx = enter_from(&contest->client, &contest->machine, index == FAR ? far_cpu : index);
  if (index == HOLDER) {
    hold(contest, ctx);
  } else {
    while (!atomic_load_explicit(&contest->is_held, memory_order_acquire)) sleep_us(50);
    line_arrive(&contest->marks[index], contest->client.ops);
    if (index == FAR) {
      ops->lock(contest->client.lock, ctx);
      contest->is_far_served = true;
      ops->unlock(contest->client.lock, ctx);
    } else {
      keep_busy(contest, ctx);
    }
  }
  client_leave(&contest->client, ctx);
  return 1;
}

/* Those that are in line before the far one are no part of a run; see lk.h. */
static void domain_keeps_its_bound(const struct lk_ops *ops) {
  check_about("%s: sections of one domain while another waits", ops->name);
  struct contest contest = {0};
  if (!load_machine(&contest.machine, "pack:1 numa:2 l3:1 core:8 pu:1")) return;
  contest.client = make_client(ops, &contest.machine, N_CONTESTANTS);
  const unsigned long bound = ops->domain_run(&contest.client.config) + N_NEAR;
  contest.n_enough = 4 * bound;
  crowd_run(N_CONTESTANTS, 0, compete, &contest);
  check_that(contest.n_before <= bound, __FILE__, __LINE__, "at most %lu wanted, got %lu", bound, contest.n_before);
  CHECK(contest.is_far_served);
  client_unmake(&contest.client);
  topology_free(&contest.machine);
}

/* A thread of a domain that the machine has not is refused, or served all the same; it is never let loose on memory. */
static void an_unknown_domain_is_refused(const struct lk_ops *ops) {
  struct client client = client_make(ops, 1);
  void *ctx = take_memory(ops->ctx_bytes, ops->ctx_align);
  const struct lk_domain nowhere = {{1000, 1000, 1000, 1000}};
  check_about("%s: a domain beyond the config's", ops->name);
  if (ops->ctx_init(client.lock, ctx, &nowhere)) {
    ops->lock(client.lock, ctx);
    ops->unlock(client.lock, ctx);
    ops->ctx_destroy(client.lock, ctx);
  }
  free(ctx);
  client_unmake(&client);
}

const struct conformance_case conformance_domains[] = {
    {"domain-shapes", all_shapes_are_served},
    {"domain-bound", domain_keeps_its_bound},
    {"domain-unknown", an_unknown_domain_is_refused},
    {NULL, NULL},
};
