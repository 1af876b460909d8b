// SPDX-License-Identifier: MIT
/* early.h: a mutex that is held since before the program began. */
#ifndef EARLY_H
#define EARLY_H

#include <pthread.h>

extern pthread_mutex_t early_mutex;

#endif
