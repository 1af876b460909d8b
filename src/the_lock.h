// SPDX-License-Identifier: MIT
/*
 * the_lock.h: the lock that a file is compiled for, behind names that do not depend on it. Every host of the locks
 * includes its lock by this: the timed loop and the checkers' clients take a lock in one way. Compiled with
 *   -DLK=<name>          the lock
 *   -DLK_HEADER="..."    its header, if that is not <name>.h
 * Here too is checked, in words, that what the lock says of itself fits together: see lk.h.
 */
#ifndef THE_LOCK_H
#define THE_LOCK_H

#include <stdbool.h>
#include <stddef.h>

#define QUOTE_(x) #x
#define QUOTE(x) QUOTE_(x)
#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define FN(operation) PASTE(lk_, LK, _##operation)

#ifndef LK_HEADER
#define LK_HEADER QUOTE(LK.h)
#endif
#include LK_HEADER

#define ALWAYS_INLINE inline __attribute__((always_inline))

typedef struct PASTE(lk_, LK, ) lock_type;
typedef struct FN(ctx) ctx_type;

/* What lk.h's functions are: one that is missing, or another, is told here. */
#ifdef __cplusplus
#include <type_traits>
#define IS_A(type, function) std::is_same<decltype(&function), type *>::value
#define IS_TOLD(condition, text) static_assert(condition, text)
#else
#define IS_A(type, function) _Generic(&(function), type * : true, default : false)
#define IS_TOLD(condition, text) _Static_assert(condition, text)
#endif
#define MUST_BE(type, operation, text)                                                                                 \
  IS_TOLD(IS_A(type, FN(operation)), "lk_" QUOTE(LK) "_" #operation " must be " text)

typedef bool lock_init(lock_type *, const struct lk_config *);
typedef void lock_destroy(lock_type *);
typedef bool lock_ctx_init(lock_type *, ctx_type *, const struct lk_domain *);
typedef void lock_step(lock_type *, ctx_type *);
typedef bool lock_try(lock_type *, ctx_type *);
typedef bool lock_timed(lock_type *, ctx_type *, uint64_t);
typedef uint64_t lock_bound(const struct lk_config *);
typedef size_t lock_size(const struct lk_config *);

/* Each on one line, which the compiler shows where the function is not there at all. */
MUST_BE(lock_init, init, "bool (struct lk_x *, const struct lk_config *): false = it cannot be made");
MUST_BE(lock_destroy, destroy, "void (struct lk_x *)");
MUST_BE(lock_ctx_init, ctx_init, "bool (struct lk_x *, struct lk_x_ctx *, const struct lk_domain *)");
MUST_BE(lock_step, ctx_destroy, "void (struct lk_x *, struct lk_x_ctx *)");

#if FN(is_rw)
MUST_BE(lock_step, wrlock, "void (struct lk_x *, struct lk_x_ctx *)");
MUST_BE(lock_step, wrunlock, "void (struct lk_x *, struct lk_x_ctx *)");
MUST_BE(lock_step, rdlock, "void (struct lk_x *, struct lk_x_ctx *)");
#if FN(retries)
MUST_BE(lock_try, rdvalidate, "bool (struct lk_x *, struct lk_x_ctx *): true = the reads were consistent");
#else
MUST_BE(lock_step, rdunlock, "void (struct lk_x *, struct lk_x_ctx *)");
#endif
#if !FN(no_trylock)
MUST_BE(lock_try, trywrlock, "bool (struct lk_x *, struct lk_x_ctx *), or say #define lk_x_no_trylock 1");
MUST_BE(lock_try, tryrdlock, "bool (struct lk_x *, struct lk_x_ctx *), or say #define lk_x_no_trylock 1");
#endif
#else
MUST_BE(lock_step, lock, "void (struct lk_x *, struct lk_x_ctx *), or say #define lk_x_is_rw 1");
MUST_BE(lock_step, unlock, "void (struct lk_x *, struct lk_x_ctx *)");
#if !FN(no_trylock)
MUST_BE(lock_try, trylock, "bool (struct lk_x *, struct lk_x_ctx *), or say #define lk_x_no_trylock 1");
#endif
#endif

#if FN(is_timed)
MUST_BE(lock_timed, timedlock, "bool (struct lk_x *, struct lk_x_ctx *, uint64_t): false = the deadline has passed");
#endif
#if FN(is_bounded)
MUST_BE(lock_bound, bypass, "uint64_t (const struct lk_config *): the bound that LK_BOUNDED promises");
#endif
#if FN(has_domains)
MUST_BE(lock_bound, domain_run, "uint64_t (const struct lk_config *): the bound that lk_x_has_domains promises");
#endif
#if FN(has_heap)
MUST_BE(lock_size, heap_bytes, "size_t (const struct lk_config *): what init and all ctx_init allocate");
#endif

/* Traits that contradict each other, or what stands beside them. */
#define SAYS(trait) (((unsigned)FN(traits) & (trait)) != 0)
#define MUST(condition, text) IS_TOLD(condition, QUOTE(LK) text)

MUST(!(SAYS(LK_FIFO) && SAYS(LK_BOUNDED)), ": LK_FIFO is more than LK_BOUNDED: say one of them");
MUST(!(SAYS(LK_SYSTEM) && SAYS(LK_PEER)), ": say LK_SYSTEM or LK_PEER, not both");
MUST(SAYS(LK_BASELINE) || SAYS(LK_SPINS) || SAYS(LK_PARKS), ": say how a waiter waits: LK_SPINS, LK_PARKS or both");
MUST(!SAYS(LK_BASELINE) || (unsigned)FN(traits) == LK_BASELINE,
     ": a baseline is no lock and promises nothing: say LK_BASELINE alone");
MUST(!SAYS(LK_RW), ": LK_RW is set for you: say #define lk_x_is_rw 1");
MUST(!SAYS(LK_TIMED), ": LK_TIMED is set for you: say #define lk_x_is_timed 1");
MUST(!SAYS(LK_DOMAINS), ": LK_DOMAINS is set for you: say #define lk_x_has_domains 1");

#if FN(is_bounded)
MUST(SAYS(LK_BOUNDED), ": lk_x_is_bounded needs LK_BOUNDED among the traits");
#else
MUST(!SAYS(LK_BOUNDED), ": LK_BOUNDED needs #define lk_x_is_bounded 1 and lk_x_bypass");
#endif
#if FN(is_rw)
enum { IS_RW = true };
#if FN(is_timed)
MUST(false, ": lk_x_is_timed is of mutexes");
#endif
#else
enum { IS_RW = false };
#if FN(retries)
MUST(false, ": lk_x_retries is of readers/writer locks: say #define lk_x_is_rw 1 too");
#endif
#if FN(writer_phases)
MUST(false, ": lk_x_writer_phases is of readers/writer locks: say #define lk_x_is_rw 1 too");
#endif
#endif

#if FN(no_ctx)
enum { HAS_CTX = false };
MUST(sizeof(ctx_type) == 1, ": lk_x_no_ctx says that a context holds nothing: it must be { char unused; }");
#else
enum { HAS_CTX = true };
#endif

/*
 * A mutex has one mode; a readers/writer lock has two, of which the exclusive one is what the hosts call acquire and
 * release.
 */
#if FN(is_rw)
static ALWAYS_INLINE void acquire(lock_type *lock, ctx_type *ctx) { FN(wrlock)(lock, ctx); }
static ALWAYS_INLINE void release(lock_type *lock, ctx_type *ctx) { FN(wrunlock)(lock, ctx); }
static ALWAYS_INLINE void acquire_shared(lock_type *lock, ctx_type *ctx) { FN(rdlock)(lock, ctx); }
#else
static ALWAYS_INLINE void acquire(lock_type *lock, ctx_type *ctx) { FN(lock)(lock, ctx); }
static ALWAYS_INLINE void release(lock_type *lock, ctx_type *ctx) { FN(unlock)(lock, ctx); }
static ALWAYS_INLINE void acquire_shared(lock_type *lock, ctx_type *ctx) { (void)lock, (void)ctx; }
#endif

/* Of a lock that has no trylock these are never called: a workload that tries is not offered to it. */
#if FN(no_trylock)
static ALWAYS_INLINE bool try_acquire(lock_type *lock, ctx_type *ctx) { return (void)lock, (void)ctx, false; }
static ALWAYS_INLINE bool try_acquire_shared(lock_type *lock, ctx_type *ctx) { return try_acquire(lock, ctx); }
#elif FN(is_rw)
static ALWAYS_INLINE bool try_acquire(lock_type *lock, ctx_type *ctx) { return FN(trywrlock)(lock, ctx); }
static ALWAYS_INLINE bool try_acquire_shared(lock_type *lock, ctx_type *ctx) { return FN(tryrdlock)(lock, ctx); }
#else
static ALWAYS_INLINE bool try_acquire(lock_type *lock, ctx_type *ctx) { return FN(trylock)(lock, ctx); }
static ALWAYS_INLINE bool try_acquire_shared(lock_type *lock, ctx_type *ctx) { return try_acquire(lock, ctx); }
#endif

#if FN(is_timed)
static ALWAYS_INLINE bool timed_acquire(lock_type *lock, ctx_type *ctx, uint64_t deadline_ns) {
  return FN(timedlock)(lock, ctx, deadline_ns);
}
#endif

/* Ends a shared section; false: it has to be done again. */
static ALWAYS_INLINE bool release_shared(lock_type *lock, ctx_type *ctx) {
#if FN(retries)
  return FN(rdvalidate)(lock, ctx);
#elif FN(is_rw)
  FN(rdunlock)(lock, ctx);
  return true;
#else
  return (void)lock, (void)ctx, true;
#endif
}

#endif
