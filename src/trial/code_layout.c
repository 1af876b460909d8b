// SPDX-License-Identifier: MIT
#include "code_layout.h"

#include "random.h"

unsigned code_layout_draw(uint64_t seed, unsigned cell, unsigned repetition) {
  const unsigned block = (repetition - 1) / N_CODE_LAYOUTS, place = (repetition - 1) % N_CODE_LAYOUTS;
  struct random_state random =
      random_seed(seed ^ UINT64_C(0x6c61796f7574), (uint64_t)cell << 32 | block); /* "layout" */
  unsigned order[N_CODE_LAYOUTS];
  for (unsigned i = 0; i < N_CODE_LAYOUTS; i++) { /* Fisher and Yates, inside out */
    const unsigned j = random_below((uint32_t)(random_next(&random) >> 32), i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  return order[place];
}
