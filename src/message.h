// SPDX-License-Identifier: MIT
/* message.h: the one place through which lockbench speaks to its user about what it does not print as a result. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes one line `lockbench: ...` to standard error, after wiping an unfinished progress line. */
__attribute__((format(printf, 1, 2))) void message_error(const char *format, ...);

/* The same with `warning: ` in front. */
__attribute__((format(printf, 1, 2))) void message_warning(const char *format, ...);

/* The same with `note: ` in front: nothing is wrong, but perhaps not as the user expects. */
__attribute__((format(printf, 1, 2))) void message_note(const char *format, ...);

/*
 * Shows `text` (ASCII) as the progress line on a terminal, cut at its width, where the next replaces it and "" wipes
 * it. Elsewhere (a log, a terminal without control codes) it becomes a line of its own, but one in ten seconds is
 * enough.
 */
void message_progress(const char *text);

/* Whether the descriptor is a terminal that knows control codes, which one that TERM calls dumb does not. */
bool message_has_codes(int fd);

#ifdef __cplusplus
}
#endif

#endif
