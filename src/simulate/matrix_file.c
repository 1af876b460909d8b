// SPDX-License-Identifier: MIT
#include "matrix_file.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

/* The number in a field, NAN if it is empty or says NaN. False if it is neither, or no time that a transfer takes. */
static bool read_field(const char *from, size_t length, double *ns) {
  char text[64], *end;
  while (length > 0 && isspace((unsigned char)from[length - 1])) length--;
  if (length >= sizeof text) return false;
  memcpy(text, from, length);
  text[length] = '\0';
  *ns = length > 0 ? strtod(text, &end) : NAN;
  if (length > 0 && *end != '\0') return false;
  if (*ns == 0) *ns = NAN; /* some fill the diagonal, or what they have not measured */
  return isnan(*ns) || (*ns >= MODEL_LEAST_TRANSFER_NS && *ns <= MODEL_MOST_TRANSFER_NS);
}

/*
 * One row into both halves: a field for each CPU, or, of the lower half, for those before this one, with or without
 * itself. An empty one may follow. Any other number of fields is a heading's, or not that of a matrix.
 */
static bool read_row(char *line, unsigned row, unsigned n, double *ns) {
  unsigned n_fields = 0;
  for (char *from = line;; from++) {
    const size_t length = strcspn(from, ",\n");
    const unsigned column = n_fields++;
    double value;
    if (!read_field(from, length, &value) || (column >= n && !isnan(value))) return false;
    if (column < n && !isnan(value)) ns[row * n + column] = ns[column * n + row] = value;
    from += length;
    if (*from != ',') return n_fields == n || n_fields == n + 1 || n_fields == row || n_fields == row + 1;
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
  for (unsigned i = 1; getline(&line, &line_bytes, file) > 0; i++)
    if (line[strspn(line, " \t\r\n")] != '\0') n_rows = i; /* blank lines behind the last row are none */
  rewind(file);
  int error = n_rows > 0 && n_rows <= MODEL_MAX_CPUS ? 0 : EINVAL;
  if (error != 0) snprintf(why, why_bytes, "'%s' has %u rows; allowed are 1 to %d", path, n_rows, MODEL_MAX_CPUS);
  double *values = error == 0 ? malloc((size_t)n_rows * n_rows * sizeof *values) : NULL;
  for (size_t i = 0; values != NULL && i < (size_t)n_rows * n_rows; i++) values[i] = NAN;
  for (unsigned row = 0; error == 0 && row < n_rows; row++) {
    const ssize_t n_bytes = getline(&line, &line_bytes, file);
    if (values != NULL && n_bytes > 0 && (size_t)n_bytes == strlen(line) && read_row(line, row, n_rows, values))
      continue;
    snprintf(why, why_bytes,
             "'%s': line %u is not a row of %u latencies in ns, %g to %g, with commas between them and no headings, or "
             "the part of one that is left of the diagonal",
             path, row + 1, n_rows, MODEL_LEAST_TRANSFER_NS, MODEL_MOST_TRANSFER_NS);
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
