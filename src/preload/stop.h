// SPDX-License-Identifier: MIT
/* stop.h: the end of a program that cannot go on under our locks, in one line on standard error. */
#ifndef PRELOAD_STOP_H
#define PRELOAD_STOP_H

/* `why` continues "lockbench: ". Allocates nothing and takes no lock; ends by SIGABRT. */
_Noreturn void stop(const char *why);

#endif
