// SPDX-License-Identifier: MIT
#include "priority.h"

#include <sched.h>
#include <stdio.h>

#ifndef SCHED_DEADLINE /* glibc has it since 2.41 */
#define SCHED_DEADLINE 6
#endif

struct schedule {
  int policy; /* of the threads and processes that this one makes */
  int priority;
};

static struct schedule schedule_now(void) {
  struct sched_param parameters = {0};
  const int policy = sched_getscheduler(0);
  sched_getparam(0, &parameters);
  if (policy & SCHED_RESET_ON_FORK) return (struct schedule){SCHED_OTHER, 0};
  return (struct schedule){policy, parameters.sched_priority};
}

bool priority_is_real_time(char *name, size_t name_bytes) {
  const struct schedule now = schedule_now();
  *name = '\0';
  if (now.policy == SCHED_DEADLINE)
    snprintf(name, name_bytes, "SCHED_DEADLINE");
  else if (now.policy == SCHED_FIFO || now.policy == SCHED_RR)
    snprintf(name, name_bytes, "%s %d", now.policy == SCHED_FIFO ? "SCHED_FIFO" : "SCHED_RR", now.priority);
  return *name != '\0';
}

bool priority_has_room(char *why, size_t why_bytes) {
  char name[32];
  if (!priority_is_real_time(name, sizeof name) || schedule_now().priority > 1) return true;
  snprintf(why, why_bytes,
           "scheduled as %s, below which there is no priority for the workers, which would keep the CPUs from who "
           "watches them; use chrt -f or chrt -r with a priority of 2 to 99, or no chrt",
           name);
  return false;
}

void priority_lower(pthread_attr_t *attributes) {
  const struct schedule now = schedule_now();
  if (now.policy != SCHED_FIFO && now.policy != SCHED_RR) return;
  pthread_attr_setinheritsched(attributes, PTHREAD_EXPLICIT_SCHED);
  pthread_attr_setschedpolicy(attributes, now.policy);
  pthread_attr_setschedparam(attributes, &(struct sched_param){.sched_priority = now.priority - 1});
}
