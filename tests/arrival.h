// SPDX-License-Identifier: MIT
/*
 * arrival.h: is a thread that was about to ask for a lock in line by now? Of no lock can this be asked, so it is judged
 * by what the thread does: one that has been running for a millisecond since then spins, one that sleeps is parked.
 * Neither is a matter of how fast this machine happens to be.
 */
#ifndef ARRIVAL_H
#define ARRIVAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* Zero before the first. */
struct arrival {
  pthread_t thread;
  pid_t thread_id;
  long cpu_ns;               /* the thread's own CPU time when it was about to ask */
  _Atomic(bool) is_arriving; /* release and acquire: the others come with it */
};

/* By a thread that is about to ask, and does nothing else. */
void arrival_announce(struct arrival *arrival);

/*
 * By any thread, as long as that one has not ended; it may have got in already. Who sleeps at a lock that only spins is
 * not in line yet: the thread sanitizer makes it wait for the others that use the same atomic. So `may_sleep` is
 * whether the lock parks.
 */
bool arrival_is_in_line(const struct arrival *arrival, bool may_sleep);

#endif
