// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "early.h"
#include "trap.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static atomic_bool is_over, is_there;
static long n_inside;

static void require_child(pid_t child) {
  int status;
  REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *go_round(void *nothing) {
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&mutex);
    n_inside++;
    pthread_mutex_unlock(&mutex);
  }
  return nothing;
}

static void *go_round_until_over(void *nothing) {
  while (!atomic_load(&is_over)) go_round(NULL);
  return nothing;
}

static void take_it(void) { pthread_mutex_lock(&mutex); }
static void give_it(void) { pthread_mutex_unlock(&mutex); }

/* As allocators do: the mutex is held over the fork and unlocked on both sides. Those that waited for it are the
   parent's; the child, which has threads of its own then, must not wait for them. */
static void forked(void) {
  static bool is_registered;
  if (!is_registered) REQUIRE(pthread_atfork(take_it, give_it, give_it) == 0);
  is_registered = true;
  atomic_store(&is_over, false);
  const pthread_t a = trap_start(go_round_until_over, NULL), b = trap_start(go_round_until_over, NULL);
  for (int i = 0; i < 50; i++) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      alarm(60); /* a child that hangs must not stay */
      const pthread_t c = trap_start(go_round, NULL), d = trap_start(go_round, NULL);
      go_round(NULL);
      trap_join(c), trap_join(d);
      _exit(0);
    }
    require_child(child);
  }
  atomic_store(&is_over, true);
  trap_join(a), trap_join(b);
}

static void *hold_until_over(void *nothing) {
  pthread_mutex_lock(&mutex);
  atomic_store(&is_there, true);
  while (!atomic_load(&is_over)) usleep(100);
  pthread_mutex_unlock(&mutex);
  return nothing;
}

/* A child does not wait for ever for what it only tries, or wants until a deadline, and a thread that is the parent's
   has. */
static void check_held(void) {
  const struct timespec soon = trap_in_ms(CLOCK_REALTIME, 20), soon_too = trap_in_ms(CLOCK_MONOTONIC, 30);
  REQUIRE(pthread_mutex_trylock(&mutex) == EBUSY);
  REQUIRE(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
  REQUIRE(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &soon_too) == ETIMEDOUT);
}

static void held_at_a_fork(void) {
  atomic_store(&is_over, false);
  atomic_store(&is_there, false);
  const pthread_t holder = trap_start(hold_until_over, NULL);
  while (!atomic_load(&is_there)) usleep(100);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    check_held();
    _exit(0);
  }
  require_child(child);
  atomic_store(&is_over, true);
  trap_join(holder);
  pthread_mutex_lock(&mutex);
  const pid_t other = fork();
  if (other == 0) {
    alarm(60);
    check_held();
    REQUIRE(pthread_mutex_unlock(&mutex) == 0); /* who called fork has it */
    go_round(NULL);
    _exit(0);
  }
  require_child(other);
  pthread_mutex_unlock(&mutex);
}

static void *wait_until_over(void *nothing) {
  pthread_mutex_lock(&mutex);
  while (!atomic_load(&is_over)) pthread_cond_wait(&cond, &mutex);
  pthread_mutex_unlock(&mutex);
  return nothing;
}

/* In a child of a child, conditions too: those that waited at the fork are not there. */
static void forked_twice(void) {
  atomic_store(&is_over, false);
  const pthread_t waiting = trap_start(wait_until_over, NULL);
  usleep(1000);
  pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const pid_t grandchild = fork();
    if (grandchild == 0) {
      const pthread_t other = trap_start(wait_until_over, NULL);
      go_round(NULL);
      pthread_mutex_lock(&mutex);
      atomic_store(&is_over, true);
      pthread_cond_signal(&cond); /* to the one that waits here, not to a parent's */
      pthread_mutex_unlock(&mutex);
      trap_join(other);
      _exit(0);
    }
    require_child(grandchild);
    go_round(NULL);
    _exit(0);
  }
  require_child(child);
  pthread_mutex_lock(&mutex);
  atomic_store(&is_over, true);
  pthread_cond_broadcast(&cond);
  pthread_mutex_unlock(&mutex);
  trap_join(waiting);
}

