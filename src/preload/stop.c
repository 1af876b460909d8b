// SPDX-License-Identifier: MIT
#include "stop.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) return; /* there is nobody else to tell */
}

_Noreturn void stop(const char *why) {
  say("lockbench: ");
  say(why);
  say("\n");
  abort();
}
