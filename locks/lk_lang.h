// SPDX-License-Identifier: MIT
/*
 * lk_lang.h: C11's words for what C++ says otherwise, so that every header of a lock compiles as both: C11 and later,
 * C++17 and later.
 *
 * LK_ATOMIC(type) is _Atomic(type) in C and std::atomic<type> in C++; both have the same size and layout, so a lock may
 * be shared between files of both languages. The functions on atomics have the same names in both, and in C++ are found
 * by the type of their argument; the memory orders are brought in here, as C++23's <stdatomic.h> does. LK_ZERO is an
 * initialiser of anything. Between LK_FENCES_BEGIN and LK_FENCES_END gcc does not warn that its thread sanitizer does
 * not know fences.
 */
#ifndef LK_LANG_H
#define LK_LANG_H

#ifdef __cplusplus

#include <atomic>

#define LK_ATOMIC(type) std::atomic<type>
#define LK_ALIGNED(bytes) alignas(bytes)
#define LK_STATIC_ASSERT(condition, message) static_assert(condition, message)
#define LK_ZERO                                                                                                        \
  {}

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

using std::atomic_signal_fence;
using std::atomic_thread_fence;

#else

#include <stdatomic.h>

#define LK_ATOMIC(type) _Atomic(type)
#define LK_ALIGNED(bytes) _Alignas(bytes)
#define LK_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define LK_ZERO                                                                                                        \
  { 0 }

#endif

#if defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define LK_FENCES_BEGIN _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wtsan\"")
#define LK_FENCES_END _Pragma("GCC diagnostic pop")
#else
#define LK_FENCES_BEGIN
#define LK_FENCES_END
#endif

#endif
