// SPDX-License-Identifier: MIT
/*
 * lk_lang.h of Relacy: included before a lock, it takes the place of the real one, whose guard it sets, so that the
 * lock headers compile, unchanged, as C++14 against the atomics of Relacy. Each call to an atomic is then a point at
 * which another thread may go on, and a load may return any value that its order allows, not only the last one.
 *
 * Relacy takes the order in which it runs stores for the order in which all see them. Here a store may also come to lie
 * before the last one, as if overwritten at once, where nothing orders it after that: see shadow_atomic.
 *
 * What is not tried, though C11 has it: a read-modify-write or a failed comparison that does not read the last value; a
 * load of one from more than two before (one, in a full search); a load of what is stored later. A release also goes on
 * in relaxed stores of the same thread, as it did before C++20. And a lock's own plain members are not watched for
 * races.
 *
 * Alignment is dropped: here an atomic is a larger object, and where it lies is not what is checked.
 */
#ifndef LK_LANG_H
#define LK_LANG_H

#include <type_traits>

#include "../engine.h"

using rl::memory_order;
static const memory_order memory_order_relaxed = rl::mo_relaxed, memory_order_consume = rl::mo_consume,
                          memory_order_acquire = rl::mo_acquire, memory_order_release = rl::mo_release,
                          memory_order_acq_rel = rl::mo_acq_rel, memory_order_seq_cst = rl::mo_seq_cst;

#define LK_ATOMIC(type) shadow_atomic<type>

/* What is made meanwhile is 0 and not without a value: memory of the process. */
extern bool shadow_starts_as_zero;

/*
 * An atomic that knows the readers of its last value and may so take a store for overwritten: one that is not read
 * together with what it replaces, after a store that is not either, when neither the storing thread nor any whose
 * accesses happened before has seen that one. Orders that only keep two stores apart are thus checked too: in mcs the
 * release that orders the clearing of a link before its setting.
 *
 * Its end is a plain write: whatever others did to it must have happened before, or its memory cannot be used again.
 */
static bool shadow_zeroes; /* what is made now is zero, as memory of the process is */

template <typename T> class shadow_atomic {
public:
  typedef typename rl::atomic_add_type<T>::type difference;

  shadow_atomic() : is_plain(false), seen(NEVER), used(0), is_gone(false) {
    if (shadow_zeroes) init(T(), RL_INFO);
  }
  ~shadow_atomic() {
    if (!used.all_happened()) rl::ctx().fail_test("end of an atomic in use", rl::test_result_data_race, RL_INFO);
    is_gone = true; /* its memory stays until the execution is over: see system_allocate */
  }

  T last() const {
    check_alive(RL_INFO);
    return object.debug_value();
  }

  /* What this thread has done to it happens before its end, by other means than the orders of the lock. */
  void forget_use() { used.own() = 0; }

  void init(T value, rl::debug_info_param site) {
    rl::preemption_disabler alone(rl::ctx());
    object.store(value, rl::mo_relaxed, site);
    note_new(true);
  }

  T load(memory_order order, rl::debug_info_param site) const {
    rl::ctx().sched();
    rl::preemption_disabler alone(rl::ctx());
    check_alive(site);
    const T value = object.load(order, site);
    used.own() = used.now();
    if (value == last()) note_seen();
    return value;
  }

  void store(T value, memory_order order, rl::debug_info_param site) {
    rl::ctx().sched();
    rl::preemption_disabler alone(rl::ctx());
    check_alive(site);
    if (is_plain && order != rl::mo_seq_cst && value != last() && !seen.any_happened() && engine_chooses()) {
      engine_log(site, "this store is overwritten by the one before it, which it does not know of:");
      T other = value; /* a comparison that fails: Relacy, too, now takes the last value for seen by this thread */
      object.compare_exchange_strong(other, value, rl::mo_relaxed, site);
      return note_seen();
    }
    object.store(value, order, site);
    note_new(true);
  }

  template <rl::rmw_type_e operation, typename Operand>
  T modify(Operand operand, memory_order order, rl::debug_info_param site) {
    rl::ctx().sched();
    rl::preemption_disabler alone(rl::ctx());
    check_alive(site);
    const T value = object.rmw(rl::rmw_type_t<operation>(), operand, order, site);
    note_new(false);
    return value;
  }

  template <bool may_fail_spuriously>
  bool compare_exchange(T *expected, T desired, memory_order success, memory_order failure, rl::debug_info_param site) {
    /* Relacy knows only failures that acquire no more than successes. Later standards do not ask for that: the missing
       acquire is then a fence, which acquires a little more than the one load would. */
    const bool lacks_acquire = failure != rl::mo_relaxed && (success == rl::mo_relaxed || success == rl::mo_release);
    rl::ctx().sched();
    rl::preemption_disabler alone(rl::ctx());
    check_alive(site);
    const bool is_done = object.compare_exchange(rl::bool_t<may_fail_spuriously>(), *expected, desired, success,
                                                 lacks_acquire ? rl::mo_relaxed : failure, site);
    if (is_done)
      note_new(false);
    else
      note_seen();
    if (!is_done && lacks_acquire) rl::ctx().atomic_thread_fence_acquire();
    return is_done;
  }

private:
  static const rl::timestamp_t NEVER = ~rl::timestamp_t(0);

  rl::atomic<T> object;
  bool is_plain;              /* the last value came by a store */
  mutable engine_stamps seen; /* the first time each saw the last value */
  mutable engine_stamps used; /* the last time each used the atomic */
  volatile bool is_gone;      /* volatile: the compiler may drop what a destructor writes */

  void check_alive(rl::debug_info_param site) const {
    if (is_gone) rl::ctx().fail_test("", rl::test_result_access_to_freed_memory, site);
  }

  void note_seen() const {
    used.own() = used.now();
    if (seen.own() == NEVER) seen.own() = seen.now();
  }

  void note_new(bool plain) {
    is_plain = plain;
    seen.set_all(NEVER);
    note_seen();
  }
};

