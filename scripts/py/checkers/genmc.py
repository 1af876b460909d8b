# SPDX-License-Identifier: MIT
"""GenMC, the weak-memory model checker: which clients of tests/genmc a lock gets, how large, and what came out.

https://plv.mpi-sws.org/genmc; this was written for 0.10.3.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CLIENTS = ROOT / "tests" / "genmc"
# The language's model finds plain races but has no load buffering; that of the hardware is the other way round.
LANGUAGE, HARDWARE = "rc11", "imm"

OPTIONS = [
    "--check-liveness",  # a wait that never ends is an error
    "--disable-ipr",  # in-place revisiting gives up on two unordered stores to a word, which are right in ttas
    "--disable-estimation",
]


@dataclass(frozen=True, order=True)
class Size:
    """How many threads there are, and whether the first of them comes twice."""

    threads: int
    again: bool

    def __str__(self) -> str:
        return f"{self.threads} threads" + (", one of them twice" if self.again else "")


@dataclass(frozen=True)
class Bound:
    """How far a lock is checked where that is not the whole, and why."""

    reason: str
    sizes: tuple[Size, ...] = (Size(3, True),)
    nested: Size | None = Size(2, True)  # two locks are twice the steps; None: it does not end, and is not run
    options: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()
    variants: tuple[tuple[str, ...], ...] = ((),)  # each client is run with each of these defines
    variants_of_two: tuple[tuple[str, ...], ...] = ()  # for two threads, RC11 only: more does not end in time
    hunts: tuple[Size, ...] = ()  # too many executions for the lock itself, but one that is wrong may be caught
    frees: bool = True  # False: that the last one frees the lock is not tried
    on_hardware: bool = True  # False: the model of the hardware has too many executions


@dataclass(frozen=True)
class Client:
    """A program of tests/genmc, with what it is compiled with."""

    name: str
    program: str
    defines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One run of the checker."""

    lock: str
    client: Client
    size: Size
    model: str
    bound: Bound


@dataclass(frozen=True)
class Outcome:
    """`verdict` is proven, caught, unfinished or failed; `text` says what was found, or what went wrong."""

    verdict: str
    text: str
    seconds: float


WHOLE = Bound("")
TWO = Size(2, True)
IN_PARTS = (Size(3, False), TWO)
PARKS = Bound("each sleep and wake is a section of the kernel, and their orders multiply", (TWO,), Size(2, False),
              hunts=(Size(3, False),))
NESTED_WAITS = Bound("it waits in a loop inside a loop: its waits are marked by hand",
                     options=("--disable-spin-assume",), defines=("LK_PAUSE_BLOCKS",))

COLLIDES = replace(NESTED_WAITS, reason=NESTED_WAITS.reason + "; the waiting array has two words, which collide",
                   defines=(*NESTED_WAITS.defines, "LK_TWA_WORDS=2"))
TURNS = "the turn of another domain comes after one or two hand-offs, too"

