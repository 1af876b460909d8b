// SPDX-License-Identifier: MIT
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "patience.h"

/* In the child. `parent` tells whether it has ended already, and then its death is no signal any more. */
static _Noreturn void be_child(void (*body)(void *), void *argument, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a crash is a row; hundreds of core files are of no help */
  body(argument);
  _exit(0);
}

/* Whether the child is stopped now, by a signal or a debugger; `was` tells whether it was when this was last asked. */
static bool is_stopped(pid_t child, bool was) {
  siginfo_t change = {0};
  while (waitid(P_PID, (id_t)child, &change, WSTOPPED | WCONTINUED | WNOHANG) == 0 && change.si_pid == child) {
    was = change.si_code != CLD_CONTINUED;
    change.si_pid = 0;
  }
  return was;
}

/*
 * Waits until the child has closed the pipe by ending. False if the time is over before, in which a stop of the child,
 * or of all, does not count.
 */
static bool wait_for_end(pid_t child, int pipe_fd, double limit_s) {
  const uint64_t limit_ns = (uint64_t)(limit_s * 1e9);
  struct patience patience = patience_begin();
  bool stands_still = false;
  for (;;) {
    const uint64_t left_ns = limit_ns - patience.spent_ns;
    const int look_ns = left_ns < PATIENCE_LOOK_NS ? (int)left_ns : PATIENCE_LOOK_NS;
    struct pollfd end = {.fd = pipe_fd};
    const int n = poll(&end, 1, look_ns / 1000000 + 1);
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
    stands_still = is_stopped(child, stands_still);
    if (stands_still)
      patience_excuse(&patience, clock_now_ns());
    else if (patience_spend(&patience, clock_now_ns()) >= limit_ns)
      return false;
  }
}

int child_run(void (*body)(void *), void *argument, double limit_s, struct child_end *end) {
  int alive[2];
  if (pipe(alive) != 0) return errno;
  fflush(NULL); /* or the child would hold a second copy of what is not yet written */
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(alive[0]);
    be_child(body, argument, parent);
  }
  const int error = child < 0 ? errno : 0;
  close(alive[1]);
  if (error == 0) {
    struct rusage rusage;
    *end = (struct child_end){.is_in_time = wait_for_end(child, alive[0], limit_s), .limit_s = limit_s};
    if (!end->is_in_time) kill(child, SIGKILL);
    while (wait4(child, &end->status, 0, &rusage) < 0 && errno == EINTR) {
    }
    end->peak_rss_bytes = (double)rusage.ru_maxrss * 1024;
  }
  close(alive[0]);
  return error;
}

bool child_has_returned(const struct child_end *end, char *why, size_t why_bytes) {
  if (!end->is_in_time)
    snprintf(why, why_bytes, "did not end within %.3g s and was killed", end->limit_s);
  else if (WIFSIGNALED(end->status))
    snprintf(why, why_bytes, "died of signal %d (%s)", WTERMSIG(end->status), strsignal(WTERMSIG(end->status)));
  else if (WEXITSTATUS(end->status) != 0)
    snprintf(why, why_bytes, "ended with exit code %d", WEXITSTATUS(end->status));
  else
    return true;
  return false;
}

bool child_was_ended_from_outside(const struct child_end *end) {
  if (!end->is_in_time || !WIFSIGNALED(end->status)) return false;
  const int number = WTERMSIG(end->status);
  return number == SIGKILL || number == SIGXCPU;
}

void *child_share(size_t n_bytes) {
  void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void child_unshare(void *memory, size_t n_bytes) { munmap(memory, n_bytes); }
