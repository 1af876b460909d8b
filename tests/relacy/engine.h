// SPDX-License-Identifier: MIT
/*
 * engine.h: Relacy, without what it does to the names of a program; and what the parts of the checker share.
 */
#ifndef ENGINE_H
#define ENGINE_H

#define RL_DO_ASSERT 1 /* Relacy then finds out if a client behaves otherwise on the same choices */
#include <relacy/relacy.hpp>

/* Its names for the whole of a program, which would break the declarations of other headers. */
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

enum { MAX_THREADS = 4 };

/* A last parameter that says where the call is, for the history of a failure. */
#define SITE rl::debug_info_param site = rl::debug_info(__builtin_FUNCTION(), __builtin_FILE(), __builtin_LINE())

/* Who knows of something, and since when; so also whether a thread may not know of it. */
class engine_knowers {
public:
  engine_knowers() { clear(); }
  void clear() { std::fill(since, since + MAX_THREADS, ~rl::timestamp_t(0)); }
  void add_current() {
    rl::thread_info_base *const self = rl::ctx().threadx_;
    since[self->index_] = std::min(since[self->index_], self->own_acq_rel_order_);
  }
  /* Somebody knew of it when what the current thread does now was sure to come later. */
  bool happened_before() const {
    const rl::thread_info_base *const self = rl::ctx().threadx_;
    for (rl::thread_id_t i = 0; i < rl::ctx().get_thread_count(); i++)
      if (self->acq_rel_order_[i] >= since[i]) return true;
    return false;
  }

private:
  rl::timestamp_t since[MAX_THREADS];
};

/* Whether something happens that may happen: chosen by the search. */
bool engine_chooses();
void engine_log(rl::debug_info_param site, const char *event);

#endif
