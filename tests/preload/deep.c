// SPDX-License-Identifier: MIT
/* A library that the trap bound-deeply loads with RTLD_DEEPBIND. */
#include <pthread.h>

void deep_lock(pthread_mutex_t *mutex);

void deep_lock(pthread_mutex_t *mutex) { pthread_mutex_lock(mutex); }
