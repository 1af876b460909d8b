// SPDX-License-Identifier: MIT
/*
 * stdatomic.h: what the lock headers find in place of C11's, so that they compile, unchanged, as C++14 against the
 * atomics of Relacy. Each call to an atomic is then a point at which another thread may go on, and a load may return
 * any value that its order allows, not only the last one.
 *
 * Words of C that C++ lacks are mapped at the end. Alignment is dropped: here an atomic is a larger object, and where
 * it lies is not what is checked.
 */
#ifndef SHADOW_STDATOMIC_H
#define SHADOW_STDATOMIC_H

#include "../model.h"

#define _Atomic(type) rl::atomic<type>

using rl::memory_order;
static const memory_order memory_order_relaxed = rl::mo_relaxed, memory_order_consume = rl::mo_consume,
                          memory_order_acquire = rl::mo_acquire, memory_order_release = rl::mo_release,
                          memory_order_acq_rel = rl::mo_acq_rel, memory_order_seq_cst = rl::mo_seq_cst;

/* As in C, the type of the object decides, and the value is converted to it. */
template <typename T> struct shadow_value {
  typedef T type;
  typedef typename rl::atomic_add_type<T>::type difference;
};
#define SHADOW_VALUE(T) typename shadow_value<T>::type
#define SHADOW_DIFFERENCE(T) typename shadow_value<T>::difference

/* Not an access that others may see: nobody else knows the object yet, or the lock is wrong. */
template <typename T> void atomic_init(rl::atomic<T> *object, SHADOW_VALUE(T) value, SITE) {
  rl::preemption_disabler alone(rl::ctx());
  object->store(value, rl::mo_relaxed, site);
}

template <typename T> T atomic_load_explicit(const rl::atomic<T> *object, memory_order order, SITE) {
  return object->load(order, site);
}

template <typename T>
void atomic_store_explicit(rl::atomic<T> *object, SHADOW_VALUE(T) value, memory_order order, SITE) {
  object->store(value, order, site);
}

template <typename T>
T atomic_exchange_explicit(rl::atomic<T> *object, SHADOW_VALUE(T) value, memory_order order, SITE) {
  return object->exchange(value, order, site);
}

#define SHADOW_FETCH(operation, operand)                                                                               \
  template <typename T>                                                                                                \
  T atomic_##operation##_explicit(rl::atomic<T> *object, operand(T) value, memory_order order, SITE) {                 \
    return object->operation(value, order, site);                                                                      \
  }
SHADOW_FETCH(fetch_add, SHADOW_DIFFERENCE)
SHADOW_FETCH(fetch_sub, SHADOW_DIFFERENCE)
SHADOW_FETCH(fetch_and, SHADOW_VALUE)
SHADOW_FETCH(fetch_or, SHADOW_VALUE)
SHADOW_FETCH(fetch_xor, SHADOW_VALUE)

/*
 * Relacy knows only failure orders that are no stronger than the success order. C11 since 2017 does not ask for that:
 * the missing acquire is then a fence, which acquires a little more than the one load would.
 */
template <bool may_fail_spuriously, typename T>
bool shadow_compare_exchange(rl::atomic<T> *object, T *expected, T desired, memory_order success, memory_order failure,
                             rl::debug_info_param site) {
  const bool lacks_acquire = failure != rl::mo_relaxed && (success == rl::mo_relaxed || success == rl::mo_release);
  const bool is_done = object->compare_exchange(rl::bool_t<may_fail_spuriously>(), *expected, desired, success,
                                                lacks_acquire ? rl::mo_relaxed : failure, site);
  if (!is_done && lacks_acquire) rl::ctx().atomic_thread_fence_acquire();
  return is_done;
}

template <typename T>
bool atomic_compare_exchange_strong_explicit(rl::atomic<T> *object, T *expected, SHADOW_VALUE(T) desired,
                                             memory_order success, memory_order failure, SITE) {
  return shadow_compare_exchange<false>(object, expected, desired, success, failure, site);
}

template <typename T>
bool atomic_compare_exchange_weak_explicit(rl::atomic<T> *object, T *expected, SHADOW_VALUE(T) desired,
                                           memory_order success, memory_order failure, SITE) {
  return shadow_compare_exchange<true>(object, expected, desired, success, failure, site);
}

static inline void atomic_thread_fence(memory_order order, SITE) { rl::atomic_thread_fence(order, site); }
static inline void atomic_signal_fence(memory_order order, SITE) { rl::atomic_signal_fence(order, site); }

#define _Alignas(bytes)
#define _Static_assert(condition, message) static_assert(true, message)
#define restrict

/* The machine's header with everything but its way to wait. */
#define lk_pause lk_pause_of_the_machine
#include <lk_arch.h>
#undef lk_pause

/* The scheduler may not choose the thread again before the others went on, or it would wait for ever. */
static inline void lk_pause(SITE) { rl::yield(1, site); }

#endif
