// SPDX-License-Identifier: MIT
#include "recorder.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "lane.h"
#include "modules.h"
#include "process.h"
#include "stop.h"

/*
 * A thread's first FIRST_RUNS runs follow each other and are kept. Between later ones ever more acquisitions are left
 * out, twice as many after RUNS_PER_STEP runs, and of those the last are kept.
 */
enum { FIRST_RUNS = 8, RUNS_PER_STEP = 4, LATER_RUNS = RECORDING_N_RUNS - FIRST_RUNS, MOST_STEPS = 16 };

/* FIRST_BURSTS follow each other without a pause. Timing an acquisition takes some 40 ns, of PER_TIMING_NS half a
   hundredth; but at least one in MOST_PER_TIMING is timed. */
enum { BURST = 32, FIRST_BURSTS = 16, PER_TIMING_NS = 8000, MOST_PER_TIMING = 32 };

/* Of several locks that count as one, the one that was timed so often in succession is told apart. */
enum { OFTEN = 16 };

/* What is longer may be so since the thread had no CPU. */
static const double LONG_NS = 10e3;

struct clock_scale clock_scale;

uint32_t host_first_generation(void) { return 0; }

/* Another thread goes on in the place of one that has ended. */
void host_renew_contexts(struct thread *thread) {
  struct recorder *const me = thread->contexts;
  if (me == NULL) return;
  struct recording *const recording = me->recording;
  for (uint32_t i = me->first_record; i != 0; i = recording->records[i].next) {
    struct recording_record *const record = &recording->records[i];
    uint64_t n_acquired = 0;
    for (int site = 0; site < RECORDING_N_SITES; site++)
      n_acquired += atomic_load_explicit(&record->sites[site].n_acquired, memory_order_relaxed); /* of a dead thread */
    if (n_acquired > record->acquired_before) recorder_add(&record->counts[RECORDED_THREADS], 1);
    record->acquired_before = n_acquired;
    record->released = 0;
  }
  me->number = 1 + atomic_fetch_add_explicit(&recording->n_threads, 1, memory_order_relaxed); /* a number */
  me->depth = 0;
  me->n_acquired = me->n_acquired_then = 0;
  if (me->until_run < 0) me->until_run = 0; /* the run that it was in has ended */
}

