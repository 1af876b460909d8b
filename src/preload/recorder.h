// SPDX-License-Identifier: MIT
/*
 * recorder.h: what a thread does with locks, into the recording, as it happens: called before and after libc's own
 * functions. What runs for each acquisition is inline and touches memory of the thread's own and the lock's own line.
 *
 * The clock is the dear part, 10 ns or more a look. Waits are always timed. Sections, and the gaps between them, are
 * timed in bursts: so many successive acquisitions of a lock by a thread, and then a pause as long as keeps what timing
 * takes at about half a hundredth of the thread's time; with few acquisitions there is none. What a burst finds counts
 * for the pause before it too. A run of successive acquisitions of a thread, of whichever locks, is timed beside that.
 *
 * Sections of a few tens of nanoseconds are common, and one that is a tenth longer is found held a tenth more often, by
 * threads that are then put to sleep. So what an acquisition is counted in, and what it is kept in while it lasts, is
 * written before it is tried, and taken back if it fails; what was found of the section is written after the release.
 * Between the two only the lock's own line is written, and the clock is looked at where the section is timed: an atomic
 * instruction, with which locks are released, waits for all stores before it. Runs, which are rare, are written as they
 * happen.
 */
#ifndef PRELOAD_RECORDER_H
#define PRELOAD_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "known_locks.h"
#include "lk.h"
#include "machine/clock.h"
#include "paths.h"
#include "recording.h"
#include "thread.h"

#define RECORDER_INLINE static inline __attribute__((always_inline))

enum { RECORDER_MAX_HELD = 128, RECORDER_N_ADDRESSES = 64 };

/* Of a call that found the lock held. */
struct recorder_wait {
  uint64_t start, end; /* start is 0: it did not wait */
  uint64_t holder_site;
  uint32_t holder;
  uint32_t path; /* of who waits */
};

/* A lock that the thread is inside of. */
struct recorder_held {
  const void *address;
  struct recording_record *record;
  bool is_timed;                 /* or is to be; else what follows `since` is not set */
  bool is_handoff;               /* another thread had it before */
  bool is_in_run;                /* or is to be */
  uint64_t since;                /* 0: not taken yet, or not timed */
  uint64_t until;                /* set when it has ended */
  uint64_t asked;                /* when the gap before it ended */
  uint64_t released;             /* when the gap before it began; 0: not known */
  uint64_t yielded;              /* ticks of it in sched_yield */
  struct recording_event *event; /* NULL: it is in no run */
  struct recorder_wait wait;     /* for it */
  uint64_t site;                 /* where it was taken */
  uint32_t run;
  uint32_t path;   /* by which it was taken; 0: not looked at */
  uint32_t weight; /* so many sections it stands for; 0: it is not timed for the histograms */
};

/* What a thread had of a CPU until a moment. */
struct recorder_usage {
  uint64_t ticks, cpu_ns;
  long n_slept, n_preempted;
};

/* In a run: what a thread did outside of sections since its last one. */
struct recorder_outside {
  uint32_t n_yields;
  bool has_slept;
};

struct recorder {
  /* What each acquisition needs. */
  uint32_t number;   /* of the thread */
  uint32_t depth;    /* of held */
  int32_t until_run; /* acquisitions until the next run begins; below 0 in a run */
  bool wants_path;   /* looks at from where it takes its next lock */
  uint64_t n_acquired;
  struct recording *recording;
  struct recording_thread *place; /* NULL: no room for its waits and runs */
  uint64_t last;                  /* in a run: when it last acquired a lock, or had released one */
  uint64_t n_acquired_then;       /* and the time, when a pause was last decided on */
  uint64_t then;
  struct paths_budget looks;
  struct recorder_usage usage; /* in a run: at some time in its last gap, or later */
  struct recorder_outside outside;
  uint32_t run, n_in_run;
  uint32_t first_record;
  struct recorder_held held[RECORDER_MAX_HELD + 1]; /* the last for those that find no room, one after the other */
  struct {
    const void *address;
    uint32_t lock;
  } by_address[RECORDER_N_ADDRESSES]; /* of locks that have no bytes for a note */
  struct recording_record *records[RECORDING_MAX_LOCKS];
};

/* Where a lock's note is; a readers/writer lock has it in two pieces. */
struct recorder_note {
  _Atomic(uint32_t) *lock, *holder;
  _Atomic(uint64_t) *site;
};

