// SPDX-License-Identifier: MIT
/* services.h: what guests ask of the processor and the system by name (guest.h), and the time as they see it. */
#ifndef SERVICES_H
#define SERVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/clock.h"

/* A guest's clock when the simulation begins: not 0, which to some means that nothing has happened yet. */
enum { SERVICES_EPOCH_NS = 1000000000 };

/* Sections and think time pass by instructions, which a busy sibling slows down, and not by the clock. */
extern bool guest_counts_sections;

/* The scale of a guest's clock: a tick is a nanosecond. */
extern struct clock_scale guest_clock_scale;

static inline uint64_t services_ns(int64_t ps) { return SERVICES_EPOCH_NS + (uint64_t)ps / 1000; }

static inline int64_t services_ps(uint64_t ns) {
  return ns > SERVICES_EPOCH_NS ? (int64_t)(ns - SERVICES_EPOCH_NS) * 1000 : 0;
}

#endif
