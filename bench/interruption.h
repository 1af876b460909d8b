// SPDX-License-Identifier: MIT
/* interruption.h: what a command says when a signal ends it. */
#ifndef INTERRUPTION_H
#define INTERRUPTION_H

/*
 * From now on SIGINT, SIGTERM, SIGHUP and SIGPIPE write `lockbench: <farewell>` to standard error before they end the
 * program. One that was ignored when the program started (nohup, a script's background job) stays ignored. A file that
 * may not grow (SIGXFSZ) is an error of the write, like a full disk, instead of the end.
 */
__attribute__((format(printf, 1, 2))) void interruption_prepare(const char *farewell, ...);

#endif