/* One call of the program's: what is known before libc's function runs. */
struct recorder_call {
  struct recorder *me;
  struct recording_record *record;
  struct recorder_note note;
  struct recorder_held *held; /* NULL: it is not written yet that the lock is taken */
  const void *address;
  uint64_t site;
  uint64_t asked; /* in a run: when the lock was asked for; 0: not noted */
  uint32_t path;  /* 0: not looked at */
};

/*
 * What is not inline gets a call by value, so that on the way of most it is in registers only.
 */

struct recorder *recorder_begin(void);
struct recording_record *recorder_find_slowly(struct recorder_call call, enum recording_kind kind);
void recorder_made(struct recorder_call call, enum recording_kind kind); /* a lock, which is not held yet */
uint32_t recorder_site_slowly(struct recorder *me, struct recording_record *record, uint64_t site, uint32_t first);
struct recorder_held *recorder_enter_late(struct recorder_call call, bool is_shared, bool has_waited);
void recorder_prepare(struct recorder_held *held, uint64_t site, uint32_t path, uint64_t asked);
void recorder_time(struct recorder *me, struct recorder_held *held, const struct recorder_wait *wait, bool is_shared);
void recorder_tell_apart(struct recorder_call call, bool has_waited);
void recorder_time_end(struct recorder *me, struct recorder_held *held);
void recorder_end_slowly(struct recorder *me, const void *address);
uint32_t recorder_look(struct recorder_call call);
void recorder_begin_gap(struct recorder *me);
void recorder_count_outer(struct recorder_call call, uint64_t more);
bool recorder_is_inside(const struct recorder *me, const void *address);
uint32_t recorder_find_held(struct recorder *me, const void *address);
struct recorder_note recorder_note_beside(struct recorder *me, const void *address, enum recording_kind kind,
                                          uint64_t site);

RECORDER_INLINE struct recorder *recorder_ready(void) {
  struct thread *const thread = thread_self;
  struct recorder *const me = thread->contexts; /* nobody's is NULL, and that of a child of fork too */
  return LK_LIKELY(me != NULL) ? me : recorder_begin();
}

/* Relaxed, all of them: no other thread writes these numbers, and lockbench only reads them. */
RECORDER_INLINE void recorder_add(_Atomic(uint64_t) *number, uint64_t more) {
  atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + more, memory_order_relaxed);
}

RECORDER_INLINE void recorder_count(const struct recorder_call *call, enum recording_count which) {
  recorder_add(&call->record->counts[which], 1);
}

/* Finds the record of a call; false: there is no room for it, and the call is not recorded. */
RECORDER_INLINE bool recorder_knows(struct recorder_call *call, enum recording_kind kind) {
  const uint32_t number = atomic_load_explicit(call->note.lock, memory_order_relaxed); /* checked below */
  struct recording_record *const record = call->me->records[number % RECORDING_MAX_LOCKS];
  /* One without an address is of several locks, and was found by a note. */
  const bool is_its = record != NULL && (record->address == (uint64_t)(uintptr_t)call->address || record->address == 0);
  call->record = LK_LIKELY(is_its) ? record : recorder_find_slowly(*call, kind);
  if (LK_UNLIKELY(call->record == NULL)) return false;
  call->path = LK_UNLIKELY(call->me->wants_path) ? recorder_look(*call) : 0;
  return true;
}

/* The lock is about to be asked for: in a run the gap ends here, since how long it takes to get a lock, even a free one
   whose line another CPU has, is the lock's doing. */
RECORDER_INLINE void recorder_asks(struct recorder_call *call) {
  if (LK_UNLIKELY(call->me->until_run < 0)) call->asked = clock_ticks();
}

/* Not the last one first: a lock is often taken from two places in turns. */
RECORDER_INLINE uint32_t recorder_site(struct recorder *me, struct recording_record *record, uint64_t site) {
  const uint32_t i = (uint32_t)(site * 0x9e3779b97f4a7c15 >> 32) % (RECORDING_N_SITES - 1);
  return LK_LIKELY(record->sites[i].address == site) ? i : recorder_site_slowly(me, record, site, i);
}

