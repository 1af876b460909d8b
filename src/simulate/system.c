// SPDX-License-Identifier: MIT
#include "system.h"

#include <errno.h>
#include <stdlib.h>

#include "arena.h"

enum { STACK_BYTES = 64 * 1024, STACK_ALIGN = 4096 };

/* Stacks begin on different lines of a page and of several, or those of all threads would meet in a few sets of this
   machine's caches whenever another thread runs. */
enum { STACK_STEP_BYTES = 320, STACK_SPREAD_BYTES = 16 * 1024 };

struct system guests;

int64_t system_around(double mean_ns) {
  return (int64_t)random_around((uint64_t)model_ps(mean_ns), random_next(&guests.random));
}

static bool make_cpus(const struct model *model) {
  guests.cpus = calloc(model->n_cpus, sizeof *guests.cpus);
  if (guests.cpus == NULL) return false;
  for (unsigned i = 0; i < model->n_cpus; i++) {
    struct cpu *cpu = &guests.cpus[i];
    cpu->index = i;
    for (unsigned j = 0; j < model->n_cpus; j++)
      if (i != j && model->core_of[i] == model->core_of[j] && cpu->n_siblings < SYSTEM_MAX_SIBLINGS)
        cpu->siblings[cpu->n_siblings++] = &guests.cpus[j];
  }
  return true;
}

int system_begin(const struct model *model, unsigned n_threads, uint64_t seed) {
  guests = (struct system){.model = model, .random = random_seed(seed, UINT64_C(3) << 32)};
  events_begin(&guests.events);
  guests.threads = calloc(n_threads, sizeof *guests.threads);
  return guests.threads != NULL && make_cpus(model) ? 0 : ENOMEM;
}

static void put_on_queue(struct cpu *cpu, struct guest_thread *thread) {
  thread->next = NULL;
  if (cpu->first == NULL)
    cpu->first = thread;
  else
    cpu->last->next = thread;
  cpu->last = thread;
}

/* The thread goes on, at its own time, on its CPU, which is free. */
static void run_on_cpu(struct guest_thread *thread) {
  struct cpu *cpu = thread->cpu;
  if (cpu->running == NULL) cpu->busy_since_ps = thread->now_ps;
  cpu->running = thread;
  tally.n_others++;
  cpu->slice_end_ps = thread->now_ps + system_around(guests.model->parameters.slice_ns);
  events_add(&guests.events, event_make(&guests.events, thread->now_ps, EVENT_RUN, thread->id));
}

/* The CPU is left at that time: the first in its queue comes, or it is idle. */
static void leave_cpu(struct cpu *cpu, int64_t at_ps) {
  struct guest_thread *next = cpu->first;
  if (next == NULL) {
    cpu->running = NULL;
    cpu->busy_ps += at_ps - cpu->busy_since_ps;
    return;
  }
  cpu->first = next->next;
  if (next->now_ps < at_ps) next->now_ps = at_ps;
  next->now_ps += model_ps(guests.model->parameters.switch_ns);
  run_on_cpu(next);
}

/* How far the thread may go on alone: to the next event, or the end of its slice if others wait for its CPU. */
static void look_ahead(const struct guest_thread *thread) {
  int64_t horizon = events_next_ps(&guests.events);
  if (thread->cpu->first != NULL && thread->cpu->slice_end_ps < horizon) horizon = thread->cpu->slice_end_ps;
  guests.horizon_ps = horizon <= guests.limit_ps ? horizon : guests.limit_ps + 1;
}

static void wake_at(struct guest_thread *thread, int64_t at_ps) {
  thread->state = THREAD_READY;
  thread->wake_at_ps = INT64_MAX;
  thread->now_ps = at_ps;
  if (thread->cpu->running != NULL) {
    put_on_queue(thread->cpu, thread);
  } else {
    thread->now_ps += system_around(guests.model->parameters.wake_ns);
    run_on_cpu(thread);
  }
}

void system_expect_commit(struct guest_thread *thread) {
  const int64_t at_ps = thread->stores.done_ps;
  events_add(&guests.events, event_make(&guests.events, at_ps, EVENT_COMMIT, thread->id));
  if (at_ps < guests.horizon_ps) guests.horizon_ps = at_ps;
}

/* What needs no thread to run: true if it was that. */
static bool happens_by_itself(struct event event) {
  struct guest_thread *thread = &guests.threads[event_thread(event)];
  if (event_kind(event) == EVENT_RUN) return false;
  if (event_kind(event) == EVENT_COMMIT) {
    tally.n_others++;
    if (store_buffer_commit(&thread->stores)) system_expect_commit(thread);
  } else if (thread->state == THREAD_ASLEEP && thread->wake_at_ps == event.at_ps) {
    tally.n_others++;
    thread->is_timed_out = true;
    wake_at(thread, event.at_ps);
  }
  return true;
}

