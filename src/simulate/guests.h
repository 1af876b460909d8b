// SPDX-License-Identifier: MIT
/* guests.h: the locks as guests of the simulator: those of the registry whose code is compiled here. */
#ifndef GUESTS_H
#define GUESTS_H

#include "registry.h"

extern const struct lk_ops *const guest_locks[]; /* NULL ends it */

#endif
