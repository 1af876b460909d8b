# SPDX-License-Identifier: MIT
"""What to do about what a step of the check has found: the first that fits, in plain words."""

from __future__ import annotations

import re

Advice = tuple[tuple[str, str], ...]  # what the output says, and what to do

HEADER: Advice = (
    (r"_Alignas|alignas", "write LK_ALIGNED(bytes), which lk_lang.h has for C and C++"),
    (r"_Static_assert", "write LK_STATIC_ASSERT(condition, text), which lk_lang.h has for C and C++"),
    (r"_Atomic", "write LK_ATOMIC(type), which lk_lang.h has for C and C++"),
    (r"invalid conversion|cannot initialize a variable|void\s*\*", "C++ converts nothing by itself: write the cast"),
    (r"No such file", "a header includes all that it uses, and nothing of this project but lk.h and lk_*.h"),
    (r"redefinition", "begin with #ifndef LK_<NAME>_H, #define LK_<NAME>_H, and end with #endif"),
    (r"implicit declaration|not declared|undeclared", "include the header of what it names, or mend the name"),
    (r"", "a header compiles alone, as C11 and as C++17; lk_lang.h has the words in which the two differ"),
)
BUILD: Advice = (
    (r"(lk_\w+) must be (\w+) \((.*?)\)", r"write static inline \2 \1(\3); lk.h says what it promises"),
    (r"static assertion|static_assert", "the assertion says it"),
    (r"lk_\w+_traits", "add enum { lk_<name>_traits = ... }; lk.h lists the traits"),
    (r"_ctx\b.*incomplete|incomplete.*_ctx\b", "define struct lk_<name>_ctx; one that needs nothing is `char unused`"),
    (r"", "mend what the compiler says; lk.h lists what a lock has"),
)
USE: Advice = (
    (r"error:", "lk.h says what a lock has; LK_X_INIT and lk_x_no_ctx must be what they say"),
    (r"", "tests/use has the program; if conformance does not fail, look at LK_X_INIT and at what a context keeps"),
)
CONFORMANCE: Advice = (
    (r"two threads were inside at once, or",
     "look for the step of lock that lets a second one in, or an acquire or release that is missing"),
    (r"two threads were inside", "look for the step of lock or trylock that lets a second one in"),
    (r"hung: .* in unlock", "unlock must not wait for a thread that may have left"),
    (r"hung: ", "look for an unlock that leaves the lock held, or a wake-up that reaches no thread"),
    (r"freed lock|unlock or a waiter hangs",
     "unlock touches the lock after it has let others in: mend it, or do not say LK_FREED_BY_LAST"),
    (r"are promised|at most \d+ wanted",
     "mend the order of service, or promise less: LK_FIFO, lk_x_bypass, lk_x_domain_run, lk_x_writer_phases"),
    (r"errno is changed", "keep errno around system calls, as the functions of lk_wait.h do"),
    (r"LK_LINE_BYTES %|_align", "nothing is aligned to more than LK_LINE_BYTES"),
    (r"another_can_enter|try_lock", "trylock must get a free lock, fail on a held one, and leave nothing behind"),
    (r"signal \d+", "it crashed in the case that was named last"),
    (r"", "the case is named in brackets; tests/conformance says what it does"),
)
STRESS: Advice = (
    (r"hung", "look for an unlock that leaves the lock held, or a wake-up that reaches no thread; docs/stress.md says "
              "what disturbs in the phase that is named"),
    (r"crashed", "it crashed in the phase that is named: docs/stress.md"),
    (r"", "two were inside at once in the phase that is named; docs/stress.md says what disturbs there"),
)
RELACY: Advice = (
    (r"DATA RACE", "what an owner wrote is not ordered before what the next one reads: two are inside, or unlock needs "
                   "memory_order_release, or lock memory_order_acquire"),
    (r"DEADLOCK", "all wait and none will wake them: a wake-up is lost, or unlock leaves the lock held"),
    (r"LIVELOCK", "all go round for ever: look for a wait whose condition no thread fulfils"),
    (r"FREED", "a lock or context is touched when it is gone: mend it, or do not say LK_FREED_BY_LAST"),
    (r"USER ASSERT FAILED", "a try waits, or a section was lost: the history says which"),
    (r"error:", "Relacy knows the atomics of lk_lang.h with explicit orders only"),
    (r"", "the history says how it came to that"),
)
GENMC: Advice = (
    (r"[Rr]ace", RELACY[0][1]),
    (r"spinloop|[Ll]iveness",
     "a wait never ends: a wake-up or a hand-off is lost. Or it waits in a loop inside a loop, which GenMC does not "
     "know for a wait: then it is NESTED_WAITS among the BOUNDS of scripts/py/checkers/genmc.py, as ttas is"),
    (r"freed|memory", "a lock or context is touched when it is gone, or what init allocates is not freed"),
    (r"failed", "GenMC could not read the program: it knows C11 and pthreads"),
    (r"", "the program above shows how it comes to that"),
)


def on(advice: Advice, said: list[str]) -> str:
    """About the first line of which something is known; the last words of the table if there is none."""
    known = [(re.search(pattern, line), words) for line in said for pattern, words in advice if pattern]
    return next((match.expand(words) for match, words in known if match), advice[-1][1])
