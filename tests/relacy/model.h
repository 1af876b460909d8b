// SPDX-License-Identifier: MIT
/*
 * model.h: Relacy, and what it lacks of the system under a lock: a heap, futex(2) and a clock. The lock headers reach
 * them through the names that they use, which are macros here.
 *
 * The model is weaker than Linux where a lock must not rely on Linux: a futex orders no memory accesses, a wait may end
 * for no reason, and a clock stands still or leaps.
 */
#ifndef MODEL_H
#define MODEL_H

#define RL_DO_ASSERT 1 /* Relacy then finds out if a client behaves otherwise on the same choices */
#include <relacy/relacy.hpp>

/* Relacy's names for the whole of a program: too coarse, since they break the declarations of the headers. */
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#undef futex
#undef sched_yield
#undef FUTEX_WAIT
#undef FUTEX_WAKE

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>

/* A last parameter that says where the call is, for the history of a failure. */
#define SITE rl::debug_info_param site = rl::debug_info(__builtin_FUNCTION(), __builtin_FILE(), __builtin_LINE())

/* Before each execution: nothing is allocated, nobody sleeps, and the clock is at its start. */
void model_begin();
/* At the end: fails the execution if the lock did not free its memory. */
/* When all threads are done: no wait can end from here on. */
void model_finish();
void model_end(rl::debug_info_param site);

/* Memory for n objects; it stays away from others until the execution is over, so that use after free is seen. */
void *model_allocate(size_t n_objects, size_t object_bytes);
/* How many objects lie there, which must now be destroyed. Fails the execution if there are none. */
size_t model_release(void *objects, rl::debug_info_param site);

/* What malloc and aligned_alloc return: bytes that become objects when it is known of what type. */
struct model_bytes {
  size_t n;
  template <typename T> operator T *() const {
    T *const objects = static_cast<T *>(model_allocate(n / sizeof(T), sizeof(T)));
    for (size_t i = 0; i < n / sizeof(T); i++) ::new (static_cast<void *>(objects + i)) T;
    return objects;
  }
};

static inline model_bytes model_malloc(size_t n) { return model_bytes{n}; }
static inline model_bytes model_aligned_alloc(size_t, size_t n) { return model_bytes{n}; }
template <typename T> void model_free(T *objects, SITE) {
  if (objects == NULL) return;
  for (size_t i = model_release(objects, site); i-- > 0;) objects[i].~T();
}

/* Sleeps until a wake of that word; may return at once for no reason. */
void model_sleep(const void *word, rl::debug_info_param site);
/* How many were woken, of any that sleep on the word. */
long model_wake(const void *word, long n_threads, rl::debug_info_param site);
/* The thread will see stores as new as it has seen: whoever enters the kernel again and again sees all in the end. */
void model_see();

/*
 * futex(2). The kernel reads the word after it has locked the queue of sleepers, so it sees the last value; a store
 * that comes later also comes before the wake that its thread then asks for.
 */
template <typename... Rest>
long model_syscall(long number, rl::atomic<uint32_t> *word, int operation, long value, Rest...) {
  static const rl::debug_info site("futex", "the system", 0);
  RL_VERIFY(number == SYS_futex);
  rl::ctx().sched();
  switch (operation & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
      if (word->debug_value() == static_cast<uint32_t>(value))
        model_sleep(word, site);
      else
        model_see();
      return 0;
    case FUTEX_WAKE:
      return model_wake(word, value, site);
    default:
      RL_VERIFY(!"an operation of futex(2) that the model knows");
      return -1;
  }
}

int model_clock_gettime(int clock_id, struct timespec *now);
int model_sched_yield();

#define malloc model_malloc
#define aligned_alloc model_aligned_alloc
#define free model_free
#define syscall model_syscall
#define clock_gettime model_clock_gettime
#define sched_yield model_sched_yield

#endif
