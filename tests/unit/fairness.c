// SPDX-License-Identifier: MIT
/* Jain's index and the shares, against values worked out by hand. */
#include "trial/fairness.h"

#include "check.h"

static const double TINY = 1e-12;

#define FAIRNESS_OF(...)                                                                                               \
  fairness_of((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

int main(void) {
  struct fairness fairness = FAIRNESS_OF(7, 7, 7, 7);
  CHECK_NEAR(1, fairness.jain, TINY);
  CHECK_NEAR(0.25, fairness.min_share, TINY);
  CHECK_NEAR(0.25, fairness.max_share, TINY);

  fairness = FAIRNESS_OF(0, 0, 5, 0, 0);
  CHECK_NEAR(0.2, fairness.jain, TINY);
  CHECK_EQ(0, fairness.min_share);
  CHECK_NEAR(1, fairness.max_share, TINY);

  fairness = FAIRNESS_OF(3, 1);
  CHECK_NEAR(0.8, fairness.jain, TINY); /* 4^2 / (2 * (9 + 1)) */
  CHECK_NEAR(0.25, fairness.min_share, TINY);
  CHECK_NEAR(0.75, fairness.max_share, TINY);

  fairness = FAIRNESS_OF(42);
  CHECK_NEAR(1, fairness.jain, TINY);
  CHECK_NEAR(1, fairness.min_share, TINY);
  CHECK_NEAR(1, fairness.max_share, TINY);

  fairness = FAIRNESS_OF(UINT64_MAX, UINT64_MAX); /* neither the sum nor the squares may wrap round */
  CHECK_NEAR(1, fairness.jain, TINY);
  CHECK_NEAR(0.5, fairness.max_share, TINY);

  fairness = FAIRNESS_OF(0, 0, 0); /* no thread acquired anything: there is no share to tell */
  CHECK(isnan(fairness.jain) && isnan(fairness.min_share) && isnan(fairness.max_share));
  return check_result();
}
