// SPDX-License-Identifier: MIT
#include "counts_file.h"

#include <math.h>

static const char *const kinds[N_MISS_KINDS] = {"loads", "stores", "rmws"};
static const char *const origins[N_ORIGINS] = {NULL, "smt", "llc", "node", "remote", "memory"};

static double n_ops(const struct trial_result *result) { return (double)(result->n_reads + result->n_writes); }

void counts_file_header(FILE *file) {
  fputs("order_index,lock,placement,threads,cs_ns,repetition,status,ops,events,accesses_per_op,misses_per_op", file);
  for (unsigned kind = 0; kind < N_MISS_KINDS; kind++)
    for (unsigned origin = 1; origin < N_ORIGINS; origin++)
      fprintf(file, ",%s_%s_per_op", kinds[kind], origins[origin]);
  fputs(",invalidated_per_op,upgrades_per_op,merged_per_op,sleeps_per_op,preemptions_per_op,handoffs_per_op,"
        "remote_handoff_pct,lines_per_handoff\n",
        file);
}

double counts_misses_per_op(const struct counts *counts, const struct trial_result *result) {
  uint64_t n = 0;
  for (unsigned kind = 0; kind < N_MISS_KINDS; kind++)
    for (unsigned origin = 0; origin < N_ORIGINS; origin++) n += counts->n_misses[kind][origin];
  return n_ops(result) > 0 ? (double)n / n_ops(result) : NAN;
}

static void put(FILE *file, double value) {
  fputc(',', file);
  if (!isnan(value)) fprintf(file, "%.6g", value);
}

void counts_file_row(FILE *file, unsigned order_index, unsigned repetition, const struct trial *trial,
                     const struct trial_result *result, const struct counts *counts) {
  const struct workload *workload = &trial->workload;
  const bool is_ok = result->status == TRIAL_OK;
  const double n = is_ok && n_ops(result) > 0 ? n_ops(result) : NAN;
  const double n_changes = is_ok && result->n_owner_changes > 0 ? (double)result->n_owner_changes : NAN;
  fprintf(file, "%u,%s,%s,%u,%llu,%u,%s", order_index, trial->lock->name, trial->placement->name, workload->n_threads,
          (unsigned long long)workload->cs_ns, repetition, trial_status_names[result->status]);
  put(file, is_ok ? n_ops(result) : NAN);
  put(file, is_ok ? (double)counts_events(counts) : NAN);
  put(file, (double)counts->n_accesses / n);
  put(file, is_ok ? counts_misses_per_op(counts, result) : NAN);
  for (unsigned kind = 0; kind < N_MISS_KINDS; kind++)
    for (unsigned origin = 1; origin < N_ORIGINS; origin++) put(file, (double)counts->n_misses[kind][origin] / n);
  put(file, (double)counts->n_invalidated / n);
  put(file, (double)counts->n_upgrades / n);
  put(file, (double)counts->n_merged / n);
  put(file, (double)counts->n_sleeps / n);
  put(file, (double)counts->n_preemptions / n);
  put(file, (double)result->n_owner_changes / n);
  put(file, 100 * (double)result->n_handoffs[DISTANCE_REMOTE] / n_changes);
  put(file, (double)counts->n_lines / n_changes);
  fputc('\n', file);
}