/* As in C, the type of the object decides, and the value is converted to it. */
#define VALUE(T) typename std::enable_if<true, T>::type
#define DIFFERENCE(T) typename shadow_atomic<T>::difference

template <typename T> void atomic_init(shadow_atomic<T> *object, VALUE(T) value, SITE) { object->init(value, site); }

template <typename T> T atomic_load_explicit(const shadow_atomic<T> *object, memory_order order, SITE) {
  return object->load(order, site);
}

template <typename T> void atomic_store_explicit(shadow_atomic<T> *object, VALUE(T) value, memory_order order, SITE) {
  object->store(value, order, site);
}

#define MODIFY(name, operation, operand)                                                                               \
  template <typename T>                                                                                                \
  T atomic_##name##_explicit(shadow_atomic<T> *object, operand(T) value, memory_order order, SITE) {                   \
    return object->template modify<rl::rmw_type_##operation>(value, order, site);                                      \
  }
MODIFY(exchange, swap, VALUE)
MODIFY(fetch_add, add, DIFFERENCE)
MODIFY(fetch_sub, sub, DIFFERENCE)
MODIFY(fetch_and, and, VALUE)
MODIFY(fetch_or, or, VALUE)
MODIFY(fetch_xor, xor, VALUE)

template <typename T>
bool atomic_compare_exchange_strong_explicit(shadow_atomic<T> *object, T *expected, VALUE(T) desired,
                                             memory_order success, memory_order failure, SITE) {
  return object->template compare_exchange<false>(expected, desired, success, failure, site);
}

template <typename T>
bool atomic_compare_exchange_weak_explicit(shadow_atomic<T> *object, T *expected, VALUE(T) desired,
                                           memory_order success, memory_order failure, SITE) {
  return object->template compare_exchange<true>(expected, desired, success, failure, site);
}

static inline void atomic_thread_fence(memory_order order, SITE) { rl::atomic_thread_fence(order, site); }
static inline void atomic_signal_fence(memory_order order, SITE) { rl::atomic_signal_fence(order, site); }

#undef VALUE
#undef DIFFERENCE
#undef MODIFY

#define LK_ALIGNED(bytes)
#define LK_STATIC_ASSERT(condition, message) static_assert(true, message)
#define LK_FENCES_BEGIN
#define LK_FENCES_END

/* The machine's header with everything but its way to wait. */
#define LK_WHOLE_WORDS
#define lk_pause lk_pause_of_the_machine
#include <lk_arch.h>
#undef lk_pause

/* Memory of the process: each execution has it anew. */
class shadow_table {
public:
  shadow_table() : next(first()) { first() = this; }
  static void begin_all() {
    for (shadow_table *table = first(); table != NULL; table = table->next) table->begin();
  }
  static void end_all() {
    for (shadow_table *table = first(); table != NULL; table = table->next) table->end();
  }

private:
  shadow_table *const next;
  virtual void begin() = 0;
  virtual void end() = 0;
  static shadow_table *&first() {
    static shadow_table *table;
    return table;
  }
};

template <typename T, size_t n> class shadow_process_wide : shadow_table {
public:
  T &operator[](size_t i) { return reinterpret_cast<T *>(memory)[i]; }

private:
  alignas(T) char memory[n * sizeof(T)];
  void begin() {
    memset(memory, 0, sizeof memory);
    shadow_zeroes = true;
    for (size_t i = 0; i < n; i++) ::new (static_cast<void *>(&(*this)[i])) T;
    shadow_zeroes = false;
  }
  void end() {
    for (size_t i = n; i-- > 0;) (*this)[i].~T();
  }
};

#undef LK_PROCESS_WIDE
#define LK_PROCESS_WIDE(type, name, n) static shadow_process_wide<type, n> name

/* The scheduler may not choose the thread again before the others went on, or it would wait for ever. */
static inline void lk_pause(SITE) {
  engine_wait(site);
  rl::yield(1, site);
}

#endif
