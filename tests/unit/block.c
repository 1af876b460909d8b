// SPDX-License-Identifier: MIT
/* A lock and its state share a line where that is asked for, in a real trial too, and nowhere else. */
#include "trial/block.h"

#include "check.h"
#include "machine/child.h"
#include "machine/clock.h"
#include "ticket.h"
#include "trial/trial.h"
#include "trial/worker.h"

enum { N_LOCKS = 3, N_KEYS = 5 };

static uintptr_t line_of(uintptr_t address) { return address / LK_LINE_BYTES; }

static struct block block(const struct lk_ops *lock, enum layout layout, unsigned n_keys, unsigned cs_lines) {
  const struct workload workload = {.n_keys = n_keys, .n_locks = 1, .cs_lines = cs_lines, .layout = layout};
  return block_of(lock, &workload);
}

/* What holds of any lock's block: everything has room, and the block and its further lines are whole lines. */
static void check_room(const struct lk_ops *lock, const struct block *block, unsigned n_keys, unsigned cs_lines) {
  CHECK(block->state_offset >= lock->lock_bytes);
  CHECK_EQ(0, block->state_offset % _Alignof(struct workload_state));
  CHECK(block->lines_offset >=
        block->state_offset + sizeof(struct workload_state) + n_keys * sizeof(struct workload_key));
  CHECK_EQ(0, block->lines_offset % LK_LINE_BYTES);
  CHECK_EQ(block->lines_offset + cs_lines * LK_LINE_BYTES, block->n_bytes);
  CHECK(LK_LINE_BYTES % lock->lock_align == 0);
}

static void every_lock_has_its_place(void) {
  static const unsigned n_keys[] = {1, 5, 11, 12, 13, 1000};
  for (unsigned i = 0; registry[i] != NULL; i++)
    for (size_t k = 0; k < sizeof n_keys / sizeof *n_keys; k++) {
      const struct lk_ops *lock = registry[i];
      check_about("%s, %u keys", lock->name, n_keys[k]);
      const struct block apart = block(lock, LAYOUT_APART, n_keys[k], 2);
      check_room(lock, &apart, n_keys[k], 2);
      CHECK_EQ(0, apart.state_offset % LK_LINE_BYTES);

      const struct block together = block(lock, LAYOUT_TOGETHER, n_keys[k], 2);
      check_room(lock, &together, n_keys[k], 2);
      /* As a compiler lays the lock and the state out in one struct. */
      CHECK(together.state_offset - lock->lock_bytes < _Alignof(struct workload_state));
      CHECK(together.n_bytes <= apart.n_bytes);
    }
  check_about("%s", "");
}

