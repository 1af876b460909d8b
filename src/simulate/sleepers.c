// SPDX-License-Identifier: MIT
#include "sleepers.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>

#include "access.h"

/* Who sleeps on any word, the first of each word first. */
static struct guest_thread *first_sleeper;

static void add_sleeper(struct guest_thread *thread, const volatile void *word) {
  struct guest_thread **end = &first_sleeper;
  while (*end != NULL) end = &(*end)->next_sleeper;
  thread->sleeps_on = word;
  thread->next_sleeper = NULL;
  *end = thread;
}

/* The first that sleeps on the word, off the list; NULL if there is none. */
static struct guest_thread *take_sleeper(const volatile void *word) {
  for (struct guest_thread **at = &first_sleeper; *at != NULL; at = &(*at)->next_sleeper) {
    struct guest_thread *thread = *at;
    if (thread->sleeps_on != word || thread->state != THREAD_ASLEEP) continue;
    *at = thread->next_sleeper;
    thread->sleeps_on = NULL;
    return thread;
  }
  return NULL;
}

static void forget_sleeper(const struct guest_thread *thread) {
  for (struct guest_thread **at = &first_sleeper; *at != NULL; at = &(*at)->next_sleeper)
    if (*at == thread) {
      *at = thread->next_sleeper;
      return;
    }
}

static bool has_sleeper(const volatile void *word) {
  for (const struct guest_thread *thread = first_sleeper; thread != NULL; thread = thread->next_sleeper)
    if (thread->sleeps_on == word) return true;
  return false;
}

static void enter_kernel(void) {
  tally.n_others++;
  guests.current->is_pausing = false;
  system_spend(model_ps(guests.model->parameters.syscall_ns / 2));
  system_sync();
  access_drain();
}

static void leave_kernel(void) {
  system_spend(model_ps(guests.model->parameters.syscall_ns / 2));
  system_sync();
}

static bool sleep_on(const volatile void *word, int64_t deadline_ps) {
  struct guest_thread *thread = guests.current;
  add_sleeper(thread, word);
  thread->now_ps += model_ps(guests.model->parameters.switch_ns / 2);
  const bool is_woken = system_sleep(deadline_ps);
  if (!is_woken) forget_sleeper(thread);
  thread->sleeps_on = NULL;
  return is_woken;
}

long futex_wait(volatile uint32_t *word, uint32_t expected, int64_t deadline_ps) {
  enter_kernel();
  system_spend(model_ps(guests.model->parameters.futex_check_ns));
  access_load(word);
  long result = 0;
  if (*word != expected)
    result = -EAGAIN;
  else if (deadline_ps <= guests.current->now_ps || !sleep_on(word, deadline_ps))
    result = -ETIMEDOUT;
  leave_kernel();
  return result;
}

long futex_wake(volatile uint32_t *word, uint32_t n_most) {
  enter_kernel();
  long n = 0;
  for (struct guest_thread *thread; n < (long)n_most && (thread = take_sleeper(word)) != NULL; n++) {
    system_spend(model_ps(guests.model->parameters.wake_call_ns));
    system_sync();
    system_wake(thread);
  }
  leave_kernel();
  return n;
}

static uint32_t id_of(const struct guest_thread *thread) { return thread->id + 1; }

uint32_t futex_thread_id(void) { return id_of(guests.current); }

long futex_lock_pi(volatile uint32_t *word) {
  enter_kernel();
  system_spend(model_ps(guests.model->parameters.futex_check_ns));
  access_rmw(word);
  long result = 0;
  if ((*word & FUTEX_TID_MASK) == 0) {
    *word = futex_thread_id() | (*word & FUTEX_WAITERS);
  } else if ((*word & FUTEX_TID_MASK) == futex_thread_id()) {
    result = -EDEADLK;
  } else {
    *word |= FUTEX_WAITERS;
    sleep_on(word, INT64_MAX); /* who wakes us has put our number there */
  }
  leave_kernel();
  return result;
}

long futex_unlock_pi(volatile uint32_t *word) {
  enter_kernel();
  access_rmw(word);
  long result = 0;
  if ((*word & FUTEX_TID_MASK) != futex_thread_id()) {
    result = -EPERM;
  } else {
    struct guest_thread *next = take_sleeper(word);
    *word = next == NULL ? 0 : id_of(next) | (has_sleeper(word) ? FUTEX_WAITERS : 0);
    if (next != NULL) {
      system_spend(model_ps(guests.model->parameters.wake_call_ns));
      system_sync();
      system_wake(next);
    }
  }
  leave_kernel();
  return result;
}
