// SPDX-License-Identifier: MIT
/* stress_worker.c: what one thread of a round does: take, look, change, give back, with a delay before each. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stress_round.h"
#include "stress_step.h"
#include "stress_worker.h"

/* One in so many. */
static bool happens(struct random_state *random, unsigned once_in) {
  return random_below((uint32_t)(random_next(random) >> 32), once_in) == 0;
}

static void delay(struct random_state *random) {
  enum { MAX_PAUSES = 64, MAX_SLEEP_NS = 100000 };
  const uint32_t bits = (uint32_t)(random_next(random) >> 32);
  if (happens(random, 4))
    for (uint32_t i = random_below(bits, MAX_PAUSES); i > 0; i--) lk_pause();
  if (happens(random, 64)) sched_yield();
  if (happens(random, 512)) nanosleep(&(struct timespec){.tv_nsec = random_below(bits, MAX_SLEEP_NS)}, NULL);
}

static uint64_t load(const _Atomic(uint64_t) *word) { return atomic_load_explicit(word, memory_order_relaxed); }

static void store(_Atomic(uint64_t) *word, uint64_t value) { atomic_store_explicit(word, value, memory_order_relaxed); }

/* Whether no other thread changes the words while they are read, twice. */
static bool words_are_alike(const struct stress_room *room, struct random_state *random) {
  const uint64_t n = load(&room->words[STRESS_N_WORDS - 1].n_sections);
  bool are_alike = true;
  for (unsigned i = 0; i < STRESS_N_WORDS; i++) are_alike = load(&room->words[i].n_sections) == n && are_alike;
  delay(random);
  for (unsigned i = 0; i < STRESS_N_WORDS; i++) are_alike = load(&room->words[i].n_sections) == n && are_alike;
  return are_alike;
}

/* In the exclusive mode: what is read before a delay is written after it, so one that is inside too loses something. */
static void change(struct stress_slot *slot, unsigned which) {
  struct stress_room *const room = &slot->round->rooms[which];
  const uint32_t owner = atomic_load_explicit(&room->owner, memory_order_relaxed);
  if (owner != 0)
    stress_report(slot->round, STRESS_BROKEN, "thread %u got in while thread %u was inside", slot->index, owner - 1);
  atomic_store_explicit(&room->owner, slot->index + 1, memory_order_relaxed);
  const uint64_t n = load(&room->words[0].n_sections), sum = load(&room->checksum);
  const uint64_t value = random_next(&slot->random);
  if (!words_are_alike(room, &slot->random))
    stress_report(slot->round, STRESS_BROKEN, "thread %u does not see all that the last owner wrote", slot->index);
  for (unsigned i = 0; i < STRESS_N_WORDS; i++) store(&room->words[i].n_sections, n + 1);
  store(&room->checksum, sum + value);
  slot->n_exclusive[which]++;
  slot->sums[which] += value;
}

static void leave(struct stress_slot *slot, struct stress_room *room) {
  delay(&slot->random);
  const uint32_t owner = atomic_load_explicit(&room->owner, memory_order_relaxed);
  if (owner != slot->index + 1)
    stress_report(slot->round, STRESS_BROKEN, "thread %u was inside, and so was another", slot->index);
  atomic_store_explicit(&room->owner, 0, memory_order_relaxed);
}

static void count_section(struct stress_slot *slot) { store(&slot->n_sections, load(&slot->n_sections) + 1); }

/* Around a call of the lock. */
static void enter_lock(struct stress_slot *slot) {
  enum { STOPS_ONCE_IN = 4 };
  if (slot->round->steps && happens(&slot->random, STOPS_ONCE_IN)) stress_stop_soon(&slot->random);
}

static void leave_lock(const struct stress_slot *slot) {
  if (slot->round->steps) stress_stop_no_more();
}

static bool try_to_take(struct stress_slot *slot, const struct stress_room *room, void *ctx,
                        bool (*try)(void *, void *)) {
  enter_lock(slot);
  const bool is_taken = try(room->lock, ctx);
  leave_lock(slot);
  return is_taken;
}