/* That of lockbench, or memory of this process alone, as with the page. */
static struct recording *map(void) {
  struct recording *recording = page_map_file(RECORDING_VARIABLE, sizeof *recording, RECORDING_MAGIC);
  if (recording == NULL)
    recording =
        mmap(NULL, sizeof *recording, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (recording == MAP_FAILED) stop("there is no memory for what is observed");
  clock_scale = (struct clock_scale){.uses_counter = recording->uses_counter, .ns_per_tick = recording->ns_per_tick};
  return recording;
}

static struct recording *the_recording(void) {
  static struct recording *recording; /* under the guard; shared by children */
  if (recording == NULL) recording = map();
  return recording;
}

/* At the start, since a program may have no memory left when it takes its first lock. */
__attribute__((constructor)) static void begin(void) {
  struct process *const process = process_ready();
  sigset_t signals;
  process_enter(process, &signals);
  (void)the_recording();
  process_leave(process, &signals);
}

LK_COLD struct recorder *recorder_begin(void) {
  const int caller_errno = errno;
  struct thread *const thread = thread_ready();
  if (thread->contexts != NULL) return thread->contexts; /* taken over from one that has ended */
  struct process *const process = process_ready();
  struct recorder *const me = process_map(sizeof *me, false);
  sigset_t signals;
  process_enter(process, &signals);
  me->recording = the_recording();
  process_leave(process, &signals);
  struct recording *const recording = me->recording;
  /* Relaxed, both: numbers. */
  me->number = 1 + atomic_fetch_add_explicit(&recording->n_threads, 1, memory_order_relaxed);
  const uint32_t place = atomic_fetch_add_explicit(&recording->n_thread_places, 1, memory_order_relaxed);
  if (place < RECORDING_MAX_THREADS) me->place = &recording->threads[place];
  if (me->place != NULL) me->place->lane.thread = me->number;
  me->until_run = me->place != NULL ? 0 : INT32_MAX;
  me->wants_path = true;
  me->last = me->then = clock_ticks();
  thread->contexts = me;
  errno = caller_errno;
  return me;
}

static void lose(struct recording *recording) {
  atomic_fetch_add_explicit(&recording->n_lost, 1, memory_order_relaxed); /* a count */
}

static struct recording_record *make_record(struct recorder *me, uint32_t lock) {
  struct recording *const recording = me->recording;
  /* A place that was not there is not asked for again: the count must not come round. */
  uint32_t i = atomic_load_explicit(&recording->n_records, memory_order_relaxed); /* relaxed, both: a number */
  if (i < RECORDING_MAX_RECORDS - 1)
    i = 1 + atomic_fetch_add_explicit(&recording->n_records, 1, memory_order_relaxed);
  else
    i = RECORDING_MAX_RECORDS;
  if (i >= RECORDING_MAX_RECORDS) return NULL;
  struct recording_record *const record = &recording->records[i];
  record->address = recording->locks[lock].address;
  record->lock = lock;
  record->weight = 1;
  record->next = me->first_record;
  me->first_record = i;
  return me->records[lock] = record;
}

/* The number of the call's lock, which is noted; 0: there is none. */
static uint32_t number_of(const struct recorder_call *call, enum recording_kind kind) {
  const uint32_t before = atomic_load_explicit(call->note.lock, memory_order_relaxed); /* checked */
  const uint32_t lock = known_locks_find(call->me->recording, call->address, kind, before, call->site);
  /* Relaxed: all who come here at once write the same. */
  if (lock != 0 && lock != before) atomic_store_explicit(call->note.lock, lock, memory_order_relaxed);
  return lock;
}

LK_COLD struct recording_record *recorder_find_slowly(struct recorder_call call, enum recording_kind kind) {
  struct recorder *const me = call.me;
  const uint32_t lock = number_of(&call, kind);
  struct recording_record *record = me->records[lock];
  if (lock != 0 && record == NULL) record = make_record(me, lock);
  if (record == NULL) lose(me->recording);
  return record;
}

/* A lock of several that count as one, which matters: from the next call on it has a number of its own. */
LK_COLD static void tell_apart(const struct recorder_call *call) {
  const uint32_t lock = known_locks_tell_apart(call->me->recording, call->address, call->record->lock);
  if (lock != 0) atomic_store_explicit(call->note.lock, lock, memory_order_relaxed); /* all write the same */
}

static void count_in_succession(const struct recorder_call *call) {
  struct recording_record *const record = call->record;
  const bool is_same = record->timed_address == (uint64_t)(uintptr_t)call->address;
  record->timed_address = (uint64_t)(uintptr_t)call->address;
  record->n_timed = is_same ? record->n_timed + 1 : 1;
  if (record->n_timed == OFTEN) tell_apart(call);
}

void recorder_made(struct recorder_call call, enum recording_kind kind) { (void)number_of(&call, kind); }

struct recorder_note recorder_note_beside(struct recorder *me, const void *address, enum recording_kind kind,
                                          uint64_t site) {
  const size_t place = ((uintptr_t)address >> 2) % RECORDER_N_ADDRESSES;
  if (me->by_address[place].address != address) {
    me->by_address[place].lock = known_locks_at(me->recording, address, kind, site);
    me->by_address[place].address = address;
  }
  const uint32_t lock = me->by_address[place].lock;
  struct recording_note *const note =
      &me->recording->locks[lock].note; /* without a number: that of lock 0, of nobody */
  /* Relaxed, both: all write the same, and on a line that many read. */
  if (atomic_load_explicit(&note->lock, memory_order_relaxed) != lock)
    atomic_store_explicit(&note->lock, lock, memory_order_relaxed);
  return (struct recorder_note){&note->lock, &note->holder, &note->site};
}

/* The site's place: the first from `first` on that is its own or free, else that of the rest. */
LK_COLD uint32_t recorder_site_slowly(struct recorder *me, struct recording_record *record, uint64_t site,
                                      uint32_t first) {
  const uint32_t n = RECORDING_N_SITES - 1;
  for (uint32_t k = 0; k < n; k++) {
    const uint32_t i = (first + k) % n;
    if (record->sites[i].address == site) return i;
    if (record->sites[i].address != 0) continue;
    record->sites[i].address = site;
    modules_note(me->recording, known_locks_image(me->recording), site);
    return i;
  }
  return n;
}

/* Another thread has released what this one had locked: it would not have got it otherwise. */
static void forget(struct recorder *me, const void *address) {
  uint32_t n_kept = 0;
  for (uint32_t i = 0; i < me->depth; i++)
    if (me->held[i].address != address) me->held[n_kept++] = me->held[i];
  me->depth = n_kept;
}

/* Of what the thread is inside of, the last that has this address: its place, and one more; 0: none. */
static uint32_t depth_of(const struct recorder *me, const void *address) {
  uint32_t depth = me->depth;
  while (depth > 0 && me->held[depth - 1].address != address) depth--;
  return depth;
}

bool recorder_is_inside(const struct recorder *me, const void *address) { return depth_of(me, address) != 0; }

void recorder_count_outer(struct recorder_call call, uint64_t more) {
  const struct recording_record *const around = call.me->held[call.me->depth - 1].record;
  if (around == NULL) return; /* in a handler, and being entered */
  const uint32_t lock = around->lock;
  struct recording_outer *outer = call.record->outer, *const last = &call.record->outer[RECORDING_N_OUTER - 1];
  while (outer < last && outer->lock != lock && outer->lock != 0) outer++;
  if (outer < last) outer->lock = lock;
  recorder_add(&outer->n_times, more);
}

LK_COLD uint32_t recorder_find_held(struct recorder *me, const void *address) {
  const uint32_t depth = depth_of(me, address);
  if (depth != 0) return depth - 1;
  atomic_fetch_add_explicit(&me->recording->n_unmatched, 1, memory_order_relaxed); /* a count */
  return UINT32_MAX;
}

static struct recording_run *place_of_run(struct recorder *me, uint32_t run) {
  return &me->place->runs[run < FIRST_RUNS ? run : FIRST_RUNS + (run - FIRST_RUNS) % LATER_RUNS];
}

static int32_t acquisitions_before(uint32_t run) {
  if (run < FIRST_RUNS) return 0;
  const uint32_t step = (run - FIRST_RUNS) / RUNS_PER_STEP;
  return RECORDING_N_EVENTS << (step < MOST_STEPS ? step : MOST_STEPS);
}

static void note_usage(struct recorder *me) {
  struct rusage usage;
  struct timespec cpu;
  if (getrusage(RUSAGE_THREAD, &usage) != 0 || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) != 0) return;
  me->usage = (struct recorder_usage){.ticks = clock_ticks(),
                                      .cpu_ns = (uint64_t)cpu.tv_sec * 1000000000 + (uint64_t)cpu.tv_nsec,
                                      .n_slept = usage.ru_nvcsw,
                                      .n_preempted = usage.ru_nivcsw};
}

