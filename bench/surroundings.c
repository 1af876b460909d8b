// SPDX-License-Identifier: MIT
#include "surroundings.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "message.h"

void surroundings_hold_descriptors(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    /* The lowest that is free, so this one; open for the wrong direction, so that reading and writing fail. */
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) _exit(EXIT_TRIAL_FAILED);
  }
}

/* The argument with what is not ASCII as \xNN, cut where there is no room. */
static void escape(const char *argument, char *text, size_t n_bytes) {
  size_t used = 0;
  text[0] = '\0';
  for (const char *c = argument; *c != '\0' && used + 5 < n_bytes; c++)
    used += (size_t)snprintf(text + used, n_bytes - used, isprint((unsigned char)*c) && *c > 0 ? "%c" : "\\x%02x",
                             (unsigned char)*c);
}

bool surroundings_check_arguments(int n_arguments, char **arguments) {
  for (int i = 0; i < n_arguments && strcmp(arguments[i], "--") != 0; i++) {
    json_t *text = json_string(arguments[i]);
    const bool is_utf8 = text != NULL;
    json_decref(text);
    if (is_utf8) continue;
    char escaped[200];
    escape(arguments[i], escaped, sizeof escaped);
    message_error("the argument '%s' is not UTF-8; allowed: text in UTF-8", escaped);
    return false;
  }
  return true;
}

int surroundings_finish(int exit_code) {
  const bool had_error = ferror(stdout);
  errno = 0;
  if (fflush(stdout) == 0 && !had_error) return exit_code;
  message_error("cannot write to standard output%s%s", errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
  return exit_code == EXIT_GOOD ? EXIT_TRIAL_FAILED : exit_code;
}