BOUNDS = {
    "futex": Bound(PARKS.reason, IN_PARTS),
    "mcs_park": Bound(PARKS.reason, IN_PARTS),
    "malthusian": Bound(PARKS.reason, IN_PARTS, variants=((), ("LK_MALTHUSIAN_EVERY=1",), ("LK_MALTHUSIAN_EVERY=2",))),
    "futex_handoff": Bound(PARKS.reason, (TWO,), Size(2, False), hunts=(Size(3, False),),
                           variants=((), ("LK_FUTEX_HANDOFF_PATIENCE_NS=0",))),
    # So few hand-offs in a row that the others get their turn.
    "cna": Bound(TURNS, variants=((), ("LK_CNA_MOST_PASSES=1",), ("LK_CNA_MOST_PASSES=2",))),
    "cohort": Bound(TURNS, variants=((), ("LK_COHORT_PASSES=1",), ("LK_COHORT_PASSES=2",))),
    "hmcs": Bound(TURNS, variants=((), ("LK_HMCS_THRESHOLD=1",), ("LK_HMCS_THRESHOLD=2",))),
    "pi_futex": Bound("the modelled kernel does not order its write of the word before what the next owner does, as "
                      "Linux does: so the last one does not free the lock", frees=False),
    "ttas": NESTED_WAITS,
    "twa": COLLIDES,
    "ttas_backoff": Bound("a delay ends without any change, so it could go round for ever: at most 4 times here",
                          IN_PARTS, options=("--disable-spin-assume", "--unroll=5")),
    "mcs_tp": Bound("a waiter may look, stamp and yield for ever: twice here, after one poll each",
                    (Size(2, False),), Size(2, False), ("--disable-spin-assume", "--unroll=3"),
                    ("LK_MCS_TP_POLLS=1",), hunts=(TWO, Size(3, False)), on_hardware=False),
    "qspinlock": Bound("many change one word, and each order of their changes is another execution", IN_PARTS,
                       defines=("LK_QSPINLOCK_NODES=16", "LK_QSPINLOCK_PENDING_TRIES=1")),
    "hapax": Bound("a waiter looks at `depart` each time; all share a slot, or two do",
                   variants=(("LK_HAPAX_LOOKS=1", "LK_HAPAX_SLOTS=1"), ("LK_HAPAX_LOOKS=1", "LK_HAPAX_SLOTS=2"))),
    # Each look at the clock finds the tenure over or not, and naps or not; or each finds it over, and never naps. That
    # a hot lock is left alone is the same as a longer pause.
    "relay": Bound(NESTED_WAITS.reason + "; an arrival does not look again before it is in line; "
                   "two of them, one inside the other, are not checked", IN_PARTS, nested=None,
                   options=NESTED_WAITS.options,
                   defines=(*NESTED_WAITS.defines, "LK_RELAY_PATIENCE_NS=0", "LK_RELAY_SWITCH_NS=0",
                            "LK_RELAY_SELDOM_NS=0", "LK_RELAY_LOOK_NS=0"),
                   variants=(("LK_RELAY_TENURE_NS=1", "LK_RELAY_SPIN_NS=1"),),
                   variants_of_two=(("LK_RELAY_TENURE_NS=0", "LK_RELAY_SPIN_NS=2000000000"),)),
    # A waiter sleeps once a look at the clock finds its patience over, or never. GenMC's annotation of loads walks each
    # path through the loops, one by one: it does not end.
    "rounds": Bound(f"{NESTED_WAITS.reason}; {PARKS.reason}", (TWO,), Size(2, False),
                    options=(*NESTED_WAITS.options, "--disable-load-annotation"),
                    defines=(*NESTED_WAITS.defines, "LK_ROUNDS_LOOK_NS=0", "LK_ROUNDS_PACE_NS=0"),
                    hunts=(Size(3, False),), variants=(("LK_ROUNDS_SPIN_NS=1",), ("LK_ROUNDS_SPIN_NS=2000000000",))),
    "rw_percpu": Bound("sequentially consistent accesses are compared with all others of their kind", (TWO,),
                       hunts=(Size(3, False),), variants=((), ("LK_RW_PERCPU_SLOTS_PER_CPU=1",))),  # all share it
    "rw_bravo": Bound("readers turn to the table after one operation instead of 16",
                      defines=("LK_RW_BRAVO_CLOCK_INTERVAL=1",)),
    "test_fourth_writer": Bound("it takes four", (Size(4, False),)),
    "test_late_wake": Bound("it takes three", (Size(3, False),)),
}

MUTEX = [Client("mutex", "mutex"), Client("contexts", "mutex", ("FRESH=1",)), Client("nested", "nested")]
TRIES = [Client("trylock", "trylock")]
SHARED = [Client("readers", "shared", ("WRITERS=1",)), Client("writers", "shared", ("WRITERS=2",))]
SHARED_TRIES = [Client("tried readers", "shared", ("WRITERS=1", "READERS_TRY=1")),
                Client("tried writers", "shared", ("WRITERS=1", "WRITERS_TRY=1"))]
TIMED = [Client("timed", "timed")]
LAST = [Client("last", "last")]
LAST_READER = [Client("last reader", "last", ("READERS=1",))]
PARTS = {"qspinlock": [Client("nodes", "qspinlock_nodes")]}  # what the whole lock shows with too many threads only


def program() -> str | None:
    return shutil.which("genmc")


def why_not(header: str) -> str | None:
    """Why a lock is not for this checker, judging by its header; None: it is."""
    if match := re.search(r"_traits = [^;]*\b(LK_BASELINE|LK_SYSTEM|LK_PEER)\b", header):
        return {"LK_BASELINE": "a baseline, which does not exclude", "LK_SYSTEM": "the system's lock, not ours",
                "LK_PEER": "another library's lock, not ours"}[match[1]]
    return None


