#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Looks at the machine code of each lock's loops: the lock is inlined, and nothing is called that does not belong.

hot_loop.py OBJDUMP liblk_NAME.a ...

An operation may call
  - a slow path: a function of the same object that is declared LK_COLD, and so lies in a section for unlikely code;
  - what ANYWHERE and OF_LOCK list, each for its reason.
An indirect call is never right: work() is reached by one, per thread and trial, and nothing below it.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

from machine_code import exit_code, said_by

# There may be more; all that are called lk_<lock>_loop_<what for>_<layout> are looked at.
KINDS = ("plain", "general", "timed", "open", "replay", "extended")
LOOPS = {f"{kind}_{layout}" for kind in KINDS for layout in range(4)}
LOOP = re.compile(r"lk_\w+_loop_([a-z]+_\d+)")

# In any lock's loop.
ANYWHERE = {
    r"worker_take_over": "the owner has changed: its line had to move anyway, and a call is nothing beside that",
    r"arrivals_(await|next)": "between operations of an open loop, which has the time until the next one is due",
    r"replay_pass_idle": "between operations, and within those of a program that slept or yielded there",
    r"workload_think": "between operations, and only if the workload asks for it",
    r"clock_gettime|clock_now_ns": "the clock of delays and waits where no cycle counter can be trusted",
    r"__aarch64_(cas|swp|ldadd|ldset|ldclr|ldeor)\d+_(relax|acq|rel|acq_rel)":
        "GCC's own form of an atomic instruction on Arm, which picks the newer one where there is one",
}

# In one lock's loop.
OF_LOCK = {
    "pthread_mutex": {r"pthread_mutex_(lock|trylock|unlock)": "the system's lock is a library function"},
    "pthread_spin": {r"pthread_spin_(lock|trylock|unlock)": "the system's lock is a library function"},
    "pthread_rwlock": {r"pthread_rwlock_(rdlock|wrlock|tryrdlock|trywrlock|unlock)":
                       "the system's lock is a library function"},
    # Of the other libraries' locks (locks/peers/), what the library's own headers do not inline.
    "nsync_mu": {r"nsync_mu_(lock|trylock|unlock)": "is in the library, for all its users"},
    "parking_lot": {r"parking_lot_(lock|try_lock|unlock)": "is in Rust, and C cannot inline that"},
    "absl_mutex": {r"_ZN4absl\w*5Mutex(4Lock|7TryLock|6Unlock)Ev": "is in the library, for all its users"},
    "tbb_spin": {r"sched_yield": "a waiter's, after 31 pauses"},
}
OF_LOCK["pthread_adaptive"] = OF_LOCK["pthread_mutex"]  # the same with another attribute
OF_LOCK["tbb_queuing"] = OF_LOCK["tbb_spin"]
OF_LOCK["std_shared_mutex"] = {**OF_LOCK["pthread_rwlock"], r"_ZSt20__throw_system_errori": "an error, as EDEADLK"}
OF_LOCK["pthread_rwlock_w"] = OF_LOCK["pthread_rwlock"]  # the same with another attribute

MANGLED = re.compile(r"_ZL?(\d+)([^.]*)(.*)")
FUNCTION = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
SECTION = re.compile(r"^Disassembly of section (\S+):$")
INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(?P<word>\S+)(?:\s+(?P<operand>.*))?$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+:\s+R_(?P<kind>\w+)\s+(?P<target>[^\s+-]+)(?P<addend>[+-]0x[0-9a-f]+)?")
PREFIXES = {"bnd", "notrack", "lock", "rep", "repz", "repnz", "cs", "ds", "data16"}
CALL = re.compile(r"call|callq|bl|blr")
JUMP = re.compile(r"j[a-z]+|b|br|b\.\w+|cbn?z|tbn?z")


def in_source(symbol: str) -> str:
    """What the source calls a function that C++ named after its arguments too; .cold and the like stay."""
    match = MANGLED.fullmatch(symbol)
    return symbol if match is None else match[2][:int(match[1])] + match[3]


