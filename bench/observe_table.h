// SPDX-License-Identifier: MIT
/* observe_table.h: the locks of a profile by time lost, on standard error. */
#ifndef OBSERVE_TABLE_H
#define OBSERVE_TABLE_H

#include <jansson.h>

/* The first locks of a profile, and what else is to be said of it. */
void observe_table_print(const json_t *profile);

#endif
