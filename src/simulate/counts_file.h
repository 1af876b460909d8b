// SPDX-License-Identifier: MIT
/*
 * counts_file.h: counts.csv, beside the results.csv of a simulation: a row for each of its trials, by order_index, with
 * what the lines did in the window. All but the number of events (counts_events()) are for each operation.
 */
#ifndef COUNTS_FILE_H
#define COUNTS_FILE_H

#include <stdio.h>

#include "counts.h"
#include "trial/trial.h"

void counts_file_header(FILE *file);
void counts_file_row(FILE *file, unsigned order_index, unsigned repetition, const struct trial *trial,
                     const struct trial_result *result, const struct counts *counts);

/* Lines that moved to a core, for each operation; NAN without one. */
double counts_misses_per_op(const struct counts *counts, const struct trial_result *result);

#endif
