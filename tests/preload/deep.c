// SPDX-License-Identifier: MIT
/* A library that traps load: bound-deeply with RTLD_DEEPBIND, unloaded again and again. */
#include <pthread.h>

static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

void deep_lock(pthread_mutex_t *mutex);
int deep_count(void);

void deep_lock(pthread_mutex_t *mutex) { pthread_mutex_lock(mutex); }

int deep_count(void) {
  static int n;
  pthread_mutex_lock(&own);
  const int count = ++n;
  pthread_mutex_unlock(&own);
  return count;
}

__attribute__((constructor)) static void begin(void) { deep_count(); }
__attribute__((destructor)) static void end(void) { deep_count(); }
