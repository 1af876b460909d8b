// SPDX-License-Identifier: MIT
#include "message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_INTERVAL_S = 10 };

static void log_progress(const char *text) {
  static time_t last;
  const time_t now = time(NULL);
  if (*text == '\0' || now - last < LOG_INTERVAL_S) return;
  last = now;
  fprintf(stderr, "%s\n", text);
}

void message_progress(const char *text) {
  static bool is_shown;
  if (!isatty(STDERR_FILENO)) {
    log_progress(text);
    return;
  }
  if (is_shown || *text != '\0') fprintf(stderr, "\r\033[K%s", text);
  fflush(stderr);
  is_shown = *text != '\0';
}

static void write_line(const char *prefix, const char *format, va_list arguments) {
  message_progress("");
  fprintf(stderr, "lockbench: %s", prefix);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
}

void message_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line("", format, arguments);
  va_end(arguments);
}

void message_warning(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line("warning: ", format, arguments);
  va_end(arguments);
}

void message_note(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  write_line("note: ", format, arguments);
  va_end(arguments);
}
