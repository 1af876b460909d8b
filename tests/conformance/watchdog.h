// SPDX-License-Identifier: MIT
/* watchdog.h: ends the program when a case hangs, and says which, and in what its threads wait. */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "registry.h"

/* The same lock, whose operations note, on a line of their thread's own, that they run. One lock in a program. */
const struct lk_ops *watchdog_ops(const struct lk_ops *ops);

/* From watchdog_begin() to watchdog_end() some thread must get in or out every so many seconds. */
void watchdog_start(unsigned seconds);
void watchdog_begin(const char *case_name);
void watchdog_end(void);

#endif