static bool is_long(uint64_t ticks) { return LK_UNLIKELY(clock_ticks_to_ns((double)ticks) > LONG_NS); }

static bool is_overwritten(const struct recorder *me, const struct recorder_held *held) {
  return held->run >= FIRST_RUNS && me->run >= held->run + LATER_RUNS;
}

/* What a lock that the thread holds has in a run; NULL: nothing. */
static struct recording_event *event_of(const struct recorder *me, const struct recorder_held *held) {
  return held->since != 0 && held->event != NULL && !is_overwritten(me, held) ? held->event : NULL;
}

/* In the gap that is to be noted, or in the sections. */
static void note_sleep(struct recorder *me) {
  me->outside.has_slept = true;
  for (uint32_t i = 0; i < me->depth; i++) {
    struct recording_event *const event = event_of(me, &me->held[i]);
    if (event != NULL) atomic_store_explicit(&event->slept, 1, memory_order_relaxed); /* as `held` */
  }
}

/*
 * Of ticks that have just passed, those in which another thread had the CPU that this one wanted. A replay loses its
 * CPU to others by itself. None where the thread has slept, which is noted.
 */
static uint64_t lost(struct recorder *me, uint64_t ticks) {
  if (!is_long(ticks)) return 0;
  const struct recorder_usage before = me->usage;
  note_usage(me);
  const struct recorder_usage *const now = &me->usage;
  if (now->n_slept != before.n_slept) note_sleep(me);
  if (now->n_slept != before.n_slept || now->n_preempted == before.n_preempted) return 0;
  const double passed = (double)clock_ticks_between(before.ticks, now->ticks);
  const double had = (double)(now->cpu_ns - before.cpu_ns) * passed / (clock_ticks_to_ns(passed) + 1);
  return passed <= had ? 0 : passed - had < (double)ticks ? (uint64_t)(passed - had) : ticks;
}

