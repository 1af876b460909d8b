// SPDX-License-Identifier: MIT
/*
 * entry.c: what the compiler calls for each load and store of a guest (-fsanitize=thread). The thread sanitizer's own
 * functions of these names are never linked. Its interface is that of LLVM's compiler-rt, tsan_interface.h and
 * tsan_interface_atomic.h, which gcc and clang share.
 *
 * Outside of a simulated thread, as when a lock is made, they only do what they are to do.
 */
#include <stddef.h>
#include <string.h>

#include "access.h"

/* The functions have their prototypes in the compiler only. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}

/* What the thread's own buffer has of it must be in its line first: plain and atomic accesses mix here only rarely. */
static void meet_own_stores(const volatile void *address, unsigned n_bytes) {
  uint64_t value;
  if (LK_UNLIKELY(guests.current->stores.n_atomic > 0) &&
      store_buffer_find(&guests.current->stores, address, n_bytes, &value) != STORE_NONE)
    access_drain();
}

static inline void plain_load(const volatile void *address, unsigned n_bytes) {
  if (guests.current == NULL) return;
  meet_own_stores(address, n_bytes);
  access_load(address);
}

static inline void plain_store(volatile void *address, unsigned n_bytes) {
  if (guests.current == NULL) return;
  meet_own_stores(address, n_bytes);
  (void)access_store(address, (struct store){.n_bytes = n_bytes});
}

#define PLAIN(n)                                                                                                       \
  void __tsan_read##n(void *address) { plain_load(address, n); }                                                       \
  void __tsan_write##n(void *address) { plain_store(address, n); }                                                     \
  void __tsan_unaligned_read##n(void *address) { plain_load(address, n); }                                             \
  void __tsan_unaligned_write##n(void *address) { plain_store(address, n); }                                           \
  void __tsan_volatile_read##n(void *address) { plain_load(address, n); }                                              \
  void __tsan_volatile_write##n(void *address) { plain_store(address, n); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

/* Whatever is longer, line by line. */
static void range(void *address, size_t n_bytes, void (*access)(void *)) {
  const uintptr_t end = (uintptr_t)address + n_bytes;
  for (uintptr_t at = (uintptr_t)address; at < end; at = (at / ARENA_LINE_BYTES + 1) * ARENA_LINE_BYTES)
    access((void *)at);
}

void __tsan_read_range(void *address, size_t n_bytes) { range(address, n_bytes, __tsan_read1); }
void __tsan_write_range(void *address, size_t n_bytes) { range(address, n_bytes, __tsan_write1); }

void *__tsan_memcpy(void *to, const void *from, size_t n_bytes) {
  range((void *)(uintptr_t)from, n_bytes, __tsan_read1);
  range(to, n_bytes, __tsan_write1);
  return memcpy(to, from, n_bytes);
}

void *__tsan_memmove(void *to, const void *from, size_t n_bytes) {
  range((void *)(uintptr_t)from, n_bytes, __tsan_read1);
  range(to, n_bytes, __tsan_write1);
  return memmove(to, from, n_bytes);
}

void *__tsan_memset(void *to, int value, size_t n_bytes) {
  range(to, n_bytes, __tsan_write1);
  return memset(to, value, n_bytes);
}

/* A full fence, or what contains one: all earlier stores are seen before what follows is done. */
static void fence(int order) {
  if (guests.current == NULL || order != __ATOMIC_SEQ_CST) return;
  tally.n_others++;
  system_sync();
  access_drain();
  system_spend(guests.model->rmw_ps);
}

void __tsan_atomic_thread_fence(int order) { fence(order); }
void __tsan_atomic_signal_fence(int order) { (void)order; }

static inline void rmw(const volatile void *address) {
  if (guests.current != NULL) access_rmw(address);
}

#define MODIFY(bits, type, name, value_of)                                                                             \
  type __tsan_atomic##bits##_##name(volatile type *address, type operand, int order) {                                 \
    (void)order;                                                                                                       \
    rmw(address);                                                                                                      \
    const type old = *address;                                                                                         \
    *address = (type)(value_of);                                                                                       \
    return old;                                                                                                        \
  }

/* Orders need no more than they get: a load is in order, a store is behind the earlier ones in the buffer. A
   sequentially consistent store is an exchange, as compilers make of it on x86. */
#define ATOMIC(bits, type)                                                                                             \
  type __tsan_atomic##bits##_load(const volatile type *address, int order) {                                           \
    uint64_t value;                                                                                                    \
    (void)order;                                                                                                       \
    if (guests.current == NULL) return *address;                                                                       \
    if (LK_UNLIKELY(guests.current->stores.n_atomic > 0) && access_forward(address, sizeof(type), &value))             \
      return (type)value;                                                                                              \
    access_load(address);                                                                                              \
    return *address;                                                                                                   \
  }                                                                                                                    \
  void __tsan_atomic##bits##_store(volatile type *address, type value, int order) {                                    \
    if (guests.current != NULL && order == __ATOMIC_SEQ_CST) access_rmw(address);                                      \
    if (guests.current == NULL || order == __ATOMIC_SEQ_CST ||                                                         \
        access_store(address, (struct store){.address = address, .value = (uint64_t)value, .n_bytes = sizeof(type)}))  \
      *address = value;                                                                                                \
  }                                                                                                                    \
  MODIFY(bits, type, exchange, operand)                                                                                \
  MODIFY(bits, type, fetch_add, old + operand)                                                                         \
  MODIFY(bits, type, fetch_sub, old - operand)                                                                         \
  MODIFY(bits, type, fetch_and, old &operand)                                                                          \
  MODIFY(bits, type, fetch_or, old | operand)                                                                          \
  MODIFY(bits, type, fetch_xor, old ^ operand)                                                                         \
  MODIFY(bits, type, fetch_nand, ~(old & operand))                                                                     \
  type __tsan_atomic##bits##_compare_exchange_val(volatile type *address, type expected, type wanted, int order,       \
                                                  int order_on_failure) {                                              \
    (void)order, (void)order_on_failure;                                                                               \
    rmw(address);                                                                                                      \
    const type old = *address;                                                                                         \
    if (old == expected) *address = wanted;                                                                            \
    return old;                                                                                                        \
  }                                                                                                                    \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile type *address, type *expected, type wanted, int order,    \
                                                    int order_on_failure) {                                            \
    const type old = __tsan_atomic##bits##_compare_exchange_val(address, *expected, wanted, order, order_on_failure);  \
    const int is_done = old == *expected;                                                                              \
    *expected = old;                                                                                                   \
    return is_done;                                                                                                    \
  }                                                                                                                    \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile type *address, type *expected, type wanted, int order,      \
                                                  int order_on_failure) {                                              \
    return __tsan_atomic##bits##_compare_exchange_strong(address, expected, wanted, order, order_on_failure);          \
  }

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
