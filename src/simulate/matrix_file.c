// SPDX-License-Identifier: MIT
#include "matrix_file.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model.h"

/* The number in a field, NAN if it is empty or says NaN. False if it is neither. */
static bool read_field(const char *from, size_t length, double *ns) {
  char text[64], *end;
  while (length > 0 && isspace((unsigned char)from[length - 1])) length--;
  if (length >= sizeof text) return false;
  memcpy(text, from, length);
  text[length] = '\0';
  *ns = NAN;
  if (length == 0 || strcasecmp(text, "nan") == 0) return true;
  *ns = strtod(text, &end);
  if (*end != '\0' || !isfinite(*ns) || *ns < 0) return false;
  if (*ns == 0) *ns = NAN; /* some fill the diagonal, or what they have not measured */
  return true;
}

/* One row into both halves. */
static bool read_row(char *line, unsigned row, unsigned n, double *ns) {
  unsigned column = 0;
  for (char *from = line;; from++, column++) {
    const size_t length = strcspn(from, ",\n");
    double value;
    if (!read_field(from, length, &value) || (column >= n && !isnan(value))) return false;
    if (column < n && !isnan(value)) ns[row * n + column] = ns[column * n + row] = value;
    from += length;
    if (*from != ',') return true;
  }
}

int matrix_file_read(const char *path, unsigned *n, double **ns, char *why, size_t why_bytes) {
  FILE *file = fopen(path, "re");
  char *line = NULL;
  size_t line_bytes = 0;
  unsigned n_rows = 0;
  if (file == NULL) {
    snprintf(why, why_bytes, "cannot read '%s': %s", path, strerror(errno));
    return EINVAL;
  }
  while (getline(&line, &line_bytes, file) > 0) n_rows++;
  rewind(file);
  int error = n_rows > 0 && n_rows <= MODEL_MAX_CPUS ? 0 : EINVAL;
  if (error != 0) snprintf(why, why_bytes, "'%s' has %u rows; allowed are 1 to %d", path, n_rows, MODEL_MAX_CPUS);
  double *values = error == 0 ? malloc((size_t)n_rows * n_rows * sizeof *values) : NULL;
  for (size_t i = 0; values != NULL && i < (size_t)n_rows * n_rows; i++) values[i] = NAN;
  for (unsigned row = 0; error == 0 && row < n_rows && getline(&line, &line_bytes, file) > 0; row++)
    if (values == NULL || !read_row(line, row, n_rows, values)) {
      snprintf(why, why_bytes, "'%s': line %u is not a row of %u latencies in ns", path, row + 1, n_rows);
      error = EINVAL;
    }
  free(line);
  fclose(file);
  if (error != 0) {
    free(values);
    return error;
  }
  *n = n_rows;
  *ns = values;
  return 0;
}
