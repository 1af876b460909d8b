// SPDX-License-Identifier: MIT
/*
 * lk_enter.h: locks without contexts, for code that locks in one function and unlocks in another. Once in a file, after
 * the lock's header, outside of functions:
 *
 *   LK_ENTER(x);       defines lk_x_enter(lock) and lk_x_leave(lock)
 *   LK_TRYENTER(x);    beside it: lk_x_tryenter(lock), unless the lock has no trylock
 *   LK_TIMEDENTER(x);  likewise: lk_x_timedenter(lock, deadline_ns), if the lock has a timedlock
 *   LK_RW_ENTER(x);    lk_x_rdenter, lk_x_rdleave, lk_x_wrenter, lk_x_wrleave; for a readers/writer lock
 *   LK_RW_TRYENTER(x); beside it: lk_x_tryrdenter, lk_x_trywrenter
 *
 * The context lies in the thread's own memory, from enter to leave, and is new each time; so the thread that entered
 * must leave, and n_threads of the config bounds those that are between the two. It is in one domain with all others.
 * All files of a program share these places: one may enter and another leave.
 *
 * A thread may hold LK_ENTER_MAX locks of one kind at a time; more, or to leave what it has not entered, is told on
 * stderr before the program is aborted. A lock whose context owns memory (clh) allocates in each enter, and aborts if
 * there is none. Not for readers that retry (seqlock).
 */
#ifndef LK_ENTER_H
#define LK_ENTER_H

#include <stdio.h>
#include <stdlib.h>

#include "lk.h"

#ifndef LK_ENTER_MAX
#define LK_ENTER_MAX 16
#endif

/* One for all files that define it, in C as in C++, where `inline` would do the same for C++ alone. */
#define LK_ENTER_SHARED __attribute__((weak, visibility("default")))

/* The place that has this lock (NULL: a free one), of LK_ENTER_MAX; without one it does not return. */
static inline int lk_enter_find(const void *const *locks, const void *lock, const char *name, const char *why) {
  for (int i = 0; i < LK_ENTER_MAX; i++) {
    if (LK_LIKELY(locks[i] == lock)) return i;
  }
  fprintf(stderr, "lk_%s: %s\n", name, why);
  abort();
}

#define LK_ENTER_PLACES(x)                                                                                             \
  struct lk_##x##_places {                                                                                             \
    const void *locks[LK_ENTER_MAX]; /* NULL: free */                                                                  \
    struct lk_##x##_ctx ctxs[LK_ENTER_MAX];                                                                            \
  };                                                                                                                   \
  extern __thread struct lk_##x##_places lk_##x##_held;                                                                \
  LK_ENTER_SHARED __thread struct lk_##x##_places lk_##x##_held = LK_ZERO;                                             \
                                                                                                                       \
  LK_UNUSED static inline struct lk_##x##_ctx *lk_##x##_take_place(struct lk_##x *lock) {                              \
    static const struct lk_domain same = {{0, 0, 0, 0}};                                                               \
    struct lk_##x##_places *const held = &lk_##x##_held;                                                               \
    const int i = lk_enter_find(held->locks, NULL, #x, "the thread holds LK_ENTER_MAX locks of this kind already");    \
    if (LK_UNLIKELY(!lk_##x##_ctx_init(lock, &held->ctxs[i], &same))) {                                                \
      fprintf(stderr, "lk_%s: no memory for a context, or more threads than promised\n", #x);                          \
      abort();                                                                                                         \
    }                                                                                                                  \
    held->locks[i] = lock;                                                                                             \
    return &held->ctxs[i];                                                                                             \
  }                                                                                                                    \
                                                                                                                       \
  LK_UNUSED static inline struct lk_##x##_ctx *lk_##x##_find_place(const struct lk_##x *lock) {                        \
    struct lk_##x##_places *const held = &lk_##x##_held;                                                               \
    return &held->ctxs[lk_enter_find(held->locks, lock, #x, "left by a thread that has not entered it")];              \
  }                                                                                                                    \
                                                                                                                       \
  LK_UNUSED static inline void lk_##x##_give_place(struct lk_##x *lock, struct lk_##x##_ctx *ctx) {                    \
    lk_##x##_ctx_destroy(lock, ctx);                                                                                   \
    lk_##x##_held.locks[ctx - lk_##x##_held.ctxs] = NULL;                                                              \
  }

#define LK_ENTER_PAIR(x, enter, lock_function, leave, unlock_function)                                                 \
  LK_UNUSED static inline void lk_##x##_##enter(struct lk_##x *lock) {                                                 \
    lk_##x##_##lock_function(lock, lk_##x##_take_place(lock));                                                         \
  }                                                                                                                    \
                                                                                                                       \
  LK_UNUSED static inline void lk_##x##_##leave(struct lk_##x *lock) {                                                 \
    struct lk_##x##_ctx *const ctx = lk_##x##_find_place(lock);                                                        \
    lk_##x##_##unlock_function(lock, ctx);                                                                             \
    lk_##x##_give_place(lock, ctx);                                                                                    \
  }

#define LK_ENTER_TRY(x, tryenter, try_function)                                                                        \
  LK_UNUSED static inline bool lk_##x##_##tryenter(struct lk_##x *lock) {                                              \
    struct lk_##x##_ctx *const ctx = lk_##x##_take_place(lock);                                                        \
    if (lk_##x##_##try_function(lock, ctx)) return true;                                                               \
    lk_##x##_give_place(lock, ctx);                                                                                    \
    return false;                                                                                                      \
  }

/* The struct again, so that each of them takes a semicolon. */
#define LK_ENTER(x)                                                                                                    \
  LK_ENTER_PLACES(x)                                                                                                   \
  LK_ENTER_PAIR(x, enter, lock, leave, unlock)                                                                         \
  struct lk_##x

#define LK_TRYENTER(x)                                                                                                 \
  LK_ENTER_TRY(x, tryenter, trylock)                                                                                   \
  struct lk_##x

#define LK_TIMEDENTER(x)                                                                                               \
  LK_UNUSED static inline bool lk_##x##_timedenter(struct lk_##x *lock, uint64_t deadline_ns) {                        \
    struct lk_##x##_ctx *const ctx = lk_##x##_take_place(lock);                                                        \
    if (lk_##x##_timedlock(lock, ctx, deadline_ns)) return true;                                                       \
    lk_##x##_give_place(lock, ctx);                                                                                    \
    return false;                                                                                                      \
  }                                                                                                                    \
  struct lk_##x

#define LK_RW_ENTER(x)                                                                                                 \
  LK_ENTER_PLACES(x)                                                                                                   \
  LK_ENTER_PAIR(x, rdenter, rdlock, rdleave, rdunlock)                                                                 \
  LK_ENTER_PAIR(x, wrenter, wrlock, wrleave, wrunlock)                                                                 \
  struct lk_##x

#define LK_RW_TRYENTER(x)                                                                                              \
  LK_ENTER_TRY(x, tryrdenter, tryrdlock)                                                                               \
  LK_ENTER_TRY(x, trywrenter, trywrlock)                                                                               \
  struct lk_##x

#endif
