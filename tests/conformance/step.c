// SPDX-License-Identifier: MIT
#include "step.h"

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && !defined(IS_SANITIZED)

#include <errno.h>
#include <signal.h>
#include <sys/ucontext.h>

enum { TRAP_FLAG = 1 << 8 };

/* Between a thread and its own handler. */
static _Thread_local volatile sig_atomic_t n_left;
static _Thread_local void (*volatile act)(void *argument);
static _Thread_local void *volatile act_on;

static void on_step(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  if (n_left > 0 && --n_left > 0) return; /* the flag is still set, and in force again on our return */
  ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
  if (act == NULL) return;
  const int error = errno;
  act(act_on);
  act = NULL;
  errno = error;
}

const char *step_why_not(void) {
  sigaction(SIGTRAP, &(struct sigaction){.sa_sigaction = on_step, .sa_flags = SA_SIGINFO}, NULL);
  return NULL;
}

void step_begin(unsigned n, void (*at_stop)(void *argument), void *argument) {
  act = at_stop;
  act_on = argument;
  n_left = (sig_atomic_t)n + 2; /* the last instruction below, and the return */
  /* Below the 128 bytes that belong to a function without a frame. */
  __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                   "pushfq\n\t"
                   "orq %0, (%%rsp)\n\t"
                   "popfq\n\t"
                   "lea 128(%%rsp), %%rsp" ::"i"(TRAP_FLAG)
                   : "memory", "cc");
}

void step_end(void) {
  act = NULL;
  n_left = 0;
}

#else

const char *step_why_not(void) { return "threads are stepped on x86-64 only, and not under sanitizers"; }

void step_begin(unsigned n, void (*at_stop)(void *argument), void *argument) { (void)n, (void)at_stop, (void)argument; }

void step_end(void) {}

#endif
