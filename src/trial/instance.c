// SPDX-License-Identifier: MIT
/*
 * instance.c: the template that becomes one object per lock: the timed loop, and by lock_ops.h, which tells what it
 * is compiled with, the lock's row in the registry.
 *
 * The loop is written once and specialised by constants: the compiler drops what a trial does not ask for, so
 * that the empty section of one lock costs no test of options that are off. The harness makes one indirect
 * call per thread and trial; inside the loop the lock is inlined (tests/code/hot_loop.py looks at the code).
 */
#include "code_layout.h"
#include "worker.h"

CODE_LAYOUT_BEGIN_PAGE

static void work(struct worker *worker);
#define WORK work
#include "lock_ops.h"

/*
 * A lock whose readers retry lets them race with a writer, which C allows on atomics only (Boehm 2012). The state is
 * plain for all other locks, so this uses the compiler's atomics on plain memory: C11 has no word for that.
 */
#if FN(retries)
#define LOAD(place) __atomic_load_n(&(place), __ATOMIC_RELAXED)
#define STORE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)
#else
#define LOAD(place) (place)
#define STORE(place, value) ((place) = (value))
#endif

/* A wait during which the phase changed: kept if any of it lay in the window, and open if it outlasted that. */
LK_COLD static void wait_across_phases(struct worker *worker, uint32_t phase, uint64_t start, uint64_t end) {
  const struct worker_signal *signal = worker->signal;
  const uint64_t first = start > signal->open_ticks ? start : signal->open_ticks; /* in the window */
  if (phase > PHASE_WINDOW && end > signal->close_ticks) {
    if (signal->close_ticks > start)
      waits_add_open(worker->waits, signal->close_ticks - start, clock_ticks_between(first, signal->close_ticks));
  } else if (end > signal->open_ticks) {
    waits_add(worker->waits, clock_ticks_between(start, end), clock_ticks_between(first, end));
  }
}

/* How the loop is specialised: what a trial does not ask for is not in its loop. */
struct special {
  bool is_plain;    /* one lock, an empty section, no think time */
  bool times_waits; /* a clock is read around each acquisition */
  bool tries;       /* an operation that does not get the lock at once is given up */
  bool is_open;     /* operations begin when they are due, and wait from then on: see arrivals.h */
  bool is_replay;   /* operations are a program's: see replay.h */
  bool extends;     /* a thread inside of a section asks for a longer time slice: see lk_slice.h */
};

/*
 * The place of one operation: a lock, this worker's context for it, and what it protects. Whether an operation writes
 * is random, and a branch on it inside of the section would charge the lock with being mispredicted. So it is decided
 * before the section, by where the operation stores: a read does so on a line of the worker's own.
 */
struct site {
  lock_type *lock;
  ctx_type *ctx;
  struct workload_state *state;
  struct workload_key *key, *stored_key;
  struct workload_line *lines, *stored_lines;
  size_t line_step; /* of stored_lines; 0 for a read, which stores on one */
};

/* The compiler no longer knows where the value comes from, and cannot move the decision to where the value is used. */
#define DECIDE(value) __asm__ volatile("" : "+r"(value))

static ALWAYS_INLINE void decide_stores(struct worker *worker, struct site *at, bool reads,
                                        const struct special special) {
  at->stored_key = reads ? &worker->unshared_key : at->key;
  DECIDE(at->stored_key);
  if (special.is_plain) return;
  at->stored_lines = reads ? &worker->unshared_line : at->lines;
  at->line_step = reads ? 0 : 1;
  DECIDE(at->stored_lines);
  DECIDE(at->line_step);
}

/* Acquires the lock; false: it was tried in vain. Tells in *acquired_at when it was had, if that is of interest. */
static ALWAYS_INLINE bool enter(struct worker *worker, const struct site *at, bool is_shared,
                                const struct special special, uint64_t *acquired_at) {
  bool is_had = false;
  if (special.tries || (special.is_replay && worker->counts_contention)) {
    is_had = is_shared ? try_acquire_shared(at->lock, at->ctx) : try_acquire(at->lock, at->ctx);
    if (!is_had && special.tries) return false;
    if (!is_had) worker_count(&worker->counts.n_failed_tries);
  }
  if (!is_had && is_shared) acquire_shared(at->lock, at->ctx);
  if (!is_had && !is_shared) acquire(at->lock, at->ctx);
  if (special.extends) lk_slice_request(&worker->slice);
  if (special.times_waits || special.is_replay) *acquired_at = clock_ticks_ordered();
  return true;
}

/* Spends what is left of a section; a replay's lasts from when the lock was had. */
static ALWAYS_INLINE void linger(struct worker *worker, const struct workload_operation *operation, uint32_t tag,
                                 const struct special special, uint64_t acquired_at) {
  if (special.is_replay)
    replay_pass(&worker->replay.patience, acquired_at, operation->hold, &worker->signal->phase, tag >> 16);
  else if (operation->cs_ticks != 0)
    clock_spin(operation->cs_ticks);
}

