// SPDX-License-Identifier: MIT
#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LOG_INTERVAL_S = 10, USUAL_WIDTH = 80 };

static void log_progress(const char *text) {
  static time_t last;
  const time_t now = time(NULL);
  if (*text == '\0' || now - last < LOG_INTERVAL_S) return;
  last = now;
  fprintf(stderr, "%s\n", text);
}

bool message_has_codes(int fd) {
  const char *term = getenv("TERM");
  return isatty(fd) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Of the terminal behind standard error, in characters. */
static int terminal_width(void) {
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL_WIDTH;
}

void message_progress(const char *text) {
  static bool is_shown;
  if (!message_has_codes(STDERR_FILENO)) {
    log_progress(text);
    return;
  }
  /* Not in the last column, behind which some terminals wrap: \r would come back to the second line only. */
  if (is_shown || *text != '\0') fprintf(stderr, "\r\033[K%.*s", terminal_width() - 1, text);
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
