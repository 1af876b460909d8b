// SPDX-License-Identifier: MIT
/* lane.h: when a thread waited, over the program's whole life, in as much memory however long that is. */
#ifndef PRELOAD_LANE_H
#define PRELOAD_LANE_H

#include <stdint.h>

#include "recording.h"

/* A wait of the thread that the lane belongs to, in ticks since the recording's start. */
void lane_add(struct recording_lane *lane, uint64_t start, uint64_t end);

#endif
