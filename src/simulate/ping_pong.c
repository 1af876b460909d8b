// SPDX-License-Identifier: MIT
#include "ping_pong.h"

#include "arena.h"
#include "line.h"
#include "system.h"
#include "trial/memory.h"

enum { N_PASSES = 200, SEED = 1 };

static double play(const struct model *model, unsigned cpu_a, unsigned cpu_b, void (*even)(void *),
                   void (*odd)(void *)) {
  const double limit_ns = 1e9;
  struct court *court = arena_take(sizeof *court, MEMORY_PAGE_BYTES);
  if (court == NULL || !line_begin(model, SEED) || system_begin(model, 2, SEED) != 0) return 0;
  *court = (struct court){.n_passes = N_PASSES};
  if (system_start_thread(even, court, cpu_a, 0) != 0 || system_start_thread(odd, court, cpu_b, 0) != 0) return 0;
  if (system_run(model_ps(limit_ns)) != SYSTEM_ALL_OVER) return 0;
  return (double)guests.threads[0].now_ps / 1000 / N_PASSES;
}

double ping_pong_ns(const struct model *model, unsigned cpu_a, unsigned cpu_b) {
  return play(model, cpu_a, cpu_b, ping_pong_store_even, ping_pong_store_odd);
}

double ping_pong_swap_ns(const struct model *model, unsigned cpu_a, unsigned cpu_b) {
  return play(model, cpu_a, cpu_b, ping_pong_swap_even, ping_pong_swap_odd);
}
