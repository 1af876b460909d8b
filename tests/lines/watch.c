// SPDX-License-Identifier: MIT
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct watch *mine;

void watch_begin(struct watch *watch) { mine = watch; }

/* Relaxed: until it is seen a little too much is noted, of a thread that only waits. */
void watch_close(struct watch *watch) { atomic_store_explicit(&watch->is_closed, true, memory_order_relaxed); }

const struct watch_line *watch_find(const struct watch *watch, uintptr_t address) {
  for (unsigned i = 0; i < watch->n_lines; i++)
    if (watch->lines[i].address == address) return &watch->lines[i];
  return NULL;
}

static struct watch_line *line_at(struct watch *watch, uintptr_t address) {
  for (unsigned i = 0; i < watch->n_lines; i++)
    if (watch->lines[i].address == address) return &watch->lines[i];
  if (watch->n_lines == WATCH_MAX_LINES) {
    fprintf(stderr, "more than %d lines are touched\n", WATCH_MAX_LINES);
    abort();
  }
  struct watch_line *const line = &watch->lines[watch->n_lines++];
  line->address = address;
  return line;
}

static void note(const volatile void *address, size_t n_bytes, unsigned char how) {
  if (mine == NULL || atomic_load_explicit(&mine->is_closed, memory_order_relaxed)) return;
  for (uintptr_t at = (uintptr_t)address; n_bytes-- > 0; at++)
    line_at(mine, at - at % LK_LINE_BYTES)->bytes[at % LK_LINE_BYTES] |= how;
}

/* What the compiler calls; declared here, since it needs no header. Whatever order it asks for, it gets the strongest.
 */
#define CALL(result, name, ...)                                                                                        \
  result name(__VA_ARGS__);                                                                                            \
  result name(__VA_ARGS__)

CALL(void, __tsan_init, void) {}
CALL(void, __tsan_func_entry, void *caller) { (void)caller; }
CALL(void, __tsan_func_exit, void) {}
CALL(void, __tsan_read_range, void *at, size_t n) { note(at, n, WATCH_READ); }
CALL(void, __tsan_write_range, void *at, size_t n) { note(at, n, WATCH_WROTE); }
CALL(void *, __tsan_memset, void *at, int byte, size_t n) {
  note(at, n, WATCH_WROTE);
  return memset(at, byte, n);
}
CALL(void *, __tsan_memcpy, void *to, const void *from, size_t n) {
  note(from, n, WATCH_READ);
  note(to, n, WATCH_WROTE);
  return memcpy(to, from, n);
}
CALL(void, __tsan_atomic_thread_fence, int order) {
  (void)order;
  atomic_thread_fence(memory_order_seq_cst);
}
CALL(void, __tsan_atomic_signal_fence, int order) {
  (void)order;
  atomic_signal_fence(memory_order_seq_cst);
}

#define PLAIN(n)                                                                                                       \
  CALL(void, __tsan_read##n, void *at) { note(at, n, WATCH_READ); }                                                    \
  CALL(void, __tsan_write##n, void *at) { note(at, n, WATCH_WROTE); }                                                  \
  CALL(void, __tsan_unaligned_read##n, void *at) { note(at, n, WATCH_READ); }                                          \
  CALL(void, __tsan_unaligned_write##n, void *at) { note(at, n, WATCH_WROTE); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

/* A read-modify-write takes the line as a write does, even if it fails. */
#define MODIFY(bits, name, builtin)                                                                                    \
  CALL(uint##bits##_t, __tsan_atomic##bits##_##name, volatile uint##bits##_t *at, uint##bits##_t value, int order) {   \
    (void)order;                                                                                                       \
    note(at, bits / 8, WATCH_WROTE);                                                                                   \
    return builtin(at, value, __ATOMIC_SEQ_CST);                                                                       \
  }
#define COMPARE(bits, name)                                                                                            \
  CALL(int, __tsan_atomic##bits##_compare_exchange_##name, volatile uint##bits##_t *at, uint##bits##_t *expected,      \
       uint##bits##_t value, int order, int failure) {                                                                 \
    (void)order, (void)failure;                                                                                        \
    note(at, bits / 8, WATCH_WROTE);                                                                                   \
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
  }
#define ATOMIC(bits)                                                                                                   \
  CALL(uint##bits##_t, __tsan_atomic##bits##_load, const volatile uint##bits##_t *at, int order) {                     \
    (void)order;                                                                                                       \
    note(at, bits / 8, WATCH_READ);                                                                                    \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                                                      \
  }                                                                                                                    \
  CALL(void, __tsan_atomic##bits##_store, volatile uint##bits##_t *at, uint##bits##_t value, int order) {              \
    (void)order;                                                                                                       \
    note(at, bits / 8, WATCH_WROTE);                                                                                   \
    __atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                                                     \
  }                                                                                                                    \
  CALL(uint##bits##_t, __tsan_atomic##bits##_compare_exchange_val, volatile uint##bits##_t *at,                        \
       uint##bits##_t expected, uint##bits##_t value, int order, int failure) {                                        \
    (void)order, (void)failure;                                                                                        \
    note(at, bits / 8, WATCH_WROTE);                                                                                   \
    (void)__atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
    return expected;                                                                                                   \
  }                                                                                                                    \
  COMPARE(bits, strong)                                                                                                \
  COMPARE(bits, weak)                                                                                                  \
  MODIFY(bits, exchange, __atomic_exchange_n)                                                                          \
  MODIFY(bits, fetch_add, __atomic_fetch_add)                                                                          \
  MODIFY(bits, fetch_sub, __atomic_fetch_sub)                                                                          \
  MODIFY(bits, fetch_and, __atomic_fetch_and)                                                                          \
  MODIFY(bits, fetch_or, __atomic_fetch_or)                                                                            \
  MODIFY(bits, fetch_xor, __atomic_fetch_xor)
ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)