void recorder_begin_gap(struct recorder *me) {
  const uint64_t now = clock_ticks();
  if (is_long(clock_ticks_between(me->last, now))) note_usage(me); /* what was lost in the release is in no gap */
  me->last = now;
}

static void begin_run(struct recorder *me, uint64_t start) {
  me->run = atomic_load_explicit(&me->place->n_runs, memory_order_relaxed); /* its own */
  struct recording_run *const run = place_of_run(me, me->run);
  atomic_store_explicit(&run->n_events, 0, memory_order_relaxed); /* nothing is in it, whatever it was */
  run->thread = me->number;
  run->start = start;
  run->n_before = me->n_acquired - 1; /* the first of this run is counted */
  me->n_in_run = 0;
  atomic_store_explicit(&me->place->n_runs, me->run + 1, memory_order_release); /* see below */
}

/* The first acquisition of a run is only looked at for its time: the second one's gap begins there. */
static void add_event(struct recorder *me, struct recorder_held *held, bool is_shared) {
  if (me->until_run == -1) {
    me->outside = (struct recorder_outside){0};
    note_usage(me);
    return;
  }
  if (me->until_run == -2) begin_run(me, held->asked);
  struct recording_run *const run = place_of_run(me, me->run);
  struct recording_event *const event = &run->events[me->n_in_run++];
  const uint64_t gap = clock_ticks_between(me->last, held->asked);
  event->gap = gap - lost(me, gap);
  atomic_store_explicit(&event->held, RECORDING_NEVER, memory_order_relaxed); /* ordered by what follows */
  atomic_store_explicit(&event->slept, 0, memory_order_relaxed);
  atomic_store_explicit(&event->n_yields, 0, memory_order_relaxed);
  event->lock = held->record->lock;
  event->is_shared = is_shared;
  event->depth = (uint8_t)(me->depth - 1);
  event->slept_before = me->outside.has_slept;
  event->n_yields_before = (uint16_t)(me->outside.n_yields < UINT16_MAX ? me->outside.n_yields : UINT16_MAX);
  me->outside = (struct recorder_outside){0};
  held->event = event;
  held->run = me->run;
  /* Release: lockbench, which may look at any time, finds the events that are counted written. */
  atomic_store_explicit(&run->n_events, me->n_in_run, memory_order_release);
  if (me->n_in_run == RECORDING_N_EVENTS) me->until_run = acquisitions_before(me->run + 1);
}

static void end_event(struct recorder *me, const struct recorder_held *held, uint64_t ticks) {
  const uint64_t own = ticks - held->yielded, was_lost = lost(me, own);
  struct recording_event *const event = event_of(me, held);
  if (event != NULL) atomic_store_explicit(&event->held, own - was_lost, memory_order_relaxed); /* a number */
}