/* Waits for the lock or tries it, in either mode. */
static bool take(struct stress_slot *slot, const struct stress_room *room, void *ctx, bool is_shared) {
  const struct lk_ops *ops = slot->round->ops;
  bool (*const try)(void *, void *) = is_shared ? ops->try_lock_shared : ops->try_lock;
  delay(&slot->random);
  if (try != NULL && happens(&slot->random, 4)) return try_to_take(slot, room, ctx, try);
  atomic_store_explicit(&slot->waits, true, memory_order_relaxed);
  const uint64_t start_ns = clock_now_ns();
  enter_lock(slot);
  (is_shared ? ops->lock_shared : ops->lock)(room->lock, ctx);
  leave_lock(slot);
  const uint64_t wait_ns = clock_now_ns() - start_ns;
  atomic_store_explicit(&slot->waits, false, memory_order_relaxed);
  if (wait_ns > load(&slot->longest_wait_ns)) store(&slot->longest_wait_ns, wait_ns);
  return true;
}

static bool give_back_shared(struct stress_slot *slot, const struct stress_room *room, void *ctx) {
  enter_lock(slot);
  const bool is_consistent = slot->round->ops->unlock_shared(room->lock, ctx);
  leave_lock(slot);
  return is_consistent;
}

/* A whole read. What it saw counts only if the lock says that the reads were consistent. */
static void read_shared(struct stress_slot *slot, struct stress_room *room, void *ctx) {
  bool are_alike;
  do {
    if (!take(slot, room, ctx, true)) return;
    are_alike = words_are_alike(room, &slot->random);
    delay(&slot->random);
  } while (!give_back_shared(slot, room, ctx));
  if (!are_alike) stress_report(slot->round, STRESS_BROKEN, "thread %u read while another wrote", slot->index);
  count_section(slot);
}

/*
 * Takes some of the locks, in their order, and gives them back in another. Reads are not held on to: some readers have
 * nothing to give back.
 */
static void operate(struct stress_slot *slot, void *const *contexts) {
  struct stress_round *const round = slot->round;
  unsigned taken[STRESS_MAX_LOCKS], n_taken = 0;
  const uint64_t bits = random_next(&slot->random);
  unsigned which = random_below((uint32_t)(bits >> 32), round->n_locks);
  for (unsigned i = 0; i < round->n_nested && which < round->n_locks; i++) {
    struct stress_room *const room = &round->rooms[which];
    if (round->ops->lock_shared != NULL && (random_next(&slot->random) >> 48) < round->shared_below) {
      read_shared(slot, room, contexts[which]);
    } else if (take(slot, room, contexts[which], false)) {
      change(slot, which);
      taken[n_taken++] = which;
    }
    which += 1 + (bits >> i & 1);
  }
  for (unsigned i = 0; i < n_taken; i++) {
    const unsigned next = taken[(i + (bits >> 8)) % n_taken];
    leave(slot, &round->rooms[next]);
    enter_lock(slot);
    round->ops->unlock(round->rooms[next].lock, contexts[next]);
    leave_lock(slot);
    count_section(slot);
  }
}

/* One thread's life: with contexts of its own, whose memory is given back at once. */
static void *live(void *argument) {
  struct stress_slot *const slot = argument;
  struct stress_round *const round = slot->round;
  const struct lk_ops *const ops = round->ops;
  /* A machine of two nodes of two cores, whatever this one has. */
  const struct lk_domain domain = {{slot->index % 4, slot->index / 2 % 2, slot->index / 2 % 2, 0}};
  void *contexts[STRESS_MAX_LOCKS];
  atomic_store_explicit(&slot->thread_id, gettid(), memory_order_relaxed);
  for (unsigned i = 0; i < round->n_locks; i++) {
    contexts[i] = stress_memory(round, ops->ctx_bytes);
    if (!ops->ctx_init(round->rooms[i].lock, contexts[i], &domain))
      stress_report(round, STRESS_CRASHED, "a context could not be initialised");
  }
  do {
    operate(slot, contexts);
  } while (!stress_must_stop(round) && !(round->churns && happens(&slot->random, 16)));
  for (unsigned i = 0; i < round->n_locks; i++) {
    ops->ctx_destroy(round->rooms[i].lock, contexts[i]);
    free(contexts[i]);
  }
  atomic_store_explicit(&slot->thread_id, 0, memory_order_relaxed);
  return NULL;
}

void *stress_work(void *argument) {
  struct stress_slot *const slot = argument;
  stress_weigh_little();
  do {
    if (slot->round->churns)
      pthread_join(stress_thread(slot->round, live, slot), NULL);
    else
      live(slot);
  } while (!stress_must_stop(slot->round));
  atomic_store_explicit(&slot->has_ended, true, memory_order_relaxed);
  return NULL;
}
