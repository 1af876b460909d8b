// SPDX-License-Identifier: MIT
/* What the model is told comes out of it again: the transfers of the profile as guests measure them. */
#include "simulate/ping_pong.h"
#include "check.h"
#include "simulate/arena.h"
#include "two_sockets.h"

int main(void) {
  static struct two_sockets machine;
  two_sockets_make(&machine, two_sockets_json);
  CHECK_EQ(0, arena_open());
  /* A hand-over by compare-and-swap is one transfer and the operation itself, which is 5 ns here. */
  CHECK_NEAR(55, ping_pong_swap_ns(&machine.model, 0, 2), 0.06);
  CHECK_NEAR(105, ping_pong_swap_ns(&machine.model, 0, 4), 0.06);
  /* By store and load it is two: the load's 0.9, and the store's that takes the copy away. */
  CHECK_NEAR(50 * 1.9, ping_pong_ns(&machine.model, 0, 2), 0.15);
  CHECK_NEAR(100 * 1.9, ping_pong_ns(&machine.model, 0, 6), 0.15);
  return check_result();
}
