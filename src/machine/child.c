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

#include "clock.h"
#include "message.h"

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

/* Waits until the child has closed the pipe by ending. False if the time is over before. */
static bool wait_for_end(int pipe_fd, double limit_s) {
  const uint64_t deadline_ns = clock_now_ns() + (uint64_t)(limit_s * 1e9);
  for (;;) {
    const uint64_t now_ns = clock_now_ns();
    if (now_ns >= deadline_ns) return false;
    const uint64_t left_ms = (deadline_ns - now_ns) / 1000000 + 1;
    struct pollfd end = {.fd = pipe_fd};
    const int n = poll(&end, 1, left_ms > 1000000 ? 1000000 : (int)left_ms);
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
  }
}

int child_run(void (*body)(void *), void *argument, double limit_s, struct child_end *end) {
  int alive[2];
  if (pipe(alive) != 0) {
    const int error = errno;
    message_error("cannot start a process: %s", strerror(error));
    return error;
  }
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
    *end = (struct child_end){.is_in_time = wait_for_end(alive[0], limit_s), .limit_s = limit_s};
    if (!end->is_in_time) kill(child, SIGKILL);
    while (wait4(child, &end->status, 0, &rusage) < 0 && errno == EINTR) {
    }
    end->peak_rss_bytes = (double)rusage.ru_maxrss * 1024;
  } else {
    message_error("cannot start a process: %s", strerror(error));
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

void *child_share(size_t n_bytes) {
  void *memory = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

void child_unshare(void *memory, size_t n_bytes) { munmap(memory, n_bytes); }
