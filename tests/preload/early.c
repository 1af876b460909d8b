// SPDX-License-Identifier: MIT
/* A library that the traps are linked with: its constructor, which runs before the program's, takes a mutex. */
#include "early.h"

pthread_mutex_t early_mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void take_early(void) { pthread_mutex_lock(&early_mutex); }