def clients_of(lock: str, header: str) -> list[Client]:
    def says(what: str) -> bool:
        return f"#define lk_{lock}_{what} 1" in header

    tries = not says("no_trylock")
    frees = bound_of(lock, header).frees and re.search(r"_traits = [^;]*\bLK_FREED_BY_LAST\b", header) is not None
    return [*MUTEX, *(TRIES if tries else []), *(TIMED if says("is_timed") else []),
            *(SHARED if says("is_rw") else []),
            *(SHARED_TRIES if says("is_rw") and tries else []), *(LAST if frees else []),
            *(LAST_READER if frees and says("is_rw") else []), *PARTS.get(lock, [])]


def bound_of(lock: str, header: str) -> Bound:
    return BOUNDS.get(lock, PARKS if re.search(r"_traits = [^;]*\bLK_PARKS\b", header) else WHOLE)


def sizes_of(client: Client, bound: Bound, sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    if client.program == "nested":
        return () if bound.nested is None else (bound.nested,)
    if client.program == "last":  # a thread that has left cannot come again
        return (Size(max(size.threads for size in sizes), False),)
    return sizes


def tasks_of(lock: str, header: str) -> list[Task]:
    bound = bound_of(lock, header)

    def tasks(variants: tuple[tuple[str, ...], ...], sizes: tuple[Size, ...], model: str) -> list[Task]:
        clients = [replace(client, name=" ".join((client.name, *variant)), defines=client.defines + variant)
                   for variant in variants for client in clients_of(lock, header)]
        return [Task(lock, client, size, model, bound) for client in clients for size in sizes_of(client, bound, sizes)]

    return [*tasks(bound.variants, bound.sizes, LANGUAGE), *tasks(bound.variants_of_two, (TWO,), LANGUAGE),
            *(tasks(bound.variants, (TWO,), HARDWARE) if bound.on_hardware else [])]


def hunts_of(lock: str, header: str) -> list[Task]:
    """More than is proven of the lock: to catch it where it is made worse."""
    bound = bound_of(lock, header)
    return [Task(lock, client, size, LANGUAGE, bound) for size in bound.hunts
            for client in clients_of(lock, header) if client.name not in ("contexts", "nested")]


def command_of(task: Task, headers: list[Path]) -> list[str]:
    defines = [f"LK={task.lock}", f"N={task.size.threads}", f"AGAIN={int(task.size.again)}", *task.client.defines,
               *task.bound.defines]
    return [program() or "genmc", f"--{task.model}", *OPTIONS, *task.bound.options, "--",
            *(f"-I{folder}" for folder in headers), *(f"-D{define}" for define in defines),
            str(CLIENTS / f"{task.client.program}.c")]


def judge(code: int, output: str) -> tuple[str, str]:
    """What an exit code and the output of the checker mean."""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "unfinished", "not finished"
    if code == 0 and "No errors were detected." in output:
        if "Unfreed memory" in output:
            return "caught", "memory is not freed"
        executions = re.search(r"complete executions explored: (\d+)", output)
        return "proven", f"{executions[1] if executions else '?'} executions"
    if error := re.search(r"^Error: (.*?)[!.]?$", output, re.MULTILINE):
        detail = re.search(r"^(Assertion violation: .*|Non-terminating spinloop: .*)$", output, re.MULTILINE)
        return "caught", detail[1] if detail else error[1]
    reason = re.search(r"^.*\b(?:error|ERROR)\b.*$", output, re.MULTILINE)
    return "failed", reason[0] if reason else f"exit code {code}"


def run(task: Task, headers: list[Path], timeout_s: int) -> Outcome:
    """Within so many seconds of the CPU: the machine may be busy."""
    limited = ["sh", "-c", 'ulimit -t "$0" && exec "$@"', str(timeout_s), *command_of(task, headers)]
    before = time.monotonic()
    result = subprocess.run(limited, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    verdict, text = judge(result.returncode, result.stdout)
    if verdict == "unfinished":
        text += f" in {timeout_s} s"
    return Outcome(verdict, text, time.monotonic() - before)