/* Of so many acquisitions one is timed, so that timing takes half a hundredth of the time. */
static uint32_t acquisitions_per_timing(struct recorder *me, uint64_t now) {
  const double n = (double)(me->n_acquired - me->n_acquired_then);
  const double ns = clock_ticks_to_ns((double)clock_ticks_between(me->then, now));
  me->n_acquired_then = me->n_acquired;
  me->then = now;
  const double wanted = PER_TIMING_NS * n / (ns + 1);
  return wanted < 1 ? 1 : wanted < MOST_PER_TIMING ? (uint32_t)wanted : MOST_PER_TIMING;
}

static void end_burst(struct recorder *me, struct recording_record *record, uint64_t now) {
  record->weight = ++record->n_bursts < FIRST_BURSTS ? 1 : acquisitions_per_timing(me, now);
  record->until_timed = (int32_t)((record->weight - 1) * BURST);
  record->n_in_burst = 0;
}

/* When the gap before an acquisition began, which is not known where a burst begins after a pause. */
static uint64_t released_in_burst(struct recording_record *record) {
  if (record->n_in_burst == 0 && record->weight > 1) record->released = 0;
  return record->released;
}

static struct recording_histograms *histograms_of(struct recorder *me, const struct recording_record *record) {
  return &me->recording->histograms[record - me->recording->records];
}

static void add_to_burst(struct recorder *me, const struct recorder_held *held, uint64_t ticks) {
  struct recording_record *const record = held->record;
  struct recording_histograms *const histograms = histograms_of(me, record);
  if (held->released != 0)
    recorder_add(&histograms->gaps[recording_bucket(clock_ticks_between(held->released, held->asked))], held->weight);
  recorder_add(&histograms->held[recording_bucket(ticks)], held->weight);
  recorder_add(&record->counts[RECORDED_HOLD_TICKS], ticks * held->weight);
  recorder_add(&record->counts[RECORDED_TIMED_SECTIONS], 1);
  record->released = held->until;
  if (++record->n_in_burst == BURST) end_burst(me, record, held->until);
}

LK_COLD uint32_t recorder_look(struct recorder_call call) {
  call.me->wants_path = false;
  return paths_look(call.me->recording, call.record->lock, call.site);
}

__attribute__((noinline)) void recorder_prepare(struct recorder_held *held, uint64_t site, uint32_t path,
                                                uint64_t asked) {
  struct recording_record *const record = held->record;
  held->yielded = 0;
  held->event = NULL;
  held->wait.start = 0;
  held->site = site;
  held->path = path;
  held->asked = asked;
  held->weight = record->until_timed < 0 ? record->weight : 0;
  held->released = held->weight != 0 ? released_in_burst(record) : 0;
}

LK_COLD struct recorder_held *recorder_enter_late(struct recorder_call call, bool is_shared, bool has_waited) {
  if (!is_shared) forget(call.me, call.address);
  return recorder_enter(&call, is_shared, has_waited || call.path != 0);
}

LK_COLD struct recorder_held *recorder_take_back(struct recorder_call call, bool is_shared) {
  struct recorder *const me = call.me;
  struct recording_record *const record = call.record;
  const struct recorder_held *const held = call.held;
  if (held == NULL) return NULL;
  recorder_add(&record->sites[recorder_site(me, record, call.site)].n_acquired, (uint64_t)-1);
  if (is_shared) recorder_add(&record->counts[RECORDED_READS], (uint64_t)-1);
  me->n_acquired--;
  record->until_timed++;
  if (!held->is_in_run) me->until_run++;
  if (me->depth > 0 && held == &me->held[me->depth - 1]) me->depth--; /* else it found no room */
  if (me->depth > 0) recorder_count_outer(call, (uint64_t)-1);
  return NULL;
}

