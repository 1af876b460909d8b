// SPDX-License-Identifier: MIT
/*
 * lk_peer.h: what the adapters of other libraries' locks share. An adapter is a lock header as lk.h describes it, that
 * gives each operation to the library and adds nothing: what the library's own headers inline is inlined in the timed
 * loop, and what the library keeps to itself is called. States, invariants and memory orders are the library's.
 * The adapters of C++ libraries lie in bench/peers/, beside the other C++, and are compiled as it by instance.cc there.
 */
#ifndef LK_PEER_H
#define LK_PEER_H

#include "lk.h"

/* For locks that know no context: `lock` is the struct's name. */
#define LK_PEER_WITHOUT_CTX(lock)                                                                                      \
  struct lock##_ctx {                                                                                                  \
    char unused;                                                                                                       \
  };                                                                                                                   \
  static inline bool lock##_ctx_init(struct lock *self, struct lock##_ctx *ctx, const struct lk_domain *domain) {      \
    return (void)self, (void)ctx, (void)domain, true;                                                                  \
  }                                                                                                                    \
  static inline void lock##_ctx_destroy(struct lock *self, struct lock##_ctx *ctx) { (void)self, (void)ctx; }

#endif
