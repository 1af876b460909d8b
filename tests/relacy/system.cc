// SPDX-License-Identifier: MIT
#include "system.h"

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
  const bool does = engine_chooses();
  n_surprises += does;
  return does;
}

void sleep_on(const void *word, rl::debug_info_param site) {
  if (is_over) rl::ctx().fail_test("the lock was left held", rl::test_result_deadlock, site);
  RL_VERIFY(n_sleepers < MAX_SLEEPERS);
  sleepers[n_sleepers++] = sleeper{word, rl::ctx().current_thread()};
  engine_log(site, "sleeps");
  rl::ctx().park_current_thread(false, false, false, site);
}

/* Any of those that sleep on the word, which then sleeps no more for us; -1: none. */
rl::thread_id_t choose_sleeper(const void *word) {
  unsigned candidates[MAX_SLEEPERS], n_candidates = 0;
  for (unsigned i = 0; i < n_sleepers; i++)
    if (sleepers[i].word == word) candidates[n_candidates++] = i;
  if (n_candidates == 0) return -1;
  const unsigned chosen = candidates[n_candidates == 1 ? 0 : rl::rand(n_candidates)];
  const rl::thread_id_t thread = sleepers[chosen].thread;
  sleepers[chosen] = sleepers[--n_sleepers];
  return thread;
}

uint32_t thread_id(rl::thread_id_t thread) { return static_cast<uint32_t>(thread) + 1; }

} // namespace

void system_begin() {
  while (n_blocks > 0) free(blocks[--n_blocks].objects);
  n_sleepers = n_surprises = 0;
  clock_ns = 0;
  is_over = false;
}

void system_finish() { is_over = true; }

void system_end(rl::debug_info_param site) {
  for (unsigned i = 0; i < n_blocks; i++)
    if (blocks[i].n_objects != 0) rl::ctx().fail_test("of the lock", rl::test_result_memory_leak, site);
}

void *system_allocate(size_t n_objects, size_t object_bytes) {
  RL_VERIFY(n_blocks < MAX_BLOCKS && n_objects > 0);
  void *const objects = malloc(n_objects * object_bytes);
  RL_VERIFY(objects != NULL);
  blocks[n_blocks++] = block{objects, n_objects};
  return objects;
}

size_t system_release(void *objects, rl::debug_info_param site) {
  for (unsigned i = 0; i < n_blocks; i++) {
    if (blocks[i].objects != objects || blocks[i].n_objects == 0) continue;
    const size_t n_objects = blocks[i].n_objects;
    blocks[i].n_objects = 0;
    return n_objects;
  }
  rl::ctx().fail_test("", rl::test_result_double_free, site);
  return 0;
}

void system_see() {
  rl::thread_info_base *const self = rl::ctx().threadx_;
  self->last_yield_ = self->own_acq_rel_order_;
}

void system_sleep(const void *word, rl::debug_info_param site) {
  engine_wait(site);
  if (!surprises()) return sleep_on(word, site);
  engine_log(site, "ends for no reason");
  system_see();
}

long system_sleep_until(const void *word, uint64_t deadline_ns, rl::debug_info_param site) {
  engine_wait(site);
  if (clock_ns < deadline_ns && !surprises()) {
    sleep_on(word, site);
    return 0;
  }
  engine_log(site, "is late");
  if (clock_ns < deadline_ns) clock_ns = deadline_ns;
  system_see();
  system_errno = ETIMEDOUT;
  return -1;
}

long system_nap(rl::debug_info_param site) {
  engine_wait(site);
  engine_log(site, "naps");
  system_sched_yield();
  system_see();
  return 0;
}

long system_wake(const void *word, long n_threads, rl::debug_info_param site) {
  long n_woken = 0;
  for (rl::thread_id_t thread; n_woken < n_threads && (thread = choose_sleeper(word)) >= 0; n_woken++)
    rl::ctx().unpark_thread(thread, false, site);
  engine_log(site, n_woken > 0 ? "wakes" : "wakes none");
  return n_woken;
}

long system_lock_pi(LK_ATOMIC(uint32_t) *word, rl::debug_info_param site) {
  if (surprises()) {
    system_errno = EINTR;
    return -1;
  }
  {
    rl::preemption_disabler in_kernel(rl::ctx());
    if (word->last() == 0) {
      atomic_exchange_explicit(word, thread_id(rl::ctx().current_thread()), memory_order_relaxed, site);
      return 0;
    }
    atomic_fetch_or_explicit(word, FUTEX_WAITERS, memory_order_relaxed, site);
  }
  sleep_on(word, site);
  rl::preemption_disabler in_kernel(rl::ctx());
  atomic_fetch_or_explicit(word, 0, memory_order_relaxed, site); /* it knows that the word names it */
  return 0;
}

long system_unlock_pi(LK_ATOMIC(uint32_t) *word, rl::debug_info_param site) {
  rl::preemption_disabler in_kernel(rl::ctx());
  if ((word->last() & FUTEX_TID_MASK) != thread_id(rl::ctx().current_thread())) {
    system_errno = EPERM;
    return -1;
  }
  const rl::thread_id_t next = choose_sleeper(word);
  atomic_exchange_explicit(word, next < 0 ? 0 : FUTEX_WAITERS | thread_id(next), memory_order_relaxed, site);
  /* The write orders nothing, so the lock must order its sections. But Linux is done with the word before the next
     owner runs, which may free it. */
  word->forget_use();
  if (next >= 0) rl::ctx().unpark_thread(next, false, site);
  return 0;
}

int system_errno;

long system_syscall(long number, ...) {
  RL_VERIFY(number == SYS_gettid);
  return thread_id(rl::ctx().current_thread());
}

int system_clock_gettime(int, struct timespec *now) {
  clock_ns += surprises() ? LEAP_NS : TICK_NS;
  now->tv_sec = static_cast<time_t>(clock_ns / 1000000000u);
  now->tv_nsec = static_cast<long>(clock_ns % 1000000000u);
  return 0;
}

int system_sched_yield() {
  rl::yield(1, rl::debug_info("sched_yield", "the system", 0));
  return 0;
}
