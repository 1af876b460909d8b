// SPDX-License-Identifier: MIT
#include "interruption.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Prepared beforehand, since a handler may do next to nothing. */
static char farewell_line[1400];

static void on_signal(int number) {
  (void)!write(STDERR_FILENO, farewell_line, strlen(farewell_line));
  signal(number, SIG_DFL);
  raise(number); /* whatever is in a file is whole there, and the trial's process dies with us: nothing else to do */
}

void interruption_prepare(const char *farewell, ...) {
  char text[1300];
  va_list arguments;
  va_start(arguments, farewell);
  vsnprintf(text, sizeof text, farewell, arguments);
  va_end(arguments);
  snprintf(farewell_line, sizeof farewell_line, "\nlockbench: %s\n", text);
  signal(SIGXFSZ, SIG_IGN);
  const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  struct sigaction before;
  for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
    if (sigaction(caught[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) signal(caught[i], on_signal);
}
