// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "trap.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static bool is_go; /* this and below: guarded by the mutex */
static int n_waiting;

static void *wait_for_go(void *nothing) {
  pthread_mutex_lock(&mutex);
  n_waiting++;
  while (!is_go) REQUIRE(pthread_cond_wait(&cond, &mutex) == 0);
  n_waiting--;
  pthread_mutex_unlock(&mutex);
  return nothing;
}

static void wait_until_waiting(int n) {
  for (int now = -1; now != n; usleep(100)) {
    pthread_mutex_lock(&mutex);
    now = n_waiting;
    pthread_mutex_unlock(&mutex);
  }
}

static void set_go(bool value) {
  pthread_mutex_lock(&mutex);
  is_go = value;
  pthread_mutex_unlock(&mutex);
}

/* Signalled without the mutex, which POSIX allows. */
static void broadcast(void) {
  enum { N = 8 };
  for (int round = 0; round < 30; round++) {
    pthread_t threads[N];
    set_go(false);
    for (int i = 0; i < N; i++) threads[i] = trap_start(wait_for_go, NULL);
    wait_until_waiting(N);
    set_go(true);
    if (round % 2 == 0)
      pthread_cond_broadcast(&cond);
    else
      for (int i = 0; i < N; i++) pthread_cond_signal(&cond);
    for (int i = 0; i < N; i++) trap_join(threads[i]);
    REQUIRE(n_waiting == 0);
  }
}

/* A bounded queue: every item comes through, whoever waits. */
static struct {
  pthread_cond_t has_room, has_item;
  int n, taken;
} queue = {PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
enum { N_ITEMS = 20000 };

static void *take_items(void *nothing) {
  for (int i = 0; i < N_ITEMS; i++) {
    pthread_mutex_lock(&mutex);
    while (queue.n == 0) pthread_cond_wait(&queue.has_item, &mutex);
    queue.n--, queue.taken++;
    pthread_cond_signal(&queue.has_room);
    pthread_mutex_unlock(&mutex);
  }
  return nothing;
}

static void a_queue(void) {
  const pthread_t a = trap_start(take_items, NULL), b = trap_start(take_items, NULL);
  for (int i = 0; i < 2 * N_ITEMS; i++) {
    pthread_mutex_lock(&mutex);
    while (queue.n == 3) pthread_cond_wait(&queue.has_room, &mutex);
    queue.n++;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&queue.has_item);
  }
  trap_join(a), trap_join(b);
  REQUIRE(queue.taken == 2 * N_ITEMS && queue.n == 0);
}

static void check_timeout(pthread_cond_t *waited_for, clockid_t clock, bool names_clock) {
  const double start = trap_now();
  struct timespec deadline = trap_in_ms(clock, 40);
  const int error = names_clock ? pthread_cond_clockwait(waited_for, &mutex, clock, &deadline)
                                : pthread_cond_timedwait(waited_for, &mutex, &deadline);
  REQUIRE(error == ETIMEDOUT && trap_now() - start > 0.039);
  REQUIRE(pthread_mutex_trylock(&mutex) == EBUSY); /* it is ours again */
}

static void deadlines(void) {
  pthread_condattr_t attributes;
  pthread_cond_t monotonic;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&monotonic, &attributes);
  pthread_mutex_lock(&mutex);
  check_timeout(&cond, CLOCK_REALTIME, false);
  check_timeout(&monotonic, CLOCK_MONOTONIC, false);
  check_timeout(&cond, CLOCK_MONOTONIC, true);
  check_timeout(&cond, CLOCK_REALTIME, true);
  struct timespec wrong = {0, 1000000000}, before_all_time = {-5, 0};
  REQUIRE(pthread_cond_timedwait(&cond, &mutex, &wrong) == EINVAL);
  REQUIRE(pthread_cond_timedwait(&cond, &mutex, &before_all_time) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);
  REQUIRE(pthread_cond_destroy(&monotonic) == 0);
}

/* Timed waits that race with signals: no signal that somebody could have had is lost. */
static int n_tokens;

static void *take_tokens(void *nothing) {
  for (int taken = 0; taken < 2000;) {
    pthread_mutex_lock(&mutex);
    struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 0);
    deadline.tv_nsec = deadline.tv_nsec < 999000000 ? deadline.tv_nsec + 50000 : deadline.tv_nsec;
    while (n_tokens == 0 && pthread_cond_timedwait(&cond, &mutex, &deadline) == 0) {
    }
    if (n_tokens > 0) n_tokens--, taken++;
    pthread_mutex_unlock(&mutex);
  }
  return nothing;
}

static void deadlines_that_race(void) {
  const pthread_t a = trap_start(take_tokens, NULL), b = trap_start(take_tokens, NULL);
  for (int i = 0; i < 4000; i++) {
    pthread_mutex_lock(&mutex);
    n_tokens++;
    pthread_mutex_unlock(&mutex);
    pthread_cond_signal(&cond);
  }
  trap_join(a), trap_join(b);
  REQUIRE(n_tokens == 0);
}

static void unlock_mine(void *argument) { REQUIRE(pthread_mutex_unlock(argument) == 0); }

static void *wait_until_cancelled(void *is_waiting) {
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock_mine, &mutex);
  atomic_store((atomic_bool *)is_waiting, true);
  for (;;) pthread_cond_wait(&cond, &mutex);
  pthread_cleanup_pop(1);
  return NULL;
}

