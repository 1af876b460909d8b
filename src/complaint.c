// SPDX-License-Identifier: MIT
#include "complaint.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int complain(const struct complaint *complaint, const char *format, ...) {
  char what[400];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(what, sizeof what, format, arguments);
  va_end(arguments);
  for (char *c = what; *c != '\0'; c++)
    if (iscntrl((unsigned char)*c)) *c = ' ';
  snprintf(complaint->why, complaint->why_bytes, "%s'%.120s': %s%s", complaint->begin, complaint->path, what,
           complaint->end);
  return EINVAL;
}
