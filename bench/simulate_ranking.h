// SPDX-License-Identifier: MIT
/* simulate_ranking.h: which locks the draws of a simulation put in one order, and between which they do not agree. */
#ifndef SIMULATE_RANKING_H
#define SIMULATE_RANKING_H

#include "matrix.h"

/* How many draws there must be, and which share of them must agree on who of two is the faster. */
enum { RANKING_LEAST_DRAWS = 5, RANKING_AGREE_PCT = 90 };

/*
 * Prints a line for each situation in which several locks were simulated, fastest first by the median of the draws: `>`
 * where the draws agree that what is left of it is faster than what is right, `=` where they do not. The rates are
 * [cell * n_draws + draw], NAN: none. The draws of all cells are paired: the same number is the same machine.
 */
void ranking_print(const struct matrix *matrix, const double *ops_per_s, unsigned n_draws);

#endif
