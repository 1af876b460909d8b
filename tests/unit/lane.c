// SPDX-License-Identifier: MIT
/* A lane has every wait, when it was, whatever the time: slices become longer, and their sum stays. */
#include "lane.h"

#include "check.h"

static struct recording_lane lane;

static uint64_t slice(unsigned i) { return lane.waited[lane.n_doublings % 2][i]; }

static uint64_t sum(void) {
  uint64_t n = 0;
  for (unsigned i = 0; i < RECORDING_N_SLICES; i++) n += slice(i);
  return n;
}

int main(void) {
  const uint64_t one = UINT64_C(1) << RECORDING_SLICE_BITS;
  lane_add(&lane, 5, 12);
  CHECK_EQ(7, slice(0));
  lane_add(&lane, one - 3, 2 * one + 4); /* over three slices */
  CHECK_EQ(7 + 3, slice(0));
  CHECK_EQ(one, slice(1));
  CHECK_EQ(4, slice(2));
  lane_add(&lane, 9 * one, 9 * one);
  CHECK_EQ(0, slice(9));
  CHECK_EQ(0, lane.n_doublings);

  lane_add(&lane, RECORDING_N_SLICES * one - 1, RECORDING_N_SLICES * one + 1); /* one beyond the last */
  CHECK_EQ(1, lane.n_doublings);
  CHECK_EQ(10 + one, slice(0));
  CHECK_EQ(4, slice(1));
  CHECK_EQ(1, slice(RECORDING_N_SLICES / 2 - 1));
  CHECK_EQ(1, slice(RECORDING_N_SLICES / 2));

  const uint64_t before = sum(), year = UINT64_C(1) << 57;
  lane_add(&lane, year, year + 1000);
  CHECK_EQ(before + 1000, sum());
  CHECK_EQ(before, slice(0));
  CHECK(slice(RECORDING_N_SLICES / 2) == 1000);
  return check_result();
}