/* Cancelled while it waits, a thread has the mutex in its handlers. */
static void cancelled(void) {
  for (int i = 0; i < 100; i++) {
    atomic_bool is_waiting = false;
    void *result;
    const pthread_t thread = trap_start(wait_until_cancelled, &is_waiting);
    while (!atomic_load(&is_waiting)) usleep(10);
    if (i % 2 == 0) usleep(300);
    if (i % 4 == 0) pthread_cond_signal(&cond);
    REQUIRE(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex);
  }
}

/* A signal that meets one which is cancelled goes to another. */
static void cancelled_when_signalled(void) {
  for (int i = 0; i < 100; i++) {
    atomic_bool is_waiting = false;
    set_go(false);
    const pthread_t victim = trap_start(wait_until_cancelled, &is_waiting);
    while (!atomic_load(&is_waiting)) usleep(10);
    const pthread_t other = trap_start(wait_for_go, NULL);
    wait_until_waiting(1);
    set_go(true);
    pthread_cond_signal(&cond); /* to the victim, which came first; it goes on waiting, or is cancelled */
    pthread_cancel(victim);
    pthread_join(victim, NULL);
    pthread_cond_signal(&cond);
    trap_join(other);
  }
}

struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t cond, *cond_elsewhere;
  bool is_open;
};

static void *pass(void *argument) {
  struct gate *const gate = argument;
  pthread_mutex_lock(&gate->mutex);
  while (!gate->is_open) pthread_cond_wait(&gate->cond, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
  return NULL;
}

/* A condition may be destroyed right after the broadcast, and its memory be used for something else. */
static void destroyed_after_broadcast(void) {
  for (int i = 0; i < 500; i++) {
    struct gate *const gate = calloc(1, sizeof *gate);
    pthread_mutex_init(&gate->mutex, NULL), pthread_cond_init(&gate->cond, NULL);
    const pthread_t a = trap_start(pass, gate), b = trap_start(pass, gate);
    if (i % 2 == 0) usleep(100);
    pthread_mutex_lock(&gate->mutex);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->cond);
    pthread_cond_destroy(&gate->cond);
    memset(&gate->cond, 0xff, sizeof gate->cond);
    pthread_mutex_unlock(&gate->mutex);
    trap_join(a), trap_join(b);
    free(gate);
  }
}

/* Those that a broadcast has woken need the mutex, one after the other, and may come to their deadlines meanwhile; the
   condition is gone then. So it is with those that are on their way out when it is destroyed. */
static void *pass_until(void *argument) {
  struct gate *const gate = argument;
  const struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 5);
  pthread_mutex_lock(&gate->mutex);
  for (int error = 0; !gate->is_open && error == 0;)
    error = pthread_cond_timedwait(gate->cond_elsewhere, &gate->mutex, &deadline);
  pthread_mutex_unlock(&gate->mutex);
  return NULL;
}

static void deadlines_after_broadcast(void) {
  enum { N = 4 };
  for (int i = 0; i < 40; i++) {
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .is_open = false};
    pthread_t threads[N];
    pthread_cond_t *const elsewhere = gate.cond_elsewhere =
        mmap(NULL, sizeof *elsewhere, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pthread_cond_init(elsewhere, NULL) == 0);
    for (int n = 0; n < N; n++) threads[n] = trap_start(pass_until, &gate);
    usleep(i % 2 == 0 ? 2000 : 4900);
    pthread_mutex_lock(&gate.mutex);
    gate.is_open = true;
    pthread_cond_broadcast(elsewhere);
    REQUIRE(pthread_cond_destroy(elsewhere) == 0);
    munmap(elsewhere, sizeof *elsewhere);
    usleep(6000);
    pthread_mutex_unlock(&gate.mutex);
    for (int n = 0; n < N; n++) trap_join(threads[n]);
  }
}

static void ignore(int number) { (void)number; }

static void interrupted(void) {
  const struct sigaction action = {.sa_handler = ignore};
  sigaction(SIGUSR1, &action, NULL);
  set_go(false);
  const pthread_t thread = trap_start(wait_for_go, NULL);
  for (int i = 0; i < 200; i++) {
    pthread_kill(thread, SIGUSR1);
    usleep(50);
  }
  set_go(true);
  pthread_cond_signal(&cond);
  trap_join(thread);
}

static void with_other_mutexes(void) {
  static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  pthread_mutexattr_t attributes;
  pthread_mutex_t robust, checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_mutex_t *const mutexes[] = {&recursive, &checking, &robust};
  for (int i = 0; i < 3; i++) {
    const struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 10);
    pthread_mutex_lock(mutexes[i]);
    REQUIRE(pthread_cond_timedwait(&cond, mutexes[i], &deadline) == ETIMEDOUT);
    REQUIRE(pthread_mutex_unlock(mutexes[i]) == 0);
  }
  const struct timespec deadline = trap_in_ms(CLOCK_REALTIME, 10);
  REQUIRE(pthread_cond_timedwait(&cond, &checking, &deadline) == EPERM); /* which the caller does not hold */
  REQUIRE(pthread_cond_signal(&cond) == 0);
}

const struct trap traps_of_conditions[] = {{"broadcast", broadcast},
                                           {"queue", a_queue},
                                           {"cond-deadlines", deadlines},
                                           {"cond-deadlines-race", deadlines_that_race},
                                           {"cancelled", cancelled},
                                           {"cancelled-when-signalled", cancelled_when_signalled},
                                           {"destroyed-after-broadcast", destroyed_after_broadcast},
                                           {"deadlines-after-broadcast", deadlines_after_broadcast},
                                           {"interrupted", interrupted},
                                           {"with-other-mutexes", with_other_mutexes},
                                           {NULL, NULL}};