/* What lies apart does so where it always did, so that results stay comparable. */
static void apart_is_what_it_was(void) {
  static const struct {
    size_t lock_bytes;
    unsigned n_keys;
    struct block want;
  } cases[] = {{0, 5, {128, 384, 384}},   {1, 5, {128, 384, 384}},   {40, 5, {128, 384, 384}},
               {127, 5, {128, 384, 384}}, {128, 5, {256, 512, 512}}, {256, 5, {384, 640, 640}},
               {8, 16, {128, 384, 384}},  {8, 17, {128, 512, 512}},  {8, 1000, {128, 8320, 8320}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct lk_ops lock = {.lock_bytes = cases[i].lock_bytes, .lock_align = 1};
    const struct block got = block(&lock, LAYOUT_APART, cases[i].n_keys, 0);
    check_about("%zu bytes, %u keys", cases[i].lock_bytes, cases[i].n_keys);
    CHECK_EQ(cases[i].want.state_offset, got.state_offset);
    CHECK_EQ(cases[i].want.lines_offset, got.lines_offset);
    CHECK_EQ(cases[i].want.n_bytes, got.n_bytes);
  }
  check_about("%s", "");
}

/* What a trial tells of its memory: the addresses in its process, and what was there at its end. */
struct sight {
  unsigned n_locks;
  struct {
    uintptr_t lock, lock_end, state, state_end; /* the state with its keys */
    uint64_t n_sections, n_in_keys;
    uint32_t n_tickets;
  } of[N_LOCKS];
};

static struct sight *sight;
static const struct lk_ops *watched;

static bool watch_init(void *lock, const struct lk_config *config) {
  if (!watched->init(lock, config)) return false;
  sight->of[sight->n_locks].lock = (uintptr_t)lock;
  sight->of[sight->n_locks].lock_end = (uintptr_t)lock + watched->lock_bytes;
  sight->n_locks++;
  return true;
}

static void watch_work(struct worker *worker) {
  watched->work(worker);
  for (unsigned i = 0; i < N_LOCKS; i++) {
    const unsigned char *const block = worker->locks + i * worker->block_bytes;
    const struct workload_state *const state = (const void *)(block + worker->state_offset);
    sight->of[i].state = (uintptr_t)state;
    sight->of[i].state_end = (uintptr_t)&state->keys[N_KEYS];
    sight->of[i].n_sections = state->n_sections;
    for (unsigned k = 0; k < N_KEYS; k++) sight->of[i].n_in_keys += state->keys[k].n_writes;
    if (strcmp(watched->name, "ticket") == 0)
      sight->of[i].n_tickets = atomic_load_explicit(&((const struct lk_ticket *)(const void *)block)->next,
                                                    memory_order_relaxed); /* no other is there */
  }
}

/* A trial of the lock by one thread that only writes, as it is made for a row of results, watched from inside. */
static bool watch_trial(const char *name, enum layout layout, const struct topology *topology,
                        const struct placement *placement) {
  watched = registry_find(name);
  check_about("%s, %s", name, layout == LAYOUT_TOGETHER ? "together" : "apart");
  if (!CHECK(watched != NULL)) return false;
  struct lk_ops spy = *watched;
  spy.init = watch_init;
  spy.work = watch_work;
  const struct trial trial = {
      .lock = &spy,
      .workload = {.n_threads = 1, .n_keys = N_KEYS, .n_locks = N_LOCKS, .layout = layout},
      .topology = topology,
      .placement = placement,
      .duration_s = 0.05,
      .pause_ns = 10,
      .timeout_s = 30,
  };
  struct trial_result result;
  memset(sight, 0, sizeof *sight);
  CHECK_EQ(0, trial_run(&trial, true, &result, NULL));
  CHECK(result.status == TRIAL_OK || result.status == TRIAL_NOISY); /* noisy: the machine is loaded, no matter here */
  CHECK_EQ(N_LOCKS, sight->n_locks);
  for (unsigned i = 0; i < N_LOCKS; i++) {
    CHECK(sight->of[i].n_sections > 0);
    CHECK_EQ(sight->of[i].n_sections, sight->of[i].n_in_keys);
    CHECK_EQ(0, sight->of[i].lock % LK_LINE_BYTES);
    /* No lock of its own shares a line with what another protects. */
    if (i > 0) CHECK(line_of(sight->of[i].lock) > line_of(sight->of[i - 1].state_end - 1));
  }
  return true;
}

static void a_trial_uses_them_there(void) {
  struct topology topology;
  struct placement placement;
  char why[256];
  clock_calibrate();
  if (!CHECK_EQ(0, topology_load(&topology))) return;
  if (!CHECK_EQ(0, placement_make(&placement, &topology, "none", why, sizeof why))) return;
  sight = child_share(sizeof *sight);
  if (!CHECK(sight != NULL)) return;

  if (watch_trial("ticket", LAYOUT_TOGETHER, &topology, &placement))
    for (unsigned i = 0; i < N_LOCKS; i++) {
      CHECK_EQ(sight->of[i].n_sections, sight->of[i].n_tickets); /* it is this lock that was taken */
      CHECK_EQ(line_of(sight->of[i].lock), line_of(sight->of[i].state_end - 1));
      CHECK_EQ(sight->of[i].lock_end, sight->of[i].state);
      /* The lines that x86 moves are half as long: counter, owner and first key are on the lock's. */
      CHECK_EQ(sight->of[i].lock / 64, (sight->of[i].state + offsetof(struct workload_state, keys)) / 64);
    }
  if (watch_trial("ticket", LAYOUT_APART, &topology, &placement))
    for (unsigned i = 0; i < N_LOCKS; i++) {
      CHECK_EQ(sight->of[i].n_sections, sight->of[i].n_tickets);
      CHECK(line_of(sight->of[i].lock_end - 1) < line_of(sight->of[i].state));
    }
  /* Its type fills its lines. */
  if (watch_trial("malthusian", LAYOUT_TOGETHER, &topology, &placement))
    for (unsigned i = 0; i < N_LOCKS; i++) {
      CHECK_EQ(sight->of[i].lock_end, sight->of[i].state);
      CHECK_EQ(line_of(sight->of[i].lock_end - 1) + 1, line_of(sight->of[i].state));
    }
  if (watch_trial("pthread_mutex", LAYOUT_TOGETHER, &topology, &placement))
    for (unsigned i = 0; i < N_LOCKS; i++) CHECK_EQ(line_of(sight->of[i].lock_end - 1), line_of(sight->of[i].state));
  check_about("%s", "");
  child_unshare(sight, sizeof *sight);
  placement_free(&placement);
  topology_free(&topology);
}

int main(void) {
  every_lock_has_its_place();
  apart_is_what_it_was();
  a_trial_uses_them_there();
  return check_result();
}
