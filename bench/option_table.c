// SPDX-License-Identifier: MIT
#include "option_table.h"

#define AT(member) offsetof(struct options, member)
#define RUN COMMAND_RUN
#define TOPOLOGY COMMAND_TOPOLOGY
#define SIMULATE COMMAND_SIMULATE

const struct option option_table[] = {
    {"locks", RUN, OPTION_TEXT, AT(locks), 0, 0, "NAMES", "common",
     "locks, and group names: common, all, mutex, rw, baseline, fifo, spin, park, hybrid, ours, system, peer"},
    {"machine", SIMULATE, OPTION_TEXT, AT(machine), 0, 0, "NAME|FILE", NULL,
     "the machine: a profile that is built in (genoa2, icelake2, ...; an unknown name lists all), or the file of one;\n"
     "host.json of a run: the machine that it was on, by the rulers in it"},
    {"locks", SIMULATE, OPTION_TEXT, AT(locks), 0, 0, "NAMES", "ticket,futex,mcs",
     "locks and group names, as in `lockbench run --help`; the system's and other libraries' cannot be simulated"},
    {"locks", COMMAND_STRESS, OPTION_TEXT, AT(locks), 0, 0, "NAMES", "mutex,rw",
     "locks and group names, as in `lockbench run --help`"},
    {"locks", COMMAND_SEED, OPTION_TEXT, AT(locks), 0, 0, "NAMES", "pthread_mutex",
     "one lock, which prints what the Go program prints; several, or a group as in `lockbench run --help`: a table"},
    {"lock", COMMAND_EXEC, OPTION_TEXT, AT(locks), 0, 0, "NAME", NULL,
     "the lock that stands in for the program's mutexes (none: they stay its own, and are counted), or for its "
     "readers/writer locks; or one of each with a comma: mcs,rw_futex"},
    {"threads", RUN, OPTION_LIST, AT(threads), 1, OPTIONS_MAX_THREADS, "LIST", NULL,
     "threads of mixed roles (default: powers of two up to the CPUs, where the next CPU is farther away, CPUs, CPUs+1, "
     "2x CPUs; locks that park 8x CPUs too)"},
    {"threads", SIMULATE, OPTION_LIST, AT(threads), 1, OPTIONS_MAX_THREADS, "LIST", NULL,
     "threads of mixed roles (default: powers of two up to the CPUs, and the CPUs)"},
    {"threads", TOPOLOGY, OPTION_COUNT, AT(n_threads), 1, OPTIONS_MAX_THREADS, "N", NULL,
     "how many threads are placed (default: as many as there are CPUs)"},
    {"read-pct", RUN | SIMULATE, OPTION_REALS, AT(read_pct), 0, 100, "LIST", "90",
     "percentage of operations that read, with --threads"},
    {"readers", RUN | SIMULATE, OPTION_LIST, AT(readers), 0, OPTIONS_MAX_THREADS, "LIST", NULL,
     "threads that only read (fixed roles, instead of --threads)"},
    {"writers", RUN | SIMULATE, OPTION_LIST, AT(writers), 0, OPTIONS_MAX_THREADS, "LIST", NULL,
     "threads that only write (fixed roles)"},
    {"keys", RUN | SIMULATE, OPTION_LIST, AT(keys), 1, 1000000, "LIST", "5", "keys in the table behind each lock"},
    {"locks-count", RUN | SIMULATE, OPTION_LIST, AT(locks_count), 1, 100000, "LIST", "1",
     "locks over which the operations spread at random"},
    {"cs-ns", RUN | SIMULATE, OPTION_LIST, AT(cs_ns), 0, 1e9, "LIST", "0",
     "mean time inside the critical section, in ns, varied by half"},
    {"cs-lines", RUN | SIMULATE, OPTION_LIST, AT(cs_lines), 0, 100000, "LIST", "0",
     "further shared cache lines that a critical section visits"},
    {"think", RUN | SIMULATE, OPTION_WORDS, AT(thinks), 0, 0, "none|spin|sleep", "none",
     "what a thread does between operations"},
    {"think-ns", RUN | SIMULATE, OPTION_LIST, AT(think_ns), 1, 1e10, "LIST", NULL,
     "mean time between operations, in ns; spin varies it by half"},
    {"rate", RUN | SIMULATE, OPTION_REALS, AT(rate), 0, 1e9, "LIST", "0",
     "open loop: so many operations per second are due for all threads together, at random times, and wait from then "
     "on; 0: closed loop, each thread's next one follows its last"},
    {"profile", RUN, OPTION_TEXT, AT(profile), 0, 0, "FILE", NULL,
     "replays the locks of a program, as `lockbench observe` has recorded them, with as many threads unless --threads "
     "says how many; unless --cs-lines, --hold-scale or --gap-scale is given, they are first found by trials of the "
     "program's own lock"},
    {"hold-scale", RUN, OPTION_REALS, AT(hold_scale), 0, 1000, "LIST", "1",
     "with --profile: its sections so many times as long"},
    {"gap-scale", RUN, OPTION_REALS, AT(gap_scale), 0, 1000, "LIST", "1",
     "with --profile: the time between its sections so many times as long"},
    {"spin-ns", RUN | SIMULATE, OPTION_LIST, AT(spin_ns), 0, 1e9, "LIST", "1000",
     "how long hybrid locks spin before they park"},
    {"backoff-max-ns", RUN | SIMULATE, OPTION_LIST, AT(backoff_max_ns), 0, 1e9, "LIST", "10000",
     "longest back-off between two tries"},
    {"layout", RUN | SIMULATE, OPTION_WORDS, AT(layouts), 0, 0, "apart|together", "apart",
     "apart: a lock and its data on lines of their own; together: as in struct { lock; data; }; or both"},
    {"trylock", RUN | SIMULATE, OPTION_FLAG, AT(tries), 0, 0, NULL, NULL,
     "operations try the lock once; locks without a trylock are left out, and named"},
    {"placement", RUN, OPTION_TEXT, AT(placements), 0, 0, "NAMES", "compact",
     "where threads run: none, compact, scatter, cores, smt, same-llc, cross-node, p-cores, "
     "e-cores, list:0,2,4-7; with --profile the default is none"},
    {"placement", SIMULATE, OPTION_TEXT, AT(placements), 0, 0, "NAMES", "cores",
     "where threads run, as in `lockbench run --help`; none is not possible: threads are pinned"},
    {"placement", TOPOLOGY, OPTION_TEXT, AT(placements), 0, 0, "NAME", NULL,
     "only this one (default: all but list:...)"},
    {"duration", RUN, OPTION_REAL, AT(duration_s), 0.001, 3600, "S", "0.06",
     "length of the timed window in seconds; where --latency times more threads than CPUs, at least 20 turns of 4 ms "
     "for "
     "each thread on a CPU, up to --timeout"},
    {"duration", SIMULATE, OPTION_REAL, AT(duration_s), 1e-6, 100, "S", "0.0002",
     "length of the window in seconds of the simulated machine; where threads share CPUs, at least 5 turns of each"},
    {"duration", COMMAND_SEED, OPTION_REAL, AT(duration_s), 0.001, 3600, "S", "1", "how long each lock is measured"},
    {"duration", COMMAND_STRESS, OPTION_REAL, AT(duration_s), 0.001, 86400, "S", "1",
     "for each lock, in seconds; every phase has one round in any case"},
    {"warmup", RUN, OPTION_REAL, AT(warmup_s), 0, 600, "S", "0.01", "time before the window, thrown away"},
    {"repetitions", RUN, OPTION_COUNT, AT(n_repetitions), 1, 10000, "N", "7", "trials of each cell, interleaved"},
    {"warmup", SIMULATE, OPTION_REAL, AT(warmup_s), 0, 100, "S", "0",
     "time before the window, in which each thread has a few operations in any case"},
    {"seeds", SIMULATE, OPTION_COUNT, AT(n_repetitions), 1, 10000, "N", "5",
     "repetitions of each cell: the first with the profile's own numbers, each other with all of them drawn from the "
     "ranges in which they may lie"},
    {"seed", SIMULATE, OPTION_SEED, AT(seed), 0, 0, "N", "1", "of all random numbers; the same seed, the same rows"},
    {"seed", RUN, OPTION_SEED, AT(seed), 0, 0, "N", NULL,
     "seed for the random order and all random numbers (default: from the clock)"},
    {"latency", RUN | SIMULATE, OPTION_FLAG, AT(times_waits), 0, 0, NULL, NULL,
     "adds trials that time each wait for the lock"},
    {"slice-extension", RUN, OPTION_FLAG, AT(extends_slices), 0, 0, NULL, NULL,
     "threads inside of a section ask the kernel for a longer time slice (Linux 7.0, glibc 2.41); without a word not "
     "where it has none: host.json tells"},
    {"no-twin", RUN, OPTION_FLAG, AT(has_no_twin), 0, 0, NULL, NULL,
     "leaves out the twin, a second copy of one lock that tells how small a difference the run can show"},
    {"timeout", RUN, OPTION_REAL, AT(timeout_s), 0.1, 3600, "S", "10",
     "a trial that takes this much longer than it should is killed; time in which it was stopped does not count"},
    {"timeout", SIMULATE, OPTION_REAL, AT(timeout_s), 0.1, 86400, "S", "600",
     "of this machine's time: a trial that computes for longer is killed"},
    {"out", RUN | SIMULATE, OPTION_TEXT, AT(out), 0, 0, "DIR", NULL,
     "folder to create for the results (default: results/<date>-<host>-<commit>)"},
    {"out", COMMAND_OBSERVE, OPTION_TEXT, AT(out), 0, 0, "DIR", NULL,
     "folder to create for profile.json (default: results/<date>-<host>-<commit>-observe)"},
    {"cost", COMMAND_OBSERVE, OPTION_FLAG, AT(wants_cost), 0, 0, NULL, NULL,
     "run the program once more afterwards, unobserved, with nothing to read and its output thrown away, and compare "
     "the times"},
    {"resume", RUN, OPTION_TEXT, AT(resume), 0, 0, "DIR", NULL,
     "finish the interrupted run in DIR, with its own options; a file for --benchmark_out must be named anew"},
    {"counted-sections", SIMULATE, OPTION_FLAG, AT(counts_sections), 0, 0, NULL, NULL,
     "--cs-ns and --think-ns pass by instructions, which a busy sibling of the core slows down, and not by the clock"},
    {"trace", SIMULATE, OPTION_COUNT, AT(n_trace), 1, 10000, "N", NULL,
     "writes the first N requests for lines of each cell's first window down, as a text and a picture, into the "
     "folder"},
    {"phases", COMMAND_STRESS, OPTION_FLAG, AT(shows_phases), 0, 0, NULL, NULL, "shows what happened in each phase"},
    {"json", COMMAND_LIST | TOPOLOGY, OPTION_FLAG, AT(wants_json), 0, 0, NULL, NULL, "as JSON, for programs"},
    {0},
};

