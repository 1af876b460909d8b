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

/* When each thread did something, by the clock that Relacy keeps of what happened before what. */
class engine_stamps {
public:
  engine_stamps(rl::timestamp_t never) { set_all(never); }
  void set_all(rl::timestamp_t stamp) { std::fill(stamps, stamps + MAX_THREADS, stamp); }
  rl::timestamp_t &own() { return stamps[rl::ctx().threadx_->index_]; }
  static rl::timestamp_t now() { return rl::ctx().threadx_->own_acq_rel_order_; }
  /* Of what was done then, what happened before all that the current thread does from now on. */
  bool any_happened() const { return count_happened() > 0; }
  bool all_happened() const { return count_happened() == rl::ctx().get_thread_count(); }

private:
  rl::timestamp_t stamps[MAX_THREADS];

  rl::thread_id_t count_happened() const {
    const rl::thread_info_base *const self = rl::ctx().threadx_;
    rl::thread_id_t n = 0;
    for (rl::thread_id_t i = 0; i < rl::ctx().get_thread_count(); i++) n += self->acq_rel_order_[i] >= stamps[i];
    return n;
  }
};

/* Whether something happens that may happen: chosen by the search. */
bool engine_chooses();
void engine_log(rl::debug_info_param site, const char *event);

/* Between the two the calling thread is in a try, which must not wait; a wait there fails the execution. */
void engine_begin_try();
void engine_end_try();
void engine_wait(rl::debug_info_param site);

#endif
