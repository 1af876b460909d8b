// SPDX-License-Identifier: MIT
/*
 * parking_lot: the mutex of Rust's parking_lot crate: one byte, and a table of sleepers that all locks share.
 *
 * Source: parking_lot, raw_mutex.rs, after WebKit's WTF::Lock; parking_lot/lib.rs gives it to C.
 * Not inlined: a Rust program inlines its fast path, but here each operation is a call, since C and Rust meet only in
 * the linker. Where no thread waits, the calls are a part of what its rows show.
 * FIFO: no; arrivals may overtake those that sleep, but about every half a millisecond an unlock hands over to the
 * first of them. Waiters spin for a few tries, then sleep. Context: none.
 */
#ifndef LK_PARKING_LOT_H
#define LK_PARKING_LOT_H

#include "lk_peer.h"

enum { lk_parking_lot_traits = LK_SPINS | LK_PARKS | LK_PEER };

struct lk_parking_lot {
  unsigned char mutex;
  LK_CANARY_MEMBER
};

void parking_lot_init(unsigned char *mutex);
void parking_lot_lock(unsigned char *mutex);
bool parking_lot_try_lock(unsigned char *mutex);
void parking_lot_unlock(unsigned char *mutex);

#define lk_parking_lot_no_ctx 1
LK_PEER_WITHOUT_CTX(lk_parking_lot)

static inline bool lk_parking_lot_init(struct lk_parking_lot *lock, const struct lk_config *config) {
  (void)config;
  parking_lot_init(&lock->mutex);
  LK_CANARY_SET(lock);
  return true;
}

static inline void lk_parking_lot_destroy(struct lk_parking_lot *lock) { LK_CANARY_CHECK(lock); }

static inline void lk_parking_lot_lock(struct lk_parking_lot *lock, struct lk_parking_lot_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  parking_lot_lock(&lock->mutex);
}

static inline bool lk_parking_lot_trylock(struct lk_parking_lot *lock, struct lk_parking_lot_ctx *ctx) {
  (void)ctx;
  LK_CANARY_CHECK(lock);
  return parking_lot_try_lock(&lock->mutex);
}

static inline void lk_parking_lot_unlock(struct lk_parking_lot *lock, struct lk_parking_lot_ctx *ctx) {
  (void)ctx;
  parking_lot_unlock(&lock->mutex);
}

#endif
