#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads from a built program where the timed loops lie: each copy at its own place in a line, and equal code alike.

code_layout.py NM PROGRAM [TWIN=ORIGINAL ...]

What src/trial/code_layout.h promises may be lost to the compiler (its own alignment, a section of its own) or to the
linker; so this looks at the program that is run. A twin's functions must lie at the original's offsets into a page
and have its bytes, but for the distances of calls and jumps to other places.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from machine_code import exit_code, said_by

PAGE_BYTES, LINE_BYTES, STEP_BYTES = 4096, 64, 16
KINDS, N_LAYOUTS = ("plain", "general", "timed", "trying", "open", "replay", "extended"), 4
LOOP = re.compile(r"(?:_ZL\d+)?lk_(?P<lock>\w+)_loop_(?P<kind>[a-z]+)_(?P<layout>\d+)(?:P6workerj)?")


class Loop(NamedTuple):
    address: int
    n_bytes: int


Key = tuple[str, int]  # kind and layout


def loops_of(nm: str, program: Path) -> dict[str, dict[Key, Loop]]:
    """By lock. Symbols outside of functions' sections, and the cold parts that a compiler splits off, are others."""
    listing = said_by(nm, "--defined-only", "--print-size", str(program))
    found: dict[str, dict[Key, Loop]] = defaultdict(dict)
    for line in listing.splitlines():
        address, *size, _, name = line.split()
        if size and (match := LOOP.fullmatch(name)):
            found[match["lock"]][match["kind"], int(match["layout"])] = Loop(int(address, 16), int(size[0], 16))
    return found


def places_are_wrong(lock: str, loops: dict[Key, Loop]) -> list[str]:
    wanted = {(kind, layout) for kind in KINDS for layout in range(N_LAYOUTS)}
    faults = [f"{lock}: no copy {layout} of the loop {kind}" for kind, layout in sorted(wanted - loops.keys())]
    return faults + [f"{lock}: the loop {kind} {layout} begins {loop.address % LINE_BYTES} bytes into a line"
                     for (kind, layout), loop in sorted(loops.items()) if loop.address % LINE_BYTES]


def instructions(objdump: str, program: Path, loop: Loop) -> list[str]:
    """With where calls and jumps go to left out, and what is addressed relative to the instruction."""
    listing = said_by(objdump, "-d", "--no-show-raw-insn", f"--start-address={loop.address}",
                      f"--stop-address={loop.address + loop.n_bytes}", str(program))
    lines = re.findall(r"^\s+([0-9a-f]+):\s+(.*?)\s*$", listing, re.MULTILINE)
    return [f"{int(address, 16) - loop.address:x}: " + distances_left_out(text, loop) for address, text in lines]


def distances_left_out(text: str, loop: Loop) -> str:
    """A jump inside of the loop keeps its distance."""
    text = re.sub(r"#.*", "", text)
    text = re.sub(r"-?0x[0-9a-f]+\(%rip\)", "(%rip)", text)
    match = re.search(r"\b([0-9a-f]+) <.*>", text)
    if match is None:
        return text
    at = int(match[1], 16) - loop.address
    return text[:match.start()] + (f"+{at:x}" if 0 <= at < loop.n_bytes else "elsewhere")


def padding(code: list[str]) -> int:
    """How many instructions that do nothing come in a row: what moves a copy into its place."""
    longest = n = 0
    for text in code:
        n = n + 1 if re.search(r": nop$", text) else 0
        longest = max(longest, n)
    return longest


def copies_are_wrong(lock: str, loops: dict[Key, Loop], objdump: str, program: Path) -> list[str]:
    """Copy n has n steps of padding before its loop, where an instruction that does nothing is a byte."""
    return [f"{lock}: the loop {kind} {layout} has {found} bytes of padding, not {layout * STEP_BYTES}"
            for (kind, layout), loop in sorted(loops.items())
            if layout and (found := padding(instructions(objdump, program, loop))) != layout * STEP_BYTES]


def twin_differs(twin: str, original: str, found: dict[str, dict[Key, Loop]], objdump: str, program: Path) -> list[str]:
    faults = []
    for key, loop in sorted(found[original].items()):
        other = found[twin].get(key)
        what = f"{twin}, {original}: the loops {key[0]} {key[1]}"
        if other is None or loop.address % PAGE_BYTES != other.address % PAGE_BYTES:
            faults.append(f"{what} lie at different places in a page")
        elif instructions(objdump, program, loop) != instructions(objdump, program, other):
            faults.append(f"{what} are not the same instructions")
    return faults


def main() -> int:
    nm, objdump, program, *twins = sys.argv[1:]
    found = loops_of(nm, Path(program))
    faults = [fault for lock, loops in sorted(found.items()) for fault in places_are_wrong(lock, loops)]
    for twin in twins:
        name, _, original = twin.partition("=")
        faults += twin_differs(name, original, found, objdump, Path(program))
        faults += copies_are_wrong(name, found[name], objdump, Path(program))
    print(f"{sum(map(len, found.values()))} loops of {len(found)} locks")
    return exit_code(faults, len(found))


if __name__ == "__main__":
    sys.exit(main())
