// SPDX-License-Identifier: MIT
/* What lk.h promises of a lock after fork, in the handler of a signal, and between processes that share its memory. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "conformance.h"
#include "crowd.h"
#include "lk_clock.h"
#include "sleep.h"

enum { PATIENCE_S = 20 }; /* of a child; less than the watchdog has, which cannot see it */

/* Waits for the process and tells how it ended: it must have returned 0, or else what was asked of it did not hold. */
static void check_child(pid_t child, const char *what) {
  int status = 0;
  if (!CHECK(child > 0) || !CHECK(waitpid(child, &status, 0) == child)) return;
  if (WIFSIGNALED(status))
    check_that(false, __FILE__, __LINE__, "%s: %s: signal %d", what,
               WTERMSIG(status) == SIGALRM ? "it waits for ever" : "it crashes", WTERMSIG(status));
  else
    check_that(WEXITSTATUS(status) == 0, __FILE__, __LINE__, "%s: %d", what, WEXITSTATUS(status));
}

static pid_t start_child(void) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) alarm(PATIENCE_S);
  return child;
}

static void enter_and_leave(const struct client *client, void *ctx) {
  client->ops->lock(client->lock, ctx);
  client->ops->unlock(client->lock, ctx);
  if (client->ops->lock_shared == NULL) return;
  client->ops->lock_shared(client->lock, ctx);
  (void)client->ops->unlock_shared(client->lock, ctx); /* alone, so the reads are good */
}

/* The child uses what was free, with a new context, and destroys it. */
static void free_when_forked(const struct lk_ops *ops) {
  struct client client = client_make(ops, 2);
  void *ctx = client_enter(&client, 0);
  check_about("%s: free when forked", ops->name);
  enter_and_leave(&client, ctx);
  const pid_t child = start_child();
  if (child == 0) {
    void *const own = client_enter(&client, 1);
    enter_and_leave(&client, own);
    client_leave(&client, own);
    client_leave(&client, ctx);
    client_unmake(&client);
    _exit(0);
  }
  check_child(child, "the child enters and leaves");
  enter_and_leave(&client, ctx);
  client_leave(&client, ctx);
  client_unmake(&client);
}

struct holder {
  const struct client *client;
  _Atomic(bool) is_inside, may_leave; /* release and acquire: as a barrier would */
};

static void sleep_until(_Atomic(bool) *flag) {
  while (!atomic_load_explicit(flag, memory_order_acquire)) sleep_us(100);
}

static void *hold(void *argument) {
  struct holder *holder = argument;
  const struct client *client = holder->client;
  void *ctx = client_enter(client, 1);
  client->ops->lock(client->lock, ctx);
  atomic_store_explicit(&holder->is_inside, true, memory_order_release);
  sleep_until(&holder->may_leave);
  client->ops->unlock(client->lock, ctx);
  client_leave(client, ctx);
  return NULL;
}

/* What another thread held stays held in the child, which has no such thread; a try tells, and does not wait. */
static void held_when_forked(const struct lk_ops *ops) {
  if (ops->try_lock == NULL) return;
  struct client client = client_make(ops, 2);
  struct holder holder = {.client = &client};
  pthread_t thread;
  check_about("%s: held when forked", ops->name);
  if (!CHECK(pthread_create(&thread, NULL, hold, &holder) == 0)) return;
  sleep_until(&holder.is_inside);
  const pid_t child = start_child();
  if (child == 0) _exit(ops->try_lock(client.lock, client_enter(&client, 0)));
  check_child(child, "the child gets what is held");
  atomic_store_explicit(&holder.may_leave, true, memory_order_release);
  pthread_join(thread, NULL);
  client_unmake(&client);
}

/* In memory that processes share: plain counts, which only the lock keeps right. */
struct shared {
  unsigned long n_sections, n_finished, n_changes; /* of the owner */
  pid_t owner;
  _Atomic(unsigned long) n_wanted; /* sections, as each process has counted them itself */
  _Atomic(unsigned) n_ready;
  _Alignas(LK_LINE_BYTES) unsigned char lock[];
};

enum { N_PROCESSES = 2, N_CHANGES = 100, MOST_S = 2 };

/* The memory again, at another address; the canary asks for the same. */
static struct shared *map(int fd, size_t n_bytes, struct shared *first) {
#ifdef LK_CANARY
  return first;
#endif
  void *memory = first == NULL || fd < 0 ? NULL : mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED || memory == first ? NULL : memory;
}

/* Until the lock has gone to and fro often enough; returns whether another was seen inside. */
static int take_part(const struct lk_ops *ops, struct shared *shared) {
  const struct client client = {.ops = ops, .lock = shared->lock};
  void *ctx = client_enter(&client, 0);
  unsigned long n = 0, n_broken = 0;
  /* Relaxed: all begin at about the same time. */
  atomic_fetch_add_explicit(&shared->n_ready, 1, memory_order_relaxed);
  while (atomic_load_explicit(&shared->n_ready, memory_order_relaxed) < N_PROCESSES) sched_yield();
  const uint64_t end_ns = lk_clock_ns() + MOST_S * UINT64_C(1000000000); /* who is unfair may keep it */
  for (bool goes_on = true; goes_on; n++) {
    ops->lock(client.lock, ctx);
    if (shared->n_sections++ != shared->n_finished) n_broken++;
    crowd_linger(n % 32);
    shared->n_finished++;
    shared->n_changes += shared->owner != getpid();
    shared->owner = getpid();
    goes_on = shared->n_changes < N_CHANGES && lk_clock_ns() < end_ns;
    ops->unlock(client.lock, ctx);
  }
  client_leave(&client, ctx);
  atomic_fetch_add_explicit(&shared->n_wanted, n, memory_order_relaxed); /* waitpid orders it */
  return n_broken > 0;
}

