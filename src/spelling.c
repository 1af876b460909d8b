// SPDX-License-Identifier: MIT
#include "spelling.h"

#include <stddef.h>
#include <string.h>

unsigned spelling_distance(const char *a, const char *b) {
  unsigned row[64];
  const size_t n = strnlen(b, 63);
  for (size_t j = 0; j <= n; j++) row[j] = (unsigned)j;
  for (size_t i = 0; a[i] != '\0'; i++) {
    unsigned diagonal = row[0];
    row[0] = (unsigned)i + 1;
    for (size_t j = 1; j <= n; j++) {
      const unsigned substituted = diagonal + (a[i] != b[j - 1]);
      diagonal = row[j];
      unsigned best = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = substituted < best ? substituted : best;
    }
  }
  return row[n];
}