/* `from` waits for its turn or is done with (NULL: the host): goes on with whoever is next. */
static void switch_to(struct guest_thread *from, struct guest_thread *to) {
  guests.current = to;
  if (to != NULL) look_ahead(to);
  if (from != to)
    coroutine_switch(from != NULL ? &from->coroutine : &guests.host, to != NULL ? &to->coroutine : &guests.host);
}

/* Goes on with what is next; returns when it is `from`'s turn again. */
static void dispatch(struct guest_thread *from) {
  while (events_next_ps(&guests.events) <= guests.limit_ps) {
    const struct event event = events_take(&guests.events);
    if (happens_by_itself(event)) continue;
    switch_to(from, &guests.threads[event_thread(event)]);
    return;
  }
  switch_to(from, NULL);
}

void system_sync_slowly(void) {
  struct guest_thread *thread = guests.current;
  struct cpu *cpu = thread->cpu;
  if (cpu->first != NULL && thread->now_ps >= cpu->slice_end_ps) {
    tally.n_preemptions++;
    put_on_queue(cpu, thread);
    leave_cpu(cpu, thread->now_ps);
    dispatch(thread);
    return;
  }
  const struct event mine = event_make(&guests.events, thread->now_ps, EVENT_RUN, thread->id);
  if (thread->now_ps > guests.limit_ps || guests.events.n == 0) {
    events_add(&guests.events, mine);
    dispatch(thread);
    return;
  }
  const struct event event = events_exchange(&guests.events, mine);
  if (event.order == mine.order)
    look_ahead(thread); /* nothing comes before */
  else if (happens_by_itself(event))
    dispatch(thread);
  else
    switch_to(thread, &guests.threads[event_thread(event)]);
}

static void body(void *argument) {
  struct guest_thread *thread = argument;
  thread->body(thread->argument);
  thread->state = THREAD_OVER;
  guests.n_over++;
  leave_cpu(thread->cpu, thread->now_ps);
  dispatch(thread);
}

int system_start_thread(void (*its_body)(void *), void *argument, unsigned cpu, double start_ns) {
  const unsigned id = guests.n_threads, core = guests.model->core_of[cpu];
  struct guest_thread *thread = &guests.threads[id];
  void *stack = arena_take(STACK_BYTES, STACK_ALIGN);
  if (stack == NULL) return ENOMEM;
  guests.n_threads++;
  *thread = (struct guest_thread){.id = id,
                                  .cpu = &guests.cpus[cpu],
                                  .core = core,
                                  .stores.who = {(uint16_t)id, (uint16_t)core, (uint16_t)cpu},
                                  .wake_at_ps = INT64_MAX,
                                  .body = its_body,
                                  .argument = argument,
                                  .now_ps = system_around(start_ns) - model_ps(start_ns / 2)};
  coroutine_make(&thread->coroutine, stack, STACK_BYTES - id * STACK_STEP_BYTES % STACK_SPREAD_BYTES, body, thread);
  if (thread->cpu->running == NULL)
    run_on_cpu(thread);
  else
    put_on_queue(thread->cpu, thread);
  return 0;
}

enum system_end system_run(int64_t until_ps) {
  guests.limit_ps = until_ps;
  dispatch(NULL);
  guests.now_ps = until_ps;
  if (guests.n_over == guests.n_threads) return SYSTEM_ALL_OVER;
  return guests.events.n > 0 ? SYSTEM_TIME_IS_UP : SYSTEM_ALL_ASLEEP;
}

int64_t system_busy_ps(void) {
  int64_t ps = 0;
  for (unsigned i = 0; i < guests.model->n_cpus; i++) {
    const struct cpu *cpu = &guests.cpus[i];
    ps += cpu->busy_ps;
    if (cpu->running != NULL && guests.now_ps > cpu->busy_since_ps) ps += guests.now_ps - cpu->busy_since_ps;
  }
  return ps;
}

bool system_sleep(int64_t wake_at_ps) {
  struct guest_thread *thread = guests.current;
  thread->state = THREAD_ASLEEP;
  thread->is_timed_out = false;
  thread->wake_at_ps = wake_at_ps;
  if (wake_at_ps != INT64_MAX)
    events_add(&guests.events, event_make(&guests.events, wake_at_ps, EVENT_TIMER, thread->id));
  tally.n_sleeps++;
  leave_cpu(thread->cpu, thread->now_ps);
  dispatch(thread);
  return !thread->is_timed_out;
}

void system_wake(struct guest_thread *thread) {
  wake_at(thread, guests.current->now_ps);
  look_ahead(guests.current);
}

void system_yield(void) {
  struct guest_thread *thread = guests.current;
  if (thread->cpu->first == NULL) return;
  tally.n_preemptions++;
  put_on_queue(thread->cpu, thread);
  leave_cpu(thread->cpu, thread->now_ps);
  dispatch(thread);
}