static void processes_exclude(const struct lk_ops *ops) {
  if (!(ops->traits & LK_PROCESSES)) return;
  const size_t n_bytes = sizeof(struct shared) + ops->lock_bytes;
  const struct lk_config config = lk_config_default(N_PROCESSES, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
  const int fd = memfd_create("lock", MFD_CLOEXEC);
  check_about("%s: between processes", ops->name);
  if (!CHECK(fd >= 0) || !CHECK(ftruncate(fd, (off_t)n_bytes) == 0)) return;
  struct shared *shared = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (!CHECK(shared != MAP_FAILED)) return;
  CHECK(ops->init(shared->lock, &config));
  pid_t children[N_PROCESSES];
  for (unsigned i = 0; i < N_PROCESSES; i++) {
    children[i] = start_child();
    if (children[i] != 0) continue;
    struct shared *const own = map(fd, n_bytes, shared);
    _exit(own == NULL ? 2 : take_part(ops, own));
  }
  for (unsigned i = 0; i < N_PROCESSES; i++) check_child(children[i], "two are inside");
  const unsigned long n_wanted = atomic_load_explicit(&shared->n_wanted, memory_order_relaxed);
  CHECK(n_wanted > 0);
  CHECK_EQ(n_wanted, shared->n_sections);
  CHECK_EQ(n_wanted, shared->n_finished);
  ops->destroy(shared->lock);
  munmap(shared, n_bytes);
  close(fd);
}

/* Threads at work, of which a further one interrupts all. */
enum { N_WORKERS = 2, HANDLER_SIGNAL = SIGUSR2 };

struct office {
  struct client client;
  unsigned long n_sections;
  _Atomic(bool) is_here[N_WORKERS]; /* release and acquire: the thread comes with it */
  pthread_t workers[N_WORKERS];
};

static struct office office;
static _Thread_local void *volatile handler_ctx;
static _Thread_local volatile sig_atomic_t n_by_handler;

static void try_in_handler(int number) {
  (void)number;
  if (handler_ctx == NULL || !office.client.ops->try_lock(office.client.lock, handler_ctx)) return;
  office.n_sections++;
  n_by_handler++;
  office.client.ops->unlock(office.client.lock, handler_ctx);
}

static unsigned long interrupt_others(void) {
  for (unsigned i = 0; i < N_WORKERS; i++) sleep_until(&office.is_here[i]);
  while (crowd_may_go_on()) {
    for (unsigned i = 0; i < N_WORKERS; i++) pthread_kill(office.workers[i], HANDLER_SIGNAL);
    sleep_us(20);
  }
  for (unsigned i = 0; i < N_WORKERS; i++) atomic_store_explicit(&office.is_here[i], false, memory_order_release);
  return 0;
}

static unsigned long be_interrupted(unsigned index, void *argument) {
  (void)argument;
  if (index == N_WORKERS) return interrupt_others();
  const struct client *client = &office.client;
  void *const ctx = client_enter(client, index), *const ctx_of_handler = client_enter(client, index);
  unsigned long n = 0;
  n_by_handler = 0;
  handler_ctx = ctx_of_handler;
  office.workers[index] = pthread_self();
  atomic_store_explicit(&office.is_here[index], true, memory_order_release);
  /* As long as it may be interrupted it is there; and the interrupter may be the last to see that it must stop. */
  while (crowd_may_go_on() || atomic_load_explicit(&office.is_here[index], memory_order_acquire)) {
    client->ops->lock(client->lock, ctx);
    const unsigned long before = office.n_sections;
    crowd_linger(n % 32);
    office.n_sections = before + 1;
    client->ops->unlock(client->lock, ctx);
    n++;
  }
  handler_ctx = NULL;
  client_leave(client, ctx);
  client_leave(client, ctx_of_handler);
  return n + (unsigned long)n_by_handler;
}

static void handlers_may_try(const struct lk_ops *ops) {
  if (ops->try_lock == NULL || ops->traits & (LK_SYSTEM | LK_PEER)) return; /* those have a word of their own */
#if defined LOCKBENCH_EMULATED && defined __riscv
  /* A kernel clears the reservation of a load before it goes on with what a signal interrupted. qemu-user does not: if
     the handler's trylock loads and does not store, the interrupted store-conditional then succeeds with an old value.
   */
  printf("  skipped: the emulator keeps a load's reservation across a handler\n");
  return;
#endif
  struct sigaction before;
  check_about("%s: trylock in a handler", ops->name);
  office = (struct office){.client = client_make(ops, 2 * N_WORKERS)};
  sigaction(HANDLER_SIGNAL, &(struct sigaction){.sa_handler = try_in_handler, .sa_flags = SA_RESTART}, &before);
  const unsigned long n = crowd_run(N_WORKERS + 1, conformance_round_ms, be_interrupted, NULL);
  sigaction(HANDLER_SIGNAL, &before, NULL);
  CHECK(n > 0);
  CHECK_EQ(n, office.n_sections);
  client_unmake(&office.client);
}

const struct conformance_case conformance_processes[] = {
    {"forked-free", free_when_forked},
    {"forked-held", held_when_forked},
    {"processes", processes_exclude},
    {"handler", handlers_may_try},
    {NULL, NULL},
};