class Code:
    """The functions of one object: what each calls or jumps away to, and which lie among the unlikely code."""

    def __init__(self, listing: str) -> None:
        self.targets: dict[str, list[str]] = defaultdict(list)
        self.starts: dict[str, list[tuple[int, str]]] = defaultdict(list)  # of the functions of a section
        section = function = ""
        is_call = False
        for line in listing.splitlines():
            if match := SECTION.match(line):
                section = match[1]
            elif match := FUNCTION.match(line):
                function, is_call = in_source(match[2]), False
                self.starts[section].append((int(match[1], 16), function))
            elif match := RELOCATION.match(line):
                if is_call:  # what the linker will put in; the listing shows a place in this object
                    self.targets[function][-1] = self.destination(**match.groupdict())
                is_call = False
            elif match := INSTRUCTION.match(line):
                is_call = self.add(function, match["word"], match["operand"] or "")
        self.cold = {name for section, functions in self.starts.items() for _, name in functions
                     if re.search(r"unlikely|cold", section) or name.endswith(".cold")}
        self.functions = {name for functions in self.starts.values() for _, name in functions}

    @staticmethod
    def destination(kind: str, target: str, addend: str | None) -> str:
        """A function's name, or section@offset, since x86 counts from the end of the instruction."""
        if not target.startswith("."):
            return in_source(target)
        return f"{target}@{int(addend or '0', 16) + (4 if kind.startswith('X86') else 0)}"

    def add(self, function: str, word: str, operand: str) -> bool:
        """Notes where an instruction goes if it is a call or a jump."""
        while word in PREFIXES and operand:
            word, _, operand = operand.partition(" ")
            operand = operand.strip()
        if not CALL.fullmatch(word) and not JUMP.fullmatch(word):
            return False
        named = re.search(r"<([^>+]+)(?:\+0x[0-9a-f]+)?>", operand)
        is_indirect = operand.startswith("*") or word in ("blr", "br")
        self.targets[function].append("(indirect)" if is_indirect or named is None else in_source(named[1]))
        return True

    def name_of(self, target: str) -> str:
        section, at, offset = target.partition("@")
        if not at:
            return target
        before = [name for start, name in self.starts[section] if start <= int(offset)]
        return before[-1] if before else target

    def called_from(self, function: str) -> set[str]:
        """What a function and its own cold parts reach."""
        own = {name for name in self.functions if name == function or name.startswith(function + ".cold")}
        return {self.name_of(target) for name in own for target in self.targets[name]} - own


def is_operation(lock: str, target: str) -> bool:
    return re.fullmatch(rf"lk_{lock}_(try)?(rd|wr)?(un)?lock", target) is not None


def is_allowed(lock: str, target: str, code: Code) -> bool:
    patterns = {**ANYWHERE, **OF_LOCK.get(lock, {})}
    if any(re.fullmatch(pattern, target) for pattern in patterns):
        return True
    return target in code.cold and not is_operation(lock, target)


def advice(lock: str, target: str, code: Code) -> str:
    if is_operation(lock, target):
        return "a lock's operations are inlined: put what is slow in it into a function of its own that is LK_COLD"
    if target == "(indirect)":
        return "the compiler cannot inline what a pointer leads to"
    if target in code.functions:
        return "inline it, or declare it LK_COLD if it is a slow path"
    return "put the slow path that does so into a function of its own that is LK_COLD"


def loops_of(code: Code) -> list[str]:
    return sorted(name for name in code.functions if LOOP.fullmatch(name))


def faults_of(lock: str, code: Code) -> list[str]:
    loops = loops_of(code)
    found = {match[1] for match in map(LOOP.fullmatch, loops) if match}
    faults = [f"{lock}: there is no lk_{lock}_loop_{name}" for name in sorted(LOOPS.difference(found))]
    callers: dict[str, list[str]] = defaultdict(list)
    for loop in loops:
        for target in code.called_from(loop):
            callers[target].append(loop)
    for target in sorted(callers):
        if not is_allowed(lock, target, code):
            name = re.sub(r"\.(constprop|isra|part)\.\d+", "", target)
            faults.append(f"{lock}: {callers[target][0]} calls {name}, as do {len(callers[target])} of {len(loops)} "
                          f"loops: {advice(lock, target, code)}")
    for name in sorted(code.functions - {"work"}):
        if "work" in map(code.name_of, code.targets[name]):
            faults.append(f"{lock}: {name} calls work, which is the harness's to call, once per thread")
    return faults


def main() -> int:
    objdump, libraries = sys.argv[1], [Path(name) for name in sys.argv[2:]]
    faults = []
    for library in libraries:
        lock = library.stem.removeprefix("liblk_")
        code = Code(said_by(objdump, "-dr", "--no-show-raw-insn", str(library)))
        faults += faults_of(lock, code)
        loops = loops_of(code)
        calls = sorted({target for loop in loops for target in code.called_from(loop)})
        print(f"{lock}: its {len(loops)} loops call {', '.join(calls) or 'nothing'}")
    return exit_code(faults, len(libraries))


if __name__ == "__main__":
    sys.exit(main())
