// SPDX-License-Identifier: MIT
/*
 * To be preloaded: a kernel that extends time slices, as Linux 7.0 documents it, for a system that does not. A timer of
 * a thread's CPU time stands for the end of its slice: the handler runs on the thread, between two instructions, as the
 * kernel does. What happens is counted in the file $FAKE_KERNEL_COUNTS, for all processes.
 *
 * The C library's struct rseq has 32 bytes at least, of which a kernel without time slice extensions leaves the last
 * four alone: all that has to be feigned is that they may be used.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PRCTL = 79, YIELD = 471, CONTROL_AT = 28, SLICE_NS = 2000000 };

struct counts {
  _Atomic(uint64_t) n_enabled, n_granted, n_yielded;
};

const unsigned int __rseq_size = 33;

static struct counts *counts;

/* request, granted */
static volatile unsigned char *control(void) {
  return (unsigned char *)__builtin_thread_pointer() + __rseq_offset + CONTROL_AT;
}

static void end_slice(int number) {
  (void)number;
  volatile unsigned char *const of_thread = control();
  if (of_thread[0] == 0) return; /* another thread would run now */
  of_thread[0] = 0;
  of_thread[1] = 1;
  atomic_fetch_add_explicit(&counts->n_granted, 1, memory_order_relaxed);
}

static void start_slices(void) {
  const int number = SIGRTMIN + 7;
  struct sigaction action = {.sa_handler = end_slice, .sa_flags = SA_RESTART};
  sigaction(number, &action, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number};
  event._sigev_un._tid = gettid();
  const struct itimerspec each = {{0, SLICE_NS}, {0, SLICE_NS}};
  timer_t timer;
  if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) != 0 || timer_settime(timer, 0, &each, NULL) != 0) abort();
}

int prctl(int what, ...) {
  unsigned long argument[4];
  va_list arguments;
  va_start(arguments, what);
  for (unsigned i = 0; i < 4; i++) argument[i] = va_arg(arguments, unsigned long);
  va_end(arguments);
  if (what != PRCTL) return (int)syscall(SYS_prctl, (long)what, argument[0], argument[1], argument[2], argument[3]);
  control()[0] = control()[1] = 0;
  atomic_fetch_add_explicit(&counts->n_enabled, 1, memory_order_relaxed);
  if (gettid() != getpid()) start_slices(); /* the first thread never asks, and sleeps, which signals would end */
  return 0;
}

long syscall(long number, ...) {
  static long (*real)(long, ...);
  long argument[6];
  va_list arguments;
  va_start(arguments, number);
  for (unsigned i = 0; i < 6; i++) argument[i] = va_arg(arguments, long);
  va_end(arguments);
  if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "syscall");
  if (number != YIELD)
    return real(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
  volatile unsigned char *const of_thread = control();
  if (of_thread[0] != 0) raise(SIGSEGV); /* as the kernel does */
  of_thread[1] = 0;
  atomic_fetch_add_explicit(&counts->n_yielded, 1, memory_order_relaxed);
  return 1;
}

__attribute__((constructor)) static void open_counts(void) {
  const char *path = getenv("FAKE_KERNEL_COUNTS");
  const int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  void *const memory = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) abort();
  close(file);
  counts = memory;
}
