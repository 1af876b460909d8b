// SPDX-License-Identifier: MIT
/* untimed.c: one lock as a row of the registry, without the timed loop: for clients that only call it. */
#include "lock_ops.h"