static void spawned(void) {
  char *arguments[] = {"true", NULL}, *environment[] = {NULL};
  for (int i = 0; i < 3; i++) {
    pid_t child;
    REQUIRE(posix_spawnp(&child, "true", NULL, NULL, arguments, environment) == 0);
    require_child(child);
    go_round(NULL);
  }
}

struct both {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int n;
};

static struct both *make_shared(bool is_robust) {
  struct both *const both = mmap(NULL, sizeof *both, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t of_mutex;
  pthread_condattr_t of_cond;
  pthread_mutexattr_init(&of_mutex), pthread_condattr_init(&of_cond);
  pthread_mutexattr_setpshared(&of_mutex, PTHREAD_PROCESS_SHARED);
  pthread_condattr_setpshared(&of_cond, PTHREAD_PROCESS_SHARED);
  if (is_robust) pthread_mutexattr_setrobust(&of_mutex, PTHREAD_MUTEX_ROBUST);
  REQUIRE(pthread_mutex_init(&both->mutex, &of_mutex) == 0 && pthread_cond_init(&both->cond, &of_cond) == 0);
  both->n = 0;
  return both;
}

static void take_turns(struct both *both, int mine) {
  for (int i = 0; i < 100; i++) {
    pthread_mutex_lock(&both->mutex);
    while (both->n % 2 != mine) pthread_cond_wait(&both->cond, &both->mutex);
    both->n++;
    pthread_cond_signal(&both->cond);
    pthread_mutex_unlock(&both->mutex);
  }
}

static void shared_by_processes(void) {
  struct both *const both = make_shared(false);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    take_turns(both, 1);
    _exit(0);
  }
  take_turns(both, 0);
  require_child(child);
  REQUIRE(both->n == 200);
}

static void die_holding(pthread_mutex_t *held) {
  const pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(held);
    _exit(0);
  }
  require_child(child);
}

static void robust(void) {
  struct both *const both = make_shared(true);
  die_holding(&both->mutex);
  REQUIRE(pthread_mutex_lock(&both->mutex) == EOWNERDEAD);
  REQUIRE(pthread_mutex_consistent(&both->mutex) == 0 && pthread_mutex_unlock(&both->mutex) == 0);
  die_holding(&both->mutex);
  REQUIRE(pthread_mutex_lock(&both->mutex) == EOWNERDEAD && pthread_mutex_unlock(&both->mutex) == 0);
  const struct timespec later = trap_in_ms(CLOCK_REALTIME, 5000);
  for (int i = 0; i < 3; i++) { /* who has not made it consistent has made it useless */
    REQUIRE(pthread_mutex_timedlock(&both->mutex, &later) == ENOTRECOVERABLE);
    REQUIRE(pthread_mutex_lock(&both->mutex) == ENOTRECOVERABLE);
  }
}

static void many_threads(void) {
  for (int round = 0; round < 250; round++) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) threads[i] = trap_start(go_round, NULL);
    for (int i = 0; i < 4; i++) trap_join(threads[i]);
  }
}

static pthread_key_t key;

static void lock_at_end(void *n) {
  go_round(NULL);
  if ((long)n < 3) pthread_setspecific(key, (void *)((long)n + 1));
}

static void *have_destructor(void *nothing) {
  pthread_setspecific(key, (void *)1);
  return nothing;
}

/* A thread locks to its very end. */
static void destructors(void) {
  REQUIRE(pthread_key_create(&key, lock_at_end) == 0);
  n_inside = 0;
  for (int i = 0; i < 200; i++) trap_join(trap_start(have_destructor, NULL));
  REQUIRE(n_inside == 200 * 300);
  pthread_key_delete(key);
}

/* A thread that ends while it holds: the mutex stays held. */
static void *end_holding(void *held) {
  pthread_mutex_lock(held);
  return NULL;
}

static void held_by_the_dead(void) {
  pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
  trap_join(trap_start(end_holding, &held));
  for (int i = 0; i < 20; i++) trap_join(trap_start(go_round, NULL)); /* which may get what the dead one had */
  const struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 20);
  REQUIRE(pthread_mutex_timedlock(&held, &deadline) == ETIMEDOUT);
  REQUIRE(pthread_mutex_unlock(&held) == 0);
  REQUIRE(pthread_mutex_lock(&held) == 0 && pthread_mutex_unlock(&held) == 0);
}

