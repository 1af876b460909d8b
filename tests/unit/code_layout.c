// SPDX-License-Identifier: MIT
/* The layouts of a run's trials: any of them, each equally often, and the same again for the same seed. */
#include "trial/code_layout.h"

#include "check.h"

enum { N_CELLS = 4000, N_REPETITIONS = 7 };

static void each_comes_once_in_as_many_repetitions(void) {
  for (unsigned cell = 0; cell < N_CELLS; cell++)
    for (unsigned first = 1; first <= N_REPETITIONS; first += N_CODE_LAYOUTS) {
      unsigned n_of[N_CODE_LAYOUTS] = {0};
      for (unsigned i = 0; i < N_CODE_LAYOUTS; i++) {
        const unsigned layout = code_layout_draw(7, cell, first + i);
        if (!CHECK(layout < N_CODE_LAYOUTS)) return;
        n_of[layout]++;
      }
      for (unsigned layout = 0; layout < N_CODE_LAYOUTS; layout++) CHECK_EQ(1, n_of[layout]);
    }
}

/* In each repetition: so no lock is always first with the layout that suits it. */
static void cells_differ(void) {
  for (unsigned repetition = 1; repetition <= N_REPETITIONS; repetition++) {
    unsigned n_of[N_CODE_LAYOUTS] = {0};
    for (unsigned cell = 0; cell < N_CELLS; cell++) n_of[code_layout_draw(7, cell, repetition)]++;
    /* 4000 draws, 1000 of each: the deviation is 27. */
    for (unsigned layout = 0; layout < N_CODE_LAYOUTS; layout++)
      CHECK_NEAR(N_CELLS / N_CODE_LAYOUTS, (double)n_of[layout], 0.15);
  }
}

static void seeds_differ(void) {
  unsigned n_same = 0;
  for (unsigned cell = 0; cell < N_CELLS; cell++) {
    CHECK_EQ(code_layout_draw(7, cell, 3), code_layout_draw(7, cell, 3));
    n_same += code_layout_draw(7, cell, 3) == code_layout_draw(8, cell, 3);
  }
  CHECK_NEAR(N_CELLS / N_CODE_LAYOUTS, (double)n_same, 0.15);
}

int main(void) {
  each_comes_once_in_as_many_repetitions();
  cells_differ();
  seeds_differ();
  return check_result();
}