/* The call takes the lock: so it is counted, and the lock is on top of those that the thread is inside of. */
RECORDER_INLINE struct recorder_held *recorder_enter(const struct recorder_call *call, bool is_shared, bool is_timed) {
  struct recorder *const me = call->me;
  struct recording_record *const record = call->record;
  recorder_add(&record->sites[recorder_site(me, record, call->site)].n_acquired, 1);
  if (is_shared) recorder_count(call, RECORDED_READS);
  me->n_acquired++;
  const uint32_t depth = me->depth;
  struct recorder_held *const held = &me->held[depth];
  if (LK_UNLIKELY(depth > 0)) recorder_count_outer(*call, 1);
  if (LK_LIKELY(depth < RECORDER_MAX_HELD)) me->depth = depth + 1;
  atomic_signal_fence(memory_order_seq_cst); /* a handler's locks come on top */
  held->address = call->address;
  held->record = record;
  held->since = 0;
  held->is_handoff = false;
  held->is_in_run = me->until_run <= 0; /* and goes on with the next acquisition, which a handler's may be */
  if (LK_LIKELY(!held->is_in_run)) me->until_run--;
  held->is_timed = --record->until_timed < 0 || held->is_in_run || is_timed;
  if (LK_UNLIKELY(held->is_timed)) recorder_prepare(held, call->site, call->path, call->asked);
  return held;
}

/* Before the lock is tried. One that the thread seems to be inside of is entered when it has it: it may get it again,
   or not at all. */
RECORDER_INLINE void recorder_goes_in(struct recorder_call *call, bool is_shared) {
  if (LK_LIKELY(call->me->depth == 0) || !recorder_is_inside(call->me, call->address))
    call->held = recorder_enter(call, is_shared, call->path != 0);
}

/* And if it was not free: no acquisition yet, NULL. */
struct recorder_held *recorder_take_back(struct recorder_call call, bool is_shared);

/* The lock was taken, and is held from now on. wait: NULL: it was free. A lock that is taken again by who holds it is
   only counted, by recorder_took_again. */
RECORDER_INLINE void recorder_took(struct recorder_call *call, const struct recorder_wait *wait, bool is_shared) {
  if (LK_UNLIKELY(call->held == NULL)) call->held = recorder_enter_late(*call, is_shared, wait != NULL);
  struct recorder_held *const held = call->held;
  /* Relaxed, all of them: the lock orders the first two, and who waits reads the site to say where the lock is held:
     any of the last will do. */
  const uint32_t holder = is_shared ? call->me->number : atomic_load_explicit(call->note.holder, memory_order_relaxed);
  if (holder != call->me->number) {
    held->is_handoff = holder != 0;
    atomic_store_explicit(call->note.holder, call->me->number, memory_order_relaxed);
  }
  const uint32_t path = wait != NULL ? wait->path : call->path; /* so that who waits for it knows more than the site */
  atomic_store_explicit(call->note.site, LK_UNLIKELY(path != 0) ? path : call->site, memory_order_relaxed);
  if (LK_LIKELY(!held->is_timed)) return;
  recorder_time(call->me, held, wait, is_shared);
  if (LK_UNLIKELY(call->record->address == 0)) recorder_tell_apart(*call, wait != NULL);
}

RECORDER_INLINE void recorder_took_again(struct recorder_call *call) {
  recorder_add(&call->record->sites[recorder_site(call->me, call->record, call->site)].n_acquired, 1);
}

/* To be called before the release. */
RECORDER_INLINE void recorder_gives(struct recorder *me, const void *address) {
  uint32_t top = me->depth - 1;
  if (LK_UNLIKELY(me->depth == 0 || me->held[top].address != address)) {
    top = recorder_find_held(me, address);
    if (top == UINT32_MAX) return;
  }
  if (LK_UNLIKELY(me->held[top].since != 0 || me->until_run < 0)) recorder_time_end(me, &me->held[top]);
}

/* And after it; or before, where what releases the lock takes it again. */
RECORDER_INLINE void recorder_ends(struct recorder *me, const void *address) {
  const uint32_t top = me->depth - 1;
  if (LK_UNLIKELY(me->depth == 0)) return;
  const struct recorder_held *const held = &me->held[top];
  if (LK_UNLIKELY(held->address != address || held->since != 0)) {
    recorder_end_slowly(me, address);
  } else {
    if (held->is_handoff) recorder_add(&held->record->counts[RECORDED_HANDOFFS], 1);
    me->depth = top;
  }
}

RECORDER_INLINE void recorder_gave(struct recorder *me, const void *address) {
  recorder_ends(me, address);
  if (LK_UNLIKELY(me->until_run < 0)) recorder_begin_gap(me);
}

/* Around sched_yield: what the first returns is for the second. */
uint64_t recorder_yields(struct recorder *me);
void recorder_yielded(struct recorder *me, uint64_t start);

/* The lock is held by somebody: who, and since when is waited for it. */
struct recorder_wait recorder_waits(struct recorder_call call);

/* The call that waited has come back without the lock. With it, recorder_took knows of the wait. */
void recorder_waited_in_vain(struct recorder_call call, struct recorder_wait wait);

#endif