/*
 * An operation in the exclusive mode. Adds a reader's value to *sum, and tells in *acquired_at when the lock was had.
 * False: it was tried in vain.
 */
static ALWAYS_INLINE bool do_exclusive(struct worker *worker, const struct site *at,
                                       const struct workload_operation *operation, uint32_t tag, uint64_t *sum,
                                       const struct special special, uint64_t *acquired_at) {
  if (!enter(worker, at, false, special, acquired_at)) return false;
  worker_enter(worker, at->state, tag);
  STORE(at->state->n_sections, at->state->n_sections + 1);
  *sum += at->key->value;
  STORE(at->stored_key->value, operation->value);
  at->stored_key->n_writes++;
  if (!special.is_plain) {
    for (size_t i = 0; i < worker->workload.cs_lines; i++)
      STORE(at->stored_lines[i * at->line_step].n_visits, at->lines[i].n_visits + 1);
    linger(worker, operation, tag, special, *acquired_at);
  }
  if (IS_RW) STORE(at->state->n_finished, at->state->n_sections); /* readers in shared mode look at it */
  release(at->lock, at->ctx);
  if (special.extends) lk_slice_end(&worker->slice);
  return true;
}

/*
 * A read in shared mode, like the above. It must see no writer half-way: then the writers' two counts are equal. Where
 * readers retry, what they saw in vain is forgotten, and the lock is had when the last attempt begins.
 */
static ALWAYS_INLINE bool do_shared(struct worker *worker, const struct site *at,
                                    const struct workload_operation *operation, uint32_t tag, uint64_t *sum,
                                    const struct special special, uint64_t *acquired_at) {
  const struct workload_state *const state = at->state;
  uint64_t result;
  bool is_torn;
  for (;;) {
    if (!enter(worker, at, true, special, acquired_at)) return false;
    const uint64_t n_finished = LOAD(state->n_finished);
    result = *sum + LOAD(at->key->value);
    if (!special.is_plain) {
      for (size_t i = 0; i < worker->workload.cs_lines; i++) result += LOAD(at->lines[i].n_visits);
      linger(worker, operation, tag, special, *acquired_at);
    }
    is_torn = LOAD(state->n_sections) != n_finished;
    const bool is_consistent = release_shared(at->lock, at->ctx);
    if (special.extends) lk_slice_end(&worker->slice);
    if (LK_LIKELY(is_consistent)) break;
    if (special.tries) return false;
  }
  if (LK_UNLIKELY(is_torn)) worker->n_torn_reads++;
  *sum = result;
  return true;
}

/* Operations until the trial's phase is no longer `phase`. */
static ALWAYS_INLINE void loop(struct worker *worker, uint32_t phase, struct special special) {
  if (special.is_open || special.is_replay || special.extends)
    special.times_waits = worker->times_waits; /* one loop for both: it has more to do anyway */
  struct worker_signal *const signal = worker->signal;
  const struct workload *const workload = &worker->workload;
  uint64_t read_below = worker->read_below;
  const uint32_t n_keys = workload->n_keys;
  const uint32_t tag = phase << 16 | worker->index;
  struct random_state random = worker->random;
  struct replay_cursor replay = worker->replay;
  uint64_t sum = worker->sum;
  size_t which = 0;
  /* Copies: an acquire would make the compiler fetch the worker's own fields again in every operation. */
  unsigned char *const locks = worker->locks, *const contexts = worker->contexts;
  const size_t state_offset = worker->state_offset;

  /* Relaxed: what belongs to a phase is read after the acquire in work(). */
  while (atomic_load_explicit(&signal->phase, memory_order_relaxed) == phase) {
    const struct replay_section *const section = special.is_replay ? replay_next(&replay, &random) : NULL;
    if (special.is_replay) read_below = (uint64_t)(section->place & 1) << 32;
    struct workload_operation operation = workload_draw(&random, read_below, n_keys);
    if (special.is_replay) {
      which = section->place >> 1;
      operation.hold = &section->hold;
    } else if (!special.is_plain) {
      which = random_below((uint32_t)(random_next(&random) >> 32), workload->n_locks);
      if (worker->cs_ticks != 0) operation.cs_ticks = random_around(worker->cs_ticks, random_next(&random));
    }
    unsigned char *const block = locks + which * worker->block_bytes;
    struct workload_state *const state = (struct workload_state *)(void *)(block + state_offset);
    struct site at = {
        .lock = (lock_type *)(void *)block,
        .ctx = (ctx_type *)(void *)(contexts + which * worker->context_bytes),
        .state = state,
        .key = &state->keys[operation.key],
        .lines = (struct workload_line *)(void *)(block + worker->lines_offset),
    };
    decide_stores(worker, &at, operation.reads, special);

    if (special.is_open && !arrivals_await(&worker->arrivals, &signal->phase, phase)) continue; /* the phase is over */
    if (special.is_replay &&
        !replay_pass(&worker->replay.patience, replay.released, &section->gap, &signal->phase, phase))
      continue;
    uint64_t start = 0, end = 0;
    if (special.times_waits) start = special.is_open ? worker->arrivals.due : clock_ticks_ordered();
    const bool is_done = IS_RW && operation.reads ? do_shared(worker, &at, &operation, tag, &sum, special, &end)
                                                  : do_exclusive(worker, &at, &operation, tag, &sum, special, &end);
    if (special.is_replay) replay_go_on(&replay, clock_ticks());

    struct worker_counts *const counts = &worker->counts;
    worker_count(!is_done ? &counts->n_failed_tries : operation.reads ? &counts->n_reads : &counts->n_writes);
    if (special.times_waits) {
      /* Acquire: pairs with the release stores of the phase; the ticks come with it. */
      const uint32_t now = atomic_load_explicit(&signal->phase, memory_order_acquire);
      if (LK_UNLIKELY(now != phase))
        wait_across_phases(worker, now, start, end);
      else if (phase == PHASE_WINDOW)
        waits_add(worker->waits, clock_ticks_between(start, end), clock_ticks_between(start, end));
    }
    if (special.is_open)
      arrivals_next(&worker->arrivals);
    else if (!special.is_plain && workload->think != THINK_NONE)
      workload_think(workload, worker->think_ticks, &random);
  }
  worker->random = random;
  worker->sum = sum;
  if (special.is_replay) worker->replay = replay;
}