__attribute__((noinline)) void recorder_time(struct recorder *me, struct recorder_held *held,
                                             const struct recorder_wait *wait, bool is_shared) {
  const uint64_t now = clock_ticks();
  if (wait != NULL) {
    held->wait = *wait;
    held->path = wait->path;
    held->asked = wait->start;
  } else if (held->asked == 0) {
    held->asked = now;
  }
  held->wait.end = held->since = now;
  if (LK_UNLIKELY(held->is_in_run) && --me->until_run < 0) { /* if a handler's lock has not ended it meanwhile */
    if (me->place != NULL) {
      if (wait != NULL) note_usage(me); /* what was lost in the wait is in no section */
      add_event(me, held, is_shared);
      if (held->event != NULL) held->since = clock_ticks(); /* what was noted is not in its section */
    } else {
      me->until_run = INT32_MAX;
    }
  }
  me->last = held->since;
}

void recorder_tell_apart(struct recorder_call call, bool has_waited) {
  count_in_succession(&call);
  if (has_waited) tell_apart(&call);
}

void recorder_time_end(struct recorder *me, struct recorder_held *held) {
  const uint64_t now = clock_ticks();
  me->last = now;
  if (held->since != 0) { /* else it is released in a run, and was taken before */
    held->until = now;
    if (held->event != NULL) end_event(me, held, clock_ticks_between(held->since, now));
  }
  me->outside = (struct recorder_outside){0};
}

uint64_t recorder_yields(struct recorder *me) {
  bool is_in_run = me->until_run < 0; /* or in the last section of one */
  for (uint32_t i = 0; i < me->depth; i++) {
    struct recording_record *const record = me->held[i].record;
    if (record != NULL) recorder_add(&record->counts[RECORDED_YIELDS], 1); /* NULL: a handler's, in recorder_took */
    is_in_run = is_in_run || event_of(me, &me->held[i]) != NULL;
  }
  return is_in_run ? clock_ticks() : 0;
}

/* So that a replay, which yields as well, is not told of what others did meanwhile as of the thread's own time. */
void recorder_yielded(struct recorder *me, uint64_t start) {
  if (start == 0) return;
  const uint64_t ticks = clock_ticks_between(start, clock_ticks());
  (void)lost(me, ticks); /* is in no gap and no section; a sleep before it is */
  for (uint32_t i = 0; i < me->depth; i++) {
    struct recorder_held *const held = &me->held[i];
    struct recording_event *const event = event_of(me, held);
    if (event == NULL) continue;
    const uint16_t n = atomic_load_explicit(&event->n_yields, memory_order_relaxed); /* its own */
    held->yielded += ticks;
    if (n < UINT16_MAX) atomic_store_explicit(&event->n_yields, n + 1, memory_order_relaxed); /* as `held` */
  }
  if (me->depth > 0) return;
  me->outside.n_yields++;
  me->last += ticks;
}

struct recorder_wait recorder_waits(struct recorder_call call) {
  struct recorder *const me = call.me;
  /* Relaxed, both: hints. The holder is the last one that wrote them, unless it has released the lock since. */
  const uint32_t holder = atomic_load_explicit(call.note.holder, memory_order_relaxed);
  const uint64_t holder_site = atomic_load_explicit(call.note.site, memory_order_relaxed);
  const uint64_t asked = call.asked != 0 ? call.asked : clock_ticks();
  const bool is_in_run = me->until_run < 0;
  const uint64_t was_lost = is_in_run ? lost(me, clock_ticks_between(me->last, asked)) : 0;
  const bool looks = call.path == 0 && paths_may_look(&me->looks, asked);
  if (looks) call.path = recorder_look(call);
  /* Both are seldom. Else the wait begins at once: who comes later to a lock that is held for a moment only is put to
     sleep the less often, and the more often counted. */
  const uint64_t now = looks || is_in_run ? clock_ticks() : asked;
  me->last += was_lost + clock_ticks_between(asked, now); /* what is done here is in no gap */
  return (struct recorder_wait){.start = now, .holder = holder, .holder_site = holder_site, .path = call.path};
}

