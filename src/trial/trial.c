// SPDX-License-Identifier: MIT
#include "trial.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "crew.h"
#include "invariants.h"
#include "machine/child.h"
#include "message.h"
#include "noise.h"

const char *const trial_status_names[] = {"ok", "noisy", "disturbed", "timeout", "crashed", "broken", "invalid"};

const struct trial_waits trial_waits_unmeasured = {
    NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, {NAN, NAN, NAN, NAN, NAN, NAN},
};

/* What the trial's process leaves behind for its parent. */
struct mailbox {
  struct trial_result result;
  bool is_complete;
  struct workload_key state[];
};

/* What the trial's process is told. */
struct order {
  const struct trial *trial;
  struct mailbox *mailbox;
};

static void run_crew(void *argument) {
  const struct order *order = argument;
  trial_host *const host = order->trial->host != NULL ? order->trial->host : crew_run;
  host(order->trial, &order->mailbox->result, order->mailbox->state);
  order->mailbox->is_complete = true;
}

static void set_unmeasured(struct trial_result *result) {
  *result = (struct trial_result){
      .status = TRIAL_CRASHED,
      .duration_s = NAN,
      .overlap_pct = NAN,
      .standstill_s = NAN,
      .ticks_ahead_s = NAN,
      .fairness = {NAN, NAN, NAN},
      .waits = trial_waits_unmeasured,
      .usage = {NAN, NAN, NAN},
      .migrations = NAN,
      .steal_pct = NAN,
      .throttled_pct = NAN,
      .n_due = NAN,
      .line_ns = NAN,
      .peak_rss_bytes = NAN,
  };
}

bool trial_is_saturated(const struct trial *trial, const struct trial_result *result) {
  const double n_left_over = result->n_due - (double)(result->n_reads + result->n_writes);
  return n_left_over > 0.05 * result->n_due && n_left_over > 2.0 * trial->workload.n_threads;
}

/* What is not true is not a measurement, and is left out as such. */
static void validate(const struct trial *trial, struct trial_result *result) {
  char why[sizeof result->why];
  if (result->status != TRIAL_OK || invariants_hold(trial, result, why, sizeof why)) return;
  const double line_ns = result->line_ns;
  set_unmeasured(result);
  result->status = TRIAL_INVALID;
  result->line_ns = line_ns;
  snprintf(result->why, sizeof result->why, "the numbers contradict each other, which is a fault of lockbench: %.120s",
           why);
}

/* How it ended that is not complete. */
static void explain_end(const struct child_end *end, struct trial_result *result) {
  if (!end->is_in_time) {
    result->status = TRIAL_TIMEOUT;
  } else if (child_was_ended_from_outside(end)) {
    char how[sizeof result->why];
    snprintf(how, sizeof how, "%s", result->why);
    result->status = TRIAL_DISTURBED;
    snprintf(result->why, sizeof result->why, "%.120s, which somebody else or a want of memory sends", how);
  }
}

bool trial_is_to_be_repeated(const struct trial_result *result) {
  return result->status == TRIAL_NOISY || result->status == TRIAL_DISTURBED;
}

static void listen_for_noise(const struct trial *trial, bool is_last_try, struct trial_result *result) {
  char why[sizeof result->why];
  if (result->status != TRIAL_OK || trial->host != NULL) return;
  const enum noise noise = noise_of(trial, result, why, sizeof why);
  if (noise == NOISE_NONE || (noise == NOISE_TOLD && is_last_try)) return;
  result->status = TRIAL_NOISY;
  memcpy(result->why, why, sizeof why);
}

int trial_run(const struct trial *trial, bool is_last_try, struct trial_result *result, struct workload_key *state) {
  const size_t state_bytes = trial->workload.n_keys * sizeof(struct workload_key);
  const size_t n_bytes = sizeof(struct mailbox) + state_bytes;
  struct mailbox *mailbox = child_share(n_bytes);
  if (mailbox == NULL) {
    message_error("cannot prepare a trial: %s", strerror(errno));
    return errno;
  }
  set_unmeasured(&mailbox->result);
  struct order order = {.trial = trial, .mailbox = mailbox};
  struct child_end end;
  const int error = child_run(run_crew, &order, trial->warmup_s + trial->duration_s + trial->timeout_s, &end);
  if (error == 0) {
    set_unmeasured(result);
    result->line_ns = mailbox->result.line_ns;
    if (child_has_returned(&end, result->why, sizeof result->why) && mailbox->is_complete)
      *result = mailbox->result;
    else
      explain_end(&end, result);
    validate(trial, result);
    listen_for_noise(trial, is_last_try, result);
    result->peak_rss_bytes = end.peak_rss_bytes;
    if (state != NULL) memcpy(state, mailbox->state, state_bytes);
  } else if (error == EAGAIN || error == ENOMEM) {
    set_unmeasured(result);
    result->status = TRIAL_DISTURBED;
    snprintf(result->why, sizeof result->why, "cannot start a process: %s", strerror(error));
  } else {
    message_error("cannot start a process: %s", strerror(error));
  }
  child_unshare(mailbox, n_bytes);
  return error == EAGAIN || error == ENOMEM ? 0 : error;
}
