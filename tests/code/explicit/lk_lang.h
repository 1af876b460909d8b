// SPDX-License-Identifier: MIT
/*
 * lk_lang.h of the lint: included before a lock, it takes the place of the real one, whose guard it sets. Its atomics
 * can do nothing but be handed to a function that names its memory order: whatever else C does with an atomic, such as
 * to assign, increment or read it, is sequentially consistent without a word, and here does not compile. Nor do the
 * functions without _explicit, nor C's own types, which are called LK_ATOMIC, nor the compiler's builtins on an atomic.
 */
#ifndef LK_LANG_H
#define LK_LANG_H

#define LK_ATOMIC(type) explicit_atomic<type>
#define LK_ALIGNED(bytes) alignas(bytes)
#define LK_STATIC_ASSERT(condition, message) static_assert(true, message) /* sizes are others here */
#define LK_FENCES_BEGIN
#define LK_FENCES_END
#define LK_ZERO                                                                                                        \
  {}

enum memory_order {
  memory_order_relaxed,
  memory_order_acquire,
  memory_order_release,
  memory_order_acq_rel,
  memory_order_seq_cst
};

/* An aggregate, for static initialisers. */
template <typename T> struct explicit_atomic {
  T unnamed;
  explicit_atomic() = default;
  explicit_atomic(const explicit_atomic &) = delete;
  explicit_atomic &operator=(const explicit_atomic &) = delete;
};

/* As in C, the type of the object decides, and the value is converted to it. */
template <typename T> struct explicit_value { typedef T type; };
template <typename T> struct explicit_value<T *> { typedef T *type; };
#define VALUE(T) typename explicit_value<T>::type

template <typename T> struct explicit_difference { typedef T type; };
template <typename T> struct explicit_difference<T *> { typedef long type; };
#define DIFFERENCE(T) typename explicit_difference<T>::type

template <typename T> void atomic_init(explicit_atomic<T> *, VALUE(T));
template <typename T> T atomic_load_explicit(const explicit_atomic<T> *, memory_order);
template <typename T> T atomic_load_explicit(const volatile explicit_atomic<T> *, memory_order);
template <typename T> void atomic_store_explicit(explicit_atomic<T> *, VALUE(T), memory_order);

#define MODIFY(name, operand)                                                                                          \
  template <typename T> T atomic_##name##_explicit(explicit_atomic<T> *, operand(T), memory_order);
MODIFY(exchange, VALUE)
MODIFY(fetch_add, DIFFERENCE)
MODIFY(fetch_sub, DIFFERENCE)
MODIFY(fetch_and, VALUE)
MODIFY(fetch_or, VALUE)
MODIFY(fetch_xor, VALUE)

template <typename T>
bool atomic_compare_exchange_strong_explicit(explicit_atomic<T> *, T *, VALUE(T), memory_order, memory_order);
template <typename T>
bool atomic_compare_exchange_weak_explicit(explicit_atomic<T> *, T *, VALUE(T), memory_order, memory_order);

void atomic_thread_fence(memory_order);
void atomic_signal_fence(memory_order);

#undef VALUE
#undef DIFFERENCE
#undef MODIFY

#endif