static void write_place(struct recorder *me, const struct recording_record *record, const struct recorder_wait *wait) {
  struct recording_thread *const place = me->place;
  if (place == NULL) return;
  const uint32_t n = atomic_load_explicit(&place->n_waits, memory_order_relaxed); /* its own */
  place->waits[n % RECORDING_N_WAITS] = (struct recording_wait){
      .start = wait->start, .end = wait->end, .lock = record->lock, .thread = me->number, .holder = wait->holder};
  /* Release: lockbench finds the waits that are counted written. */
  atomic_store_explicit(&place->n_waits, n + 1, memory_order_release);
  const uint64_t begin = me->recording->start;
  lane_add(&place->lane, clock_ticks_between(begin, wait->start), clock_ticks_between(begin, wait->end));
}

/* To where the lock was held from, as its bytes say: a site, or a path to one. */
static void charge_holder(struct recorder *me, struct recording_record *record, uint64_t holder_site, uint64_t ticks) {
  if (holder_site < RECORDING_MAX_PATHS) {
    struct recording_path *const path = &me->recording->paths[holder_site];
    if (holder_site == 0 || path->lock != record->lock) return; /* of another lock that was there */
    /* Relaxed, both: sums. */
    atomic_fetch_add_explicit(&path->n_caused, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&path->caused_ticks, ticks, memory_order_relaxed);
    holder_site = path->callers[0];
  }
  recorder_add(&record->sites[recorder_site(me, record, holder_site)].caused_ticks, ticks);
}

static void write_wait(struct recorder *me, struct recording_record *record, uint64_t site,
                       const struct recorder_wait *wait, bool has_lock) {
  const uint64_t ticks = clock_ticks_between(wait->start, wait->end);
  recorder_add(&record->counts[RECORDED_CONTENDED], 1);
  recorder_add(&record->counts[RECORDED_WAIT_TICKS], ticks);
  if (ticks > atomic_load_explicit(&record->counts[RECORDED_WAIT_LONGEST], memory_order_relaxed)) /* its own */
    atomic_store_explicit(&record->counts[RECORDED_WAIT_LONGEST], ticks, memory_order_relaxed);
  if (has_lock) recorder_add(&histograms_of(me, record)->waited[recording_bucket(ticks)], 1);
  recorder_add(&record->sites[recorder_site(me, record, site)].waited_ticks, ticks);
  if (wait->path != 0) /* relaxed: a sum */
    atomic_fetch_add_explicit(&me->recording->paths[wait->path].waited_ticks, ticks, memory_order_relaxed);
  charge_holder(me, record, wait->holder_site, ticks);
  write_place(me, record, wait);
}

void recorder_waited_in_vain(struct recorder_call call, struct recorder_wait wait) {
  wait.end = clock_ticks();
  if (call.record->address == 0) tell_apart(&call);
  if (call.me->until_run < 0) note_usage(call.me); /* what was lost in the wait is in no gap */
  write_wait(call.me, call.record, call.site, &wait, false);
}

static void write_down(struct recorder *me, const struct recorder_held *held) {
  const uint64_t ticks = clock_ticks_between(held->since, held->until);
  if (held->wait.start != 0) write_wait(me, held->record, held->site, &held->wait, true);
  if (held->weight != 0) add_to_burst(me, held, ticks);
  if (held->path != 0) {
    struct recording_path *const path = &me->recording->paths[held->path];
    /* Relaxed, both: sums. */
    atomic_fetch_add_explicit(&path->n_acquired, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&path->held_ticks, ticks, memory_order_relaxed);
  }
  if (!me->wants_path) me->wants_path = paths_may_look(&me->looks, held->until);
}

__attribute__((noinline)) void recorder_end_slowly(struct recorder *me, const void *address) {
  uint32_t i = depth_of(me, address);
  if (i == 0) return; /* it was not locked by this thread */
  const struct recorder_held held = me->held[i - 1];
  for (; i < me->depth; i++) me->held[i - 1] = me->held[i];
  me->depth--; /* first: a signal handler's locks find it gone */
  if (held.is_handoff) recorder_add(&held.record->counts[RECORDED_HANDOFFS], 1);
  if (held.since != 0) write_down(me, &held);
}
