// SPDX-License-Identifier: MIT
/*
 * stress_step.c: stops a thread between two instructions of the lock's code. Signals and other programs stop it at any
 * time, which is hardly ever in a window of one instruction; here one is as likely as the next. x86 has a flag for it,
 * which user code may set: the thread traps after each instruction. Elsewhere nothing is stopped.
 */
#include "stress_step.h"

#ifdef __x86_64__

#include <errno.h>
#include <signal.h>
#include <sys/ucontext.h>
#include <time.h>
#include <unistd.h>

/* The way into the lock's code, a dozen, and the fast path of most. */
enum { TRAP_FLAG = 1 << 8, MAX_STEPS = 64, MAX_STOP_NS = 50000 };

/* Instructions still to come before the stop, and how long it is: between this thread and its own handler. */
static _Thread_local volatile sig_atomic_t n_steps;
static _Thread_local volatile long stop_ns;

static void on_step(int signal, siginfo_t *info, void *context) {
  greg_t *const flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];
  (void)signal, (void)info;
  *flags &= ~(greg_t)TRAP_FLAG;
  if (n_steps == 0) return;
  n_steps--;
  if (n_steps > 0) {
    *flags |= TRAP_FLAG;
    return;
  }
  const int error = errno;
  nanosleep(&(struct timespec){.tv_nsec = stop_ns}, NULL);
  errno = error;
}

void stress_prepare_steps(void) {
  sigaction(SIGTRAP, &(struct sigaction){.sa_sigaction = on_step, .sa_flags = SA_SIGINFO}, NULL);
}

static uint32_t draw(struct random_state *random) { return (uint32_t)(random_next(random) >> 32); }

void stress_stop_soon(struct random_state *random) {
  /* Drawn twice, so that a near stop comes more often than a far one: under a hypervisor a trap takes up to 30 us. */
  const uint32_t n_most = random_below(draw(random), MAX_STEPS);
  n_steps = 2 + (sig_atomic_t)random_below(draw(random), 1 + n_most); /* the first is the signal */
  stop_ns = random_below(draw(random), MAX_STOP_NS);
  (void)tgkill(getpid(), gettid(), SIGTRAP); /* the handler sets the flag, which comes into force on its return */
}

void stress_stop_no_more(void) { n_steps = 0; }

#else

void stress_prepare_steps(void) {}

void stress_stop_soon(struct random_state *random) { (void)random; }

void stress_stop_no_more(void) {}

#endif
