// SPDX-License-Identifier: MIT
#include "line.h"

#include <stdlib.h>
#include <string.h>

struct counts tally;
struct line_traffic line_traffic;

bool line_begin(const struct model *model, uint64_t seed) {
  line_traffic = (struct line_traffic){.model = model,
                                       .flights = calloc(model->n_cores, sizeof *line_traffic.flights),
                                       .random = random_seed(seed, UINT64_C(2) << 32),
                                       .period = 1};
  return line_traffic.flights != NULL;
}

/* Longer or shorter by up to the model's noise. */
static int64_t noisy(int64_t ps) {
  const double noise = line_traffic.model->parameters.noise;
  const double sign = (double)(random_next(&line_traffic.random) >> 11) / (double)(UINT64_C(1) << 52) - 1;
  return ps + (int64_t)((double)ps * noise * sign);
}

static void count_miss(struct line *line, enum miss_kind kind, unsigned from, unsigned core) {
  const struct model *model = line_traffic.model;
  tally.n_lines += line->period != line_traffic.period;
  line->period = line_traffic.period;
  tally.n_misses[kind][from == model->n_cores ? FROM_MEMORY : model->distance[from * model->n_cores + core]]++;
}

/* The core that is farthest among those with a copy, `core` aside; n_cores if there is none. */
static unsigned find_farthest(const struct line *line, unsigned core, unsigned *n_others) {
  const struct model *model = line_traffic.model;
  unsigned found = model->n_cores;
  int64_t best = -1;
  *n_others = 0;
  for (unsigned word = 0; word < model->n_words; word++)
    for (uint64_t bits = line->sharers[word]; bits != 0; bits &= bits - 1) {
      const unsigned sharer = word * 64 + (unsigned)__builtin_ctzll(bits);
      if (sharer == core) continue;
      ++*n_others;
      const int64_t ps = model_transfer_ps(model, sharer, core);
      if (ps <= best) continue;
      best = ps;
      found = sharer;
    }
  return found;
}

/* The core with a copy that is nearest to `core`, which has none; n_cores if there is none. A crowd soon finds one. */
static unsigned find_nearest(const struct line *line, unsigned core) {
  const struct model *model = line_traffic.model;
  const uint16_t *const nearest = &model->nearest[core * model->n_cores];
  for (unsigned i = 0; i < model->n_cores; i++)
    if (line_is_in(line, nearest[i])) return nearest[i];
  return model->n_cores;
}

/* What a transfer to the core takes by itself, its queue aside. */
static int64_t exclusive_ps(struct line *line, unsigned core, enum miss_kind kind) {
  const struct model *model = line_traffic.model;
  unsigned n_others;
  const unsigned farthest = find_farthest(line, core, &n_others);
  const bool has_copy = line_is_in(line, core);
  int64_t ps = n_others > 0 ? model_transfer_ps(model, farthest, core) : has_copy ? 0 : model->memory_ps;
  if (n_others > 0 && line->owner == 0) {
    if (ps < model->broadcast_ps) ps = model->broadcast_ps;
    ps += model->invalidate_ps * n_others;
  }
  tally.n_invalidated += n_others;
  tally.n_upgrades += has_copy;
  line_traffic.period += line == line_traffic.data;
  if (n_others > 0 || !has_copy) count_miss(line, kind, farthest, core);
  return ps;
}

int64_t line_take(struct line *line, unsigned core, unsigned cpu, int64_t at_ps, enum miss_kind kind) {
  const struct model *model = line_traffic.model;
  struct flight *flight = &line_traffic.flights[core];
  if (flight->line == line && flight->is_exclusive && flight->until_ps > at_ps) {
    tally.n_merged++;
    return flight->until_ps;
  }
  int64_t ps = noisy(exclusive_ps(line, core, kind)), from = line->exclusive_until_ps;
  const bool has_to_queue = line->exclusive_until_ps > at_ps || line->reads_until_ps > at_ps;
  if (has_to_queue && model->has_contention) ps += (int64_t)((double)ps * model->parameters.contention);
  if (line->reads_until_ps > from)
    from += (int64_t)((double)(line->reads_until_ps - from) * (1 - model->parameters.bypass));
  const int64_t until = (from > at_ps ? from : at_ps) + ps;
  line->exclusive_until_ps = until + model->rmw_ps;
  if (line->reads_until_ps < line->exclusive_until_ps) line->reads_until_ps = line->exclusive_until_ps;
  memset(line->sharers, 0, model->n_words * sizeof *line->sharers);
  line->sharers[core / 64] = UINT64_C(1) << core % 64;
  line->n_sharers = 1;
  line->owner = (uint16_t)(core + 1);
  line->writer = (uint16_t)(cpu + 1);
  line->is_cached = true;
  *flight = (struct flight){line, until, true};
  return until;
}

/* From where a core without a copy gets one; n_cores: from memory. */
static unsigned source_of_copy(const struct line *line, unsigned core) {
  const struct model *model = line_traffic.model;
  if (!line->is_cached || line->n_sharers == 0) return model->n_cores;
  if (line->owner != 0) return line->owner - 1u;
  if (model->is_from_writer && line->writer != 0 && line_is_in(line, model->core_of[line->writer - 1u]))
    return model->core_of[line->writer - 1u];
  return find_nearest(line, core);
}

int64_t line_fetch(struct line *line, unsigned core, int64_t at_ps) {
  const struct model *model = line_traffic.model;
  struct flight *flight = &line_traffic.flights[core];
  if (flight->line == line && flight->until_ps > at_ps) {
    tally.n_merged++;
    return flight->until_ps;
  }
  int64_t from = line->exclusive_until_ps > line->reads_until_ps ? line->exclusive_until_ps : line->reads_until_ps;
  if (from < at_ps) from = at_ps;
  const unsigned source = source_of_copy(line, core);
  const bool is_shared = source < model->n_cores && line->owner == 0;
  count_miss(line, MISS_LOAD, source, core);
  const int64_t plain = source == model->n_cores
                            ? model->memory_ps
                            : (int64_t)((double)model_transfer_ps(model, source, core) * model->parameters.read_share);
  const int64_t ps = noisy(plain);
  line->reads_until_ps = from + (is_shared ? (int64_t)((double)plain * model->parameters.occupancy) : plain);
  line->owner = 0;
  if (source == model->n_cores) line->owner = (uint16_t)(core + 1); /* the only copy may be written */
  line->is_cached = true;
  line->sharers[core / 64] |= UINT64_C(1) << core % 64;
  line->n_sharers++;
  *flight = (struct flight){line, from + ps, false};
  return from + ps;
}
