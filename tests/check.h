// SPDX-License-Identifier: MIT
/*
 * check.h: the least that a test program needs. A check that fails prints where, what was wanted and what came,
 * and the program goes on; main() returns check_result().
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { CHECK_SKIPPED = 77 }; /* the exit code by which meson knows a test that could not be made here */

/* Weak: all files of a program share them. */
__attribute__((weak)) unsigned check_n_failed;
__attribute__((weak)) char check_case[256];

/* Names the row of a table or the round of a loop, for the messages of the checks that follow. */
__attribute__((format(printf, 1, 2), unused)) static void check_about(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(check_case, sizeof check_case, format, arguments);
  va_end(arguments);
}

__attribute__((format(printf, 4, 5), unused)) static bool check_that(bool holds, const char *file, int line,
                                                                     const char *format, ...) {
  if (holds) return true;
  check_n_failed++;
  fprintf(stderr, "%s:%d: ", file, line);
  if (check_case[0] != '\0') fprintf(stderr, "[%s] ", check_case);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return false;
}

/* Each returns whether it held, so that what makes no sense without it can be left out. */
#define CHECK(condition) check_that((condition), __FILE__, __LINE__, "wanted: %s", #condition)
#define CHECK_EQ(want, got) check_eq((int64_t)(want), (int64_t)(got), #got, __FILE__, __LINE__)
#define CHECK_TEXT(want, got) check_text((want), (got), #got, __FILE__, __LINE__)
/* |got - want| <= tolerance * |want| */
#define CHECK_NEAR(want, got, tolerance) check_near((want), (got), (tolerance), #got, __FILE__, __LINE__)

__attribute__((unused)) static bool check_eq(int64_t want, int64_t got, const char *what, const char *file, int line) {
  return check_that(want == got, file, line, "%s: wanted %" PRId64 ", got %" PRId64, what, want, got);
}

__attribute__((unused)) static bool check_text(const char *want, const char *got, const char *what, const char *file,
                                               int line) {
  return check_that(strcmp(want, got) == 0, file, line, "%s: wanted '%s', got '%s'", what, want, got);
}

__attribute__((unused)) static bool check_near(double want, double got, double tolerance, const char *what,
                                               const char *file, int line) {
  return check_that(fabs(got - want) <= tolerance * fabs(want), file, line, "%s: wanted %.9g to %g, got %.9g", what,
                    want, tolerance, got);
}

__attribute__((unused)) static int check_result(void) {
  if (check_n_failed > 0) fprintf(stderr, "%u checks failed\n", check_n_failed);
  return check_n_failed > 0 ? 1 : 0;
}

#endif