enum special_kind { PLAIN, GENERAL, TIMED, TRYING, OPEN, REPLAY, EXTENDED, N_SPECIALS };

#ifdef LK_GUEST
/*
 * What counts of a guest is its accesses, not where its code lies. They are the same in one loop for all
 * specialisations but the plain one, which takes compilers much less time. The simulator replays no program, and has no
 * scheduler to ask for time.
 */
static void run_loop(struct worker *worker, uint32_t phase, enum special_kind kind) {
  if (kind == PLAIN)
    loop(worker, phase, (struct special){.is_plain = true});
  else
    loop(worker, phase,
         (struct special){.times_waits = kind == TIMED, .tries = kind == TRYING, .is_open = kind == OPEN});
}
#else
/*
 * One function per specialisation and layout, called lk_<name>_loop_plain_0 and so on, so that a profiler and a reader
 * of the machine code tell them apart.
 */
#define LOOP(kind, n) AS(loop_##kind##_##n)
#define DEFINE_LOOP(kind, n, ...)                                                                                      \
  __attribute__((noinline)) CODE_LAYOUT_LINE static void LOOP(kind, n)(struct worker * worker, uint32_t phase) {       \
    CODE_LAYOUT_PAD(n);                                                                                                \
    loop(worker, phase, (struct special){__VA_ARGS__});                                                                \
  }
#define DEFINE_LOOPS(n)                                                                                                \
  DEFINE_LOOP(plain, n, .is_plain = true)                                                                              \
  DEFINE_LOOP(general, n, .is_plain = false)                                                                           \
  DEFINE_LOOP(timed, n, .times_waits = true)                                                                           \
  DEFINE_LOOP(trying, n, .tries = true)                                                                                \
  DEFINE_LOOP(open, n, .is_open = true)                                                                                \
  DEFINE_LOOP(replay, n, .is_replay = true)                                                                            \
  DEFINE_LOOP(extended, n, .extends = true)
#define LOOPS(n)                                                                                                       \
  {                                                                                                                    \
    LOOP(plain, n), LOOP(general, n), LOOP(timed, n), LOOP(trying, n), LOOP(open, n), LOOP(replay, n),                 \
        LOOP(extended, n)                                                                                              \
  }

DEFINE_LOOPS(0)
DEFINE_LOOPS(1)
DEFINE_LOOPS(2)
DEFINE_LOOPS(3)

static void run_loop(struct worker *worker, uint32_t phase, enum special_kind kind) {
  static void (*const loops[N_CODE_LAYOUTS][N_SPECIALS])(struct worker *, uint32_t) = {LOOPS(0), LOOPS(1), LOOPS(2),
                                                                                       LOOPS(3)};
  loops[worker->code_layout][kind](worker, phase);
}
#endif

static void work(struct worker *worker) {
  const struct workload *w = &worker->workload;
  const bool is_plain = w->n_locks == 1 && w->cs_ns == 0 && w->cs_lines == 0 && w->think == THINK_NONE;
  const bool is_open = w->rate_per_s > 0;
  const bool is_replay = w->replay != NULL;
  const enum special_kind kind = is_replay             ? REPLAY
                                 : is_open             ? OPEN
                                 : w->tries            ? TRYING
                                 : worker->extends     ? EXTENDED
                                 : worker->times_waits ? TIMED
                                 : is_plain            ? PLAIN
                                                       : GENERAL;
  uint32_t phase;
  /* Acquire: pairs with the release stores of the phase. */
  while ((phase = atomic_load_explicit(&worker->signal->phase, memory_order_acquire)) != PHASE_STOP) {
    if (is_open) worker_begin_phase(worker, phase);
    if (is_replay) replay_begin(&worker->replay);
    run_loop(worker, phase, kind);
    if (is_open) worker_end_phase(worker, phase);
  }
}
