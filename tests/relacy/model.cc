// SPDX-License-Identifier: MIT
#include "model.h"

#undef malloc
#undef free

namespace {

enum { MAX_BLOCKS = 64, MAX_SLEEPERS = 8 };
enum { TICK_NS = 1000, LEAP_NS = 2000000 };

/*
 * What happens for no reason is chosen by the search. Each choice doubles the executions of a full search, which so
 * gets few of them; a random search can afford more.
 */
enum { SEARCHED_SURPRISES = 1, RANDOM_SURPRISES = 6 };

struct block {
  void *objects;
  size_t n_objects; /* 0: freed */
};

struct sleeper {
  const void *word;
  rl::thread_id_t thread;
};

block blocks[MAX_BLOCKS];
unsigned n_blocks;
sleeper sleepers[MAX_SLEEPERS];
unsigned n_sleepers;
unsigned n_surprises;
bool is_over;
uint64_t clock_ns;

bool surprises() {
  const bool is_random = rl::ctx().is_random_sched();
  if (n_surprises == (is_random ? RANDOM_SURPRISES : SEARCHED_SURPRISES)) return false;
  const bool does = rl::rand(is_random ? 4 : 2) == 1; /* 0, the ordinary case, comes first in a full search */
  n_surprises += does;
  return does;
}

void log(rl::debug_info_param site, const char *event) {
  if (rl::ctx().collecting_history()) rl::ctx().exec_log_msg(site, event);
}

} // namespace

void model_begin() {
  while (n_blocks > 0) free(blocks[--n_blocks].objects);
  n_sleepers = n_surprises = 0;
  clock_ns = 0;
  is_over = false;
}

void model_finish() { is_over = true; }

void model_end(rl::debug_info_param site) {
  for (unsigned i = 0; i < n_blocks; i++)
    if (blocks[i].n_objects != 0) rl::ctx().fail_test("of the lock", rl::test_result_memory_leak, site);
}

void *model_allocate(size_t n_objects, size_t object_bytes) {
  RL_VERIFY(n_blocks < MAX_BLOCKS && n_objects > 0);
  void *const objects = malloc(n_objects * object_bytes);
  RL_VERIFY(objects != NULL);
  blocks[n_blocks++] = block{objects, n_objects};
  return objects;
}

size_t model_release(void *objects, rl::debug_info_param site) {
  for (unsigned i = 0; i < n_blocks; i++) {
    if (blocks[i].objects != objects || blocks[i].n_objects == 0) continue;
    const size_t n_objects = blocks[i].n_objects;
    blocks[i].n_objects = 0;
    return n_objects;
  }
  rl::ctx().fail_test("", rl::test_result_double_free, site);
  return 0;
}

void model_see() {
  rl::thread_info_base *const self = rl::ctx().threadx_;
  self->last_yield_ = self->own_acq_rel_order_;
}

void model_sleep(const void *word, rl::debug_info_param site) {
  if (is_over) rl::ctx().fail_test("the lock was left held", rl::test_result_deadlock, site);
  if (surprises()) {
    log(site, "wait: ends for no reason");
    return model_see();
  }
  RL_VERIFY(n_sleepers < MAX_SLEEPERS);
  sleepers[n_sleepers++] = sleeper{word, rl::ctx().current_thread()};
  log(site, "wait: sleeps");
  rl::ctx().park_current_thread(false, false, false, site);
}

long model_wake(const void *word, long n_threads, rl::debug_info_param site) {
  long n_woken = 0;
  while (n_woken < n_threads) {
    unsigned candidates[MAX_SLEEPERS], n_candidates = 0;
    for (unsigned i = 0; i < n_sleepers; i++)
      if (sleepers[i].word == word) candidates[n_candidates++] = i;
    if (n_candidates == 0) break;
    const unsigned chosen = candidates[n_candidates == 1 ? 0 : rl::rand(n_candidates)];
    const rl::thread_id_t thread = sleepers[chosen].thread;
    sleepers[chosen] = sleepers[--n_sleepers];
    rl::ctx().unpark_thread(thread, false, site);
    n_woken++;
  }
  log(site, n_woken > 0 ? "wake" : "wake: nobody sleeps");
  return n_woken;
}

int model_clock_gettime(int, struct timespec *now) {
  clock_ns += surprises() ? LEAP_NS : TICK_NS;
  now->tv_sec = static_cast<time_t>(clock_ns / 1000000000u);
  now->tv_nsec = static_cast<long>(clock_ns % 1000000000u);
  return 0;
}

int model_sched_yield() {
  rl::yield(1, rl::debug_info("sched_yield", "the system", 0));
  return 0;
}
