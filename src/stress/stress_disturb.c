// SPDX-License-Identifier: MIT
/* stress_disturb.c: what keeps a round's workers from running straight on: programs beside them, and signals. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "stress_disturb.h"

enum { INTERRUPT = SIGUSR1, MAX_CPUS = 16384 };

struct stress_hog {
  struct stress_round *round;
  pthread_t thread;
  unsigned cpu;
  bool is_idle; /* of the class that runs when no other wants the CPU */
  struct random_state random;
};

static void pin(unsigned cpu) {
  cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
  if (set == NULL) return;
  CPU_ZERO_S(CPU_ALLOC_SIZE(MAX_CPUS), set);
  CPU_SET_S(cpu, CPU_ALLOC_SIZE(MAX_CPUS), set);
  (void)sched_setaffinity(0, CPU_ALLOC_SIZE(MAX_CPUS), set); /* a hog that floats is a hog still */
  CPU_FREE(set);
}

static uint64_t between(struct random_state *random, uint32_t low, uint32_t high) {
  return low + random_below((uint32_t)(random_next(random) >> 32), high - low);
}

/* Runs and sleeps by turns: it takes the CPU from a worker whenever it wakes up. The idle one never sleeps. */
static void *hog(void *argument) {
  struct stress_hog *self = argument;
  stress_weigh_little();
  pin(self->cpu);
  if (self->is_idle) (void)sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0});
  while (!stress_must_stop(self->round)) {
    const uint64_t end_ns = clock_now_ns() + between(&self->random, 100000, 2000000);
    while (clock_now_ns() < end_ns && !stress_must_stop(self->round)) lk_pause();
    if (!self->is_idle) nanosleep(&(struct timespec){.tv_nsec = (long)between(&self->random, 50000, 500000)}, NULL);
  }
  return NULL;
}

static void start_hog(struct stress_round *round, struct stress_hogs *hogs, unsigned cpu, bool is_idle) {
  struct stress_hog *const hog_of_cpu = &hogs->hogs[hogs->n];
  *hog_of_cpu = (struct stress_hog){
      .round = round, .cpu = cpu, .is_idle = is_idle, .random = random_seed(clock_now_ns(), hogs->n)};
  hog_of_cpu->thread = stress_thread(round, hog, hog_of_cpu);
  hogs->n++;
}

struct stress_hogs stress_start_hogs(struct stress_round *round) {
  struct stress_hogs hogs = {0};
  const size_t set_bytes = CPU_ALLOC_SIZE(MAX_CPUS);
  cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
  if (set == NULL || sched_getaffinity(0, set_bytes, set) != 0) {
    CPU_FREE(set);
    return hogs;
  }
  hogs.hogs = stress_memory(round, 2 * (size_t)CPU_COUNT_S(set_bytes, set) * sizeof *hogs.hogs);
  for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
    if (!CPU_ISSET_S(cpu, set_bytes, set)) continue;
    start_hog(round, &hogs, cpu, false);
    start_hog(round, &hogs, cpu, true);
  }
  CPU_FREE(set);
  return hogs;
}

void stress_join_hogs(struct stress_hogs *hogs) {
  for (unsigned i = 0; i < hogs->n; i++) pthread_join(hogs->hogs[i].thread, NULL);
  free(hogs->hogs);
}

/* Wherever the thread is, in the lock's code too, it stays there for a while. */
static void dawdle(int signal) {
  static _Thread_local struct random_state random;
  const int error = errno;
  (void)signal;
  if (random.state == 0) random = random_seed(clock_now_ns(), (uint64_t)gettid());
  const uint64_t bits = random_next(&random) >> 32;
  if (bits % 2 == 0) sched_yield();
  if (bits % 4 == 1)
    for (uint64_t i = bits >> 8 & 1023; i > 0; i--) lk_pause();
  if (bits % 32 == 3) nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
  errno = error;
}

void stress_prepare_interrupts(void) {
  sigaction(INTERRUPT, &(struct sigaction){.sa_handler = dawdle}, NULL); /* no SA_RESTART: waiters are to see EINTR */
}

void stress_interrupt(struct stress_round *round, struct random_state *random) {
  for (unsigned i = 0; i < round->n_slots; i += 4) {
    const struct stress_slot *slot = &round->slots[between(random, 0, round->n_slots)];
    /* Relaxed, both: it is a matter of chance anyway. */
    if (round->spares_waiters && atomic_load_explicit(&slot->waits, memory_order_relaxed)) continue;
    /* If that thread has just ended, the signal reaches no thread, or a later one of this process. */
    const pid_t thread_id = atomic_load_explicit(&slot->thread_id, memory_order_relaxed);
    if (thread_id != 0) (void)tgkill(getpid(), thread_id, INTERRUPT);
  }
}
