// SPDX-License-Identifier: MIT
/* complaint.h: one line that says what is wrong with a file, for a reader that gives it to whoever called it. */
#ifndef COMPLAINT_H
#define COMPLAINT_H

#include <stddef.h>

struct complaint {
  const char *begin, *end; /* of the line; the file and what is wrong with it come in between */
  const char *path;
  char *why; /* where the line is put */
  size_t why_bytes;
};

/* Puts the line together; what is quoted from the file in it cannot break it. Returns EINVAL. */
__attribute__((format(printf, 2, 3))) int complain(const struct complaint *complaint, const char *format, ...);

#endif