_Static_assert(sizeof option_table / sizeof *option_table <= OPTION_MAX_ROWS, "raise OPTION_MAX_ROWS");

const struct option_command option_commands[] = {
    {COMMAND_RUN, "run", "Measures every combination of the values given (LIST: 1,2,4), writes a folder of results.",
     "Google Benchmark's options work too: --benchmark_filter=REGEX, --benchmark_list_tests,\n"
     "--benchmark_out=FILE --benchmark_out_format=json, --benchmark_format=json, --benchmark_repetitions=N.\n\n"
     "Under real-time scheduling (chrt) the workers run one priority below that of lockbench.\n\n"
     "Exit code: 0 good, 1 a trial failed or not everything could be written, 2 wrong usage."},
    {COMMAND_SEED, "seed", "100 readers and 10 writers share a map of 5 keys, each sleeping 1 ms between operations.",
     "Exit code: 0 good, 1 a lock failed, 2 wrong usage."},
    {COMMAND_SIMULATE, "simulate",
     "Runs the same loop and locks on a model of a machine that need not be here: how the lock and its lines move\n"
     "between cores, under a profile of that machine whose numbers have sources. It does not foretell anybody's\n"
     "operations per second: docs/simulate.md says what it can and cannot tell, and how far it was off.",
     "Exit code: 0 good, 1 a trial failed, 2 wrong usage."},
    {COMMAND_STRESS, "stress",
     "Tries to break locks: 1 to 8 threads per CPU with random delays, beside programs that take the CPUs away,\n"
     "under signals, stopped between two instructions (on x86), coming and going, over one lock and many. It checks\n"
     "what the locks protect; it measures nothing.",
     "Exit code: 0 nothing was found, 1 a lock is broken, hangs or crashes, 2 wrong usage."},
    {COMMAND_EXEC, "exec",
     "lockbench exec --lock NAME -- PROGRAM ARGUMENT...\n\n"
     "Runs an unmodified program whose mutexes, readers/writer locks and condition variables (of pthread and C11)\n"
     "are served by one of these locks, and tells at its end what it did with them.",
     "Exit code: the program's own, 128+n if it died of signal n; 2 wrong usage, or its locks cannot be replaced."},
    {COMMAND_OBSERVE, "observe",
     "lockbench observe [OPTION...] -- PROGRAM ARGUMENT...\n\n"
     "Runs an unmodified program with its own mutexes, readers/writer locks and spin locks (of pthread and C11), and\n"
     "records which of them it takes, for how long, and who waits for whom: a table at its end, and profile.json.",
     "SIGUSR1 to lockbench writes what there is so far.\n\n"
     "Exit code: the program's own, 128+n if it died of signal n; 1 the profile could not be written; 2 wrong usage,\n"
     "or its locks cannot be observed."},
    {COMMAND_LIST, "list",
     "Shows every lock: kind, whether it serves in order, how it waits, its size, what it allocates.", NULL},
    {COMMAND_TOPOLOGY, "topology",
     "Shows the CPUs that may be used, and which of them each placement gives to threads 0, 1, ...",
     "HWLOC_SYNTHETIC and HWLOC_XMLFILE show the plan for other machines."},
    {0},
};
