// SPDX-License-Identifier: MIT
#include "solo.h"
#include "random.h"
#include "sorting.h"
#include "trial/code_layout.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N_KEYS = 5, READ_PCT = 90, STATE_OFFSET = 4 * LK_LINE_BYTES };

static void *take(size_t n_bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, LK_LINE_BYTES, n_bytes) != 0) return NULL;
  return memset(memory, 0, n_bytes);
}

int solo_make(struct solo *solo, const char *name, const struct lk_ops *ops, void (*work)(struct worker *worker)) {
  const size_t state_offset = (ops->lock_bytes + STATE_OFFSET) / LK_LINE_BYTES * LK_LINE_BYTES;
  /* A line for the state's head and one to spare. */
  const size_t block_bytes = state_offset + 2 * LK_LINE_BYTES + N_KEYS * sizeof(struct workload_key);
  static const uint8_t no_handoffs[2] = {HANDOFF_NONE, HANDOFF_NONE};
  *solo = (struct solo){.name = name, .ops = ops, .work = work != NULL ? work : ops->work};
  struct worker *worker = &solo->worker;
  worker->signal = &solo->signal;
  worker->read_below = (UINT64_C(1) << 32) / 100 * READ_PCT;
  worker->workload = (struct workload){.n_threads = 1, .read_pct = READ_PCT, .n_keys = N_KEYS, .n_locks = 1};
  worker->locks = take(block_bytes);
  worker->block_bytes = block_bytes;
  worker->state_offset = state_offset;
  worker->lines_offset = block_bytes;
  worker->contexts = take(ops->ctx_bytes + LK_LINE_BYTES);
  worker->context_bytes = ops->ctx_bytes + LK_LINE_BYTES;
  worker->handoff_class = no_handoffs;
  worker->random = random_seed(1, 0);
  if (worker->locks == NULL || worker->contexts == NULL) return ENOMEM;
  const struct lk_config config = lk_config_default(1, 1);
  if (!ops->init(worker->locks, &config)) return ENOMEM;
  return ops->ctx_init(worker->locks, worker->contexts, &worker->domain) ? 0 : ENOMEM;
}

static struct worker_signal *running;
static unsigned turn_ms;
static sem_t has_begun;

/* Ends each turn. Its sleep keeps it off the CPU that is measured. */
static void *end_turns(void *unused) {
  for (;;) {
    while (sem_wait(&has_begun) != 0) {
    }
    nanosleep(&(struct timespec){.tv_sec = turn_ms / 1000, .tv_nsec = turn_ms % 1000 * 1000000L}, NULL);
    atomic_store_explicit(&running->phase, PHASE_STOP, memory_order_release); /* pairs with the acquire in work() */
  }
  return unused;
}

static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e9 * (double)now.tv_sec + (double)now.tv_nsec;
}

static uint64_t count(const struct worker *worker) {
  return atomic_load_explicit(&worker->counts.n_reads, memory_order_relaxed) +
         atomic_load_explicit(&worker->counts.n_writes, memory_order_relaxed);
}

static double take_turn(struct solo *solo) {
  const uint64_t n_before = count(&solo->worker);
  atomic_store_explicit(&solo->signal.phase, PHASE_WINDOW, memory_order_relaxed);
  running = &solo->signal;
  sem_post(&has_begun);
  const double start = cpu_ns();
  solo->work(&solo->worker);
  return (cpu_ns() - start) / (double)(count(&solo->worker) - n_before);
}

static int bind_to_one_cpu(void) {
  cpu_set_t allowed, one;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return errno;
  CPU_ZERO(&one);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && CPU_COUNT(&one) == 0; cpu--) /* the last one: interrupts like the first */
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
  return sched_setaffinity(0, sizeof one, &one) == 0 ? 0 : errno;
}

int solo_compare(struct solo *solos, unsigned n_solos, unsigned n_rounds, unsigned ms) {
  pthread_t ender;
  turn_ms = ms;
  sem_init(&has_begun, 0, 0);
  int error = pthread_create(&ender, NULL, end_turns, NULL);
  if (error == 0) error = bind_to_one_cpu();
  if (error != 0) return error;
  for (unsigned i = 0; i < n_solos; i++) take_turn(&solos[i]); /* to warm up */
  for (unsigned round = 0; round < n_rounds; round++)
    for (unsigned i = 0; i < n_solos; i++) {
      struct solo *solo = &solos[(i + round) % n_solos];
      solo->worker.code_layout = round % N_CODE_LAYOUTS;
      solo->ns_per_operation[solo->n_rounds++] = take_turn(solo);
    }
  return 0;
}

double solo_median_ns(struct solo *solo) {
  sort_reals(solo->ns_per_operation, solo->n_rounds);
  return solo->ns_per_operation[solo->n_rounds / 2];
}

void solo_arguments(int n_arguments, char **arguments, unsigned *n_rounds, unsigned *ms) {
  if (n_arguments > 1) *n_rounds = (unsigned)strtoul(arguments[1], NULL, 10);
  if (n_arguments > 2) *ms = (unsigned)strtoul(arguments[2], NULL, 10);
  if (*n_rounds < 1 || *n_rounds > SOLO_MAX_ROUNDS) *n_rounds = 15;
}