static volatile sig_atomic_t n_handled;

static void try_in_handler(int number) {
  (void)number;
  if (pthread_mutex_trylock(&mutex) == 0) pthread_mutex_unlock(&mutex);
  n_handled++;
}

static void in_a_handler(void) {
  const struct sigaction action = {.sa_handler = try_in_handler};
  sigaction(SIGUSR2, &action, NULL);
  atomic_store(&is_over, false);
  const pthread_t thread = trap_start(go_round_until_over, NULL);
  for (int i = 0; i < 500; i++) {
    pthread_kill(thread, SIGUSR2);
    usleep(20);
  }
  atomic_store(&is_over, true);
  trap_join(thread);
  REQUIRE(n_handled > 0);
}

/* The ways past the library, to libc's own functions on its bytes. */
static void check_lock(void (*lock)(pthread_mutex_t *)) {
  lock(&mutex);
  REQUIRE(pthread_mutex_trylock(&mutex) == EBUSY && pthread_mutex_unlock(&mutex) == 0);
  REQUIRE(pthread_mutex_trylock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
}

static void bound_deeply(void) {
  const char *const path = getenv("TRAP_LIBRARY");
  REQUIRE(path != NULL);
  void *const library = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
  REQUIRE(library != NULL);
  void *const lock = dlsym(library, "deep_lock");
  REQUIRE(lock != NULL);
  check_lock((void (*)(pthread_mutex_t *))lock);
}

/* The library's mutex is in memory that has been another one's, at each load anew. */
static void unloaded(void) {
  const char *const path = getenv("TRAP_LIBRARY");
  REQUIRE(path != NULL);
  for (int i = 0; i < 50; i++) {
    void *const library = dlopen(path, RTLD_NOW);
    REQUIRE(library != NULL);
    void *const count = dlsym(library, "deep_count");
    REQUIRE(count != NULL && ((int (*)(void))count)() == 2); /* its constructor was the first */
    REQUIRE(dlclose(library) == 0);
  }
}

/* A constructor of a library runs before those of one that is preloaded. */
static void held_since_before_main(void) {
  REQUIRE(pthread_mutex_trylock(&early_mutex) == EBUSY && pthread_mutex_unlock(&early_mutex) == 0);
  REQUIRE(pthread_mutex_trylock(&early_mutex) == 0 && pthread_mutex_unlock(&early_mutex) == 0);
}

static int (*looked_up)(pthread_mutex_t *);
static void lock_looked_up(pthread_mutex_t *given) { REQUIRE(looked_up(given) == 0); }

static void looked_up_in_libc(void) {
  void *const libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
  void *const handles[] = {libc, RTLD_DEFAULT};
  for (int i = 0; i < 2; i++) {
    REQUIRE(libc != NULL);
    looked_up = (int (*)(pthread_mutex_t *))dlsym(handles[i], "pthread_mutex_lock");
    check_lock(lock_looked_up);
  }
  REQUIRE(dlsym(RTLD_NEXT, "malloc") != NULL && dlsym(libc, "no_such_function") == NULL && dlerror() != NULL);
}

static void *hold_for_ever(void *nothing) {
  pthread_mutex_lock(&mutex);
  atomic_store(&is_over, true);
  for (;;) pause();
  return nothing;
}

static void ends_while_locked(void) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    atomic_store(&is_over, false);
    trap_start(hold_for_ever, NULL);
    while (!atomic_load(&is_over)) usleep(100);
    exit(0);
  }
  require_child(child);
}

const struct trap traps_of_processes[] = {{"forked", forked},
                                          {"forked-twice", forked_twice},
                                          {"held-at-a-fork", held_at_a_fork},
                                          {"spawned", spawned},
                                          {"shared-by-processes", shared_by_processes},
                                          {"robust", robust},
                                          {"many-threads", many_threads},
                                          {"destructors", destructors},
                                          {"held-by-the-dead", held_by_the_dead},
                                          {"in-a-handler", in_a_handler},
                                          {"bound-deeply", bound_deeply},
                                          {"looked-up-in-libc", looked_up_in_libc},
                                          {"ends-while-locked", ends_while_locked},
                                          {"unloaded", unloaded},
                                          {"held-since-before-main", held_since_before_main},
                                          {NULL, NULL}};
