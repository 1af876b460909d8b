// SPDX-License-Identifier: MIT
/*
 * lock_ops.h: defines `const struct lk_ops lk_<name>_ops`, the lock that a file is compiled for (the_lock.h) as a row
 * of the registry. Included once, by that file, which defines WORK if it has the timed loop. With -DLK_TWIN=<other
 * name> it is a twin: the same lock once more, called lk_<other name>_ops. With -DLK_GUEST it is the simulator's copy
 * of the lock, guest_<name>_ops.
 */
#ifndef LOCK_OPS_H
#define LOCK_OPS_H

#include "registry.h"
#include "the_lock.h"

/* What the row is called, and of which other it is the twin. */
#if defined(LK_GUEST)
#define AS(what) PASTE(guest_, LK, _##what)
#define NAME QUOTE(LK)
#define TWIN_OF NULL
#elif defined(LK_TWIN)
#define AS(what) PASTE(lk_, LK_TWIN, _##what)
#define NAME QUOTE(LK_TWIN)
#define TWIN_OF QUOTE(LK)
#else
#define AS(what) FN(what)
#define NAME QUOTE(LK)
#define TWIN_OF NULL
#endif

#ifndef WORK
#define WORK NULL
#endif

/* With casts, since bench/peers/instance.cc compiles this file as C++. */
static bool init(void *lock, const struct lk_config *config) { return FN(init)((lock_type *)lock, config); }
static void destroy(void *lock) { FN(destroy)((lock_type *)lock); }
static bool ctx_init(void *lock, void *ctx, const struct lk_domain *domain) {
  return FN(ctx_init)((lock_type *)lock, (ctx_type *)ctx, domain);
}
static void ctx_destroy(void *lock, void *ctx) { FN(ctx_destroy)((lock_type *)lock, (ctx_type *)ctx); }

static void lock(void *lock, void *ctx) { acquire((lock_type *)lock, (ctx_type *)ctx); }
static void unlock(void *lock, void *ctx) { release((lock_type *)lock, (ctx_type *)ctx); }

#if FN(is_rw)
static void lock_shared(void *lock, void *ctx) { acquire_shared((lock_type *)lock, (ctx_type *)ctx); }
static bool unlock_shared(void *lock, void *ctx) { return release_shared((lock_type *)lock, (ctx_type *)ctx); }
#endif

#if !FN(no_trylock)
static bool try_lock(void *lock, void *ctx) { return try_acquire((lock_type *)lock, (ctx_type *)ctx); }
#if FN(is_rw)
static bool try_lock_shared(void *lock, void *ctx) { return try_acquire_shared((lock_type *)lock, (ctx_type *)ctx); }
#endif
#endif

#if FN(is_timed)
static bool timed_lock(void *lock, void *ctx, uint64_t deadline_ns) {
  return timed_acquire((lock_type *)lock, (ctx_type *)ctx, deadline_ns);
}
enum { IS_TIMED = true };
#else
enum { IS_TIMED = false };
#endif

#if FN(has_domains)
enum { HAS_DOMAINS = true };
#else
enum { HAS_DOMAINS = false };
#endif

/* A baseline's lock that holds nothing is one char, because C has no empty struct. */
#define LOCK_BYTES (SAYS(LK_BASELINE) && sizeof(lock_type) == 1 ? 0 : sizeof(lock_type))

extern const struct lk_ops AS(ops); /* C++ would keep a constant to this file */
const struct lk_ops AS(ops) = {
    .name = NAME,
    .twin_of = TWIN_OF,
    .traits = FN(traits) | (IS_RW ? LK_RW : 0) | (HAS_DOMAINS ? LK_DOMAINS : 0) | (IS_TIMED ? LK_TIMED : 0),
    .lock_bytes = LOCK_BYTES,
    .lock_align = _Alignof(lock_type),
    .ctx_bytes = HAS_CTX ? sizeof(ctx_type) : 0,
    .ctx_align = _Alignof(ctx_type),
    .init = init,
    .destroy = destroy,
    .ctx_init = ctx_init,
    .ctx_destroy = ctx_destroy,
    .lock = lock,
#if !FN(no_trylock)
    .try_lock = try_lock,
#endif
    .unlock = unlock,
#if FN(is_timed)
    .timed_lock = timed_lock,
#endif
#if FN(is_rw)
    .lock_shared = lock_shared,
#if !FN(no_trylock)
    .try_lock_shared = try_lock_shared,
#endif
    .unlock_shared = unlock_shared,
#if FN(writer_phases)
    .writer_phases = FN(writer_phases),
#endif
#endif
#if FN(is_bounded)
    .bypass = FN(bypass),
#endif
#if FN(has_domains)
    .domain_run = FN(domain_run),
#endif
#if FN(has_heap)
    .heap_bytes = FN(heap_bytes),
#endif
    .work = WORK,
};

#endif
