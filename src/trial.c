// SPDX-License-Identifier: MIT
#include "trial.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "message.h"

const char *const trial_status_names[] = {"ok", "noisy", "timeout", "crashed", "broken"};

/* What the trial's process leaves behind for its parent. */
struct mailbox {
  struct trial_result result;
  bool is_complete;
  struct workload_key state[];
};

/* Never returns. `parent` and the alive end of the pipe tell the two processes of each other's end. */
static void be_child(const struct trial *trial, struct mailbox *mailbox, pid_t parent) {
  /* The trial dies with its parent, however that ends; and Ctrl-C is the parent's to answer. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a crash is a row; hundreds of core files help nobody */
  crew_run(trial, &mailbox->result, mailbox->state);
  mailbox->is_complete = true;
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

static void set_unmeasured(struct trial_result *result) {
  *result = (struct trial_result){
      .status = TRIAL_CRASHED,
      .duration_s = NAN,
      .overlap_pct = NAN,
      .fairness = {NAN, NAN, NAN},
      .waits = {NAN, NAN, NAN, NAN, NAN},
      .usage = {NAN, NAN, NAN},
      .migrations = NAN,
      .steal_pct = NAN,
      .line_ns = NAN,
      .peak_rss_bytes = NAN,
  };
}

/* How the child ended, where it did not say so itself. */
static void judge_end(struct trial_result *result, const struct mailbox *mailbox, bool is_in_time, int status,
                      double limit_s) {
  if (is_in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0 && mailbox->is_complete) {
    *result = mailbox->result;
    return;
  }
  set_unmeasured(result);
  result->line_ns = mailbox->result.line_ns;
  if (!is_in_time) {
    result->status = TRIAL_TIMEOUT;
    snprintf(result->why, sizeof result->why, "did not end within %.3g s and was killed", limit_s);
  } else if (WIFSIGNALED(status)) {
    snprintf(result->why, sizeof result->why, "died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
  } else {
    snprintf(result->why, sizeof result->why, "ended with exit code %d", WEXITSTATUS(status));
  }
}

int trial_run(const struct trial *trial, struct trial_result *result, struct workload_key *state) {
  const size_t state_bytes = trial->workload.n_keys * sizeof(struct workload_key);
  const size_t n_bytes = sizeof(struct mailbox) + state_bytes;
  struct mailbox *mailbox = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int alive[2];
  if (mailbox == MAP_FAILED || pipe(alive) != 0) {
    const int error = errno;
    message_error("cannot prepare a trial: %s", strerror(error));
    if (mailbox != MAP_FAILED) munmap(mailbox, n_bytes);
    return error;
  }
  set_unmeasured(&mailbox->result);
  fflush(NULL); /* or the child would hold a second copy of what is not yet written */
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    close(alive[0]);
    be_child(trial, mailbox, parent);
  }
  const int fork_error = errno;
  close(alive[1]);
  if (child > 0) {
    const double limit_s = trial->warmup_s + trial->duration_s + trial->timeout_s;
    const bool is_in_time = wait_for_end(alive[0], limit_s);
    if (!is_in_time) kill(child, SIGKILL);
    int status = 0;
    struct rusage rusage;
    while (wait4(child, &status, 0, &rusage) < 0 && errno == EINTR) {
    }
    judge_end(result, mailbox, is_in_time, status, limit_s);
    result->peak_rss_bytes = (double)rusage.ru_maxrss * 1024;
    if (state != NULL) memcpy(state, mailbox->state, state_bytes);
  } else {
    message_error("cannot start a trial's process: %s", strerror(fork_error));
  }
  close(alive[0]);
  munmap(mailbox, n_bytes);
  return child > 0 ? 0 : fork_error;
}
