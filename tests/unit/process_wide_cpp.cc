// SPDX-License-Identifier: MIT
#include "process_wide.h"

#include "twa.h"

const void *process_wide_in_cpp(void) { return &lk_twa_moves[0]; }

void process_wide_enter_in_cpp(struct lk_twa *lock) {
  struct lk_twa_ctx ctx;
  if (!lk_twa_ctx_init(lock, &ctx, nullptr)) return;
  lk_twa_lock(lock, &ctx);
  lk_twa_unlock(lock, &ctx);
  lk_twa_ctx_destroy(lock, &ctx);
}
