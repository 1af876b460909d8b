#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A lock whose traits or functions do not fit together does not compile, and the message says what to do:
contract.py COMPILER [ARGUMENT...]

Each fault is put into ticket.h or another lock, by which a lock without it is shown to pass.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TRAITS = r"(enum \{ lk_\w+_traits = )[^}]*"


class Fault(NamedTuple):
    """What in the lock's header is replaced by what, and words that the compiler must then say."""

    lock: str
    old: str
    new: str
    words: str


def traits(lock: str, new: str, words: str) -> Fault:
    return Fault(lock, TRAITS, rf"\1{new} ", words)


FAULTS = (
    traits("ticket", "LK_FIFO | LK_BOUNDED | LK_SPINS", "say one of them"),
    traits("ticket", "LK_BOUNDED | LK_SPINS", "needs #define lk_x_is_bounded 1 and lk_x_bypass"),
    traits("ticket", "LK_FIFO", "say how a waiter waits"),
    traits("ticket", "LK_SPINS | LK_SYSTEM | LK_PEER", "not both"),
    traits("ticket", "LK_SPINS | LK_RW", "say #define lk_x_is_rw 1"),
    traits("ticket", "LK_SPINS | LK_DOMAINS", "say #define lk_x_has_domains 1"),
    traits("ticket", "LK_SPINS | LK_TIMED", "say #define lk_x_is_timed 1"),
    traits("ticket", "LK_BASELINE | LK_FIFO", "say LK_BASELINE alone"),
    traits("cna", "LK_SPINS", "lk_x_is_bounded needs LK_BOUNDED"),
    Fault("ticket", r"static inline bool lk_ticket_trylock", "static inline int lk_ticket_trylock",
          "lk_ticket_trylock must be bool"),
    Fault("ticket", r"\blk_ticket_trylock\b", "lk_ticket_try", "say #define lk_x_no_trylock 1"),
    Fault("ticket", r"\blk_ticket_unlock\b", "lk_ticket_release", "MUST_BE(lock_step, unlock, \"void"),
    Fault("ticket", r"static inline bool lk_ticket_init", "static inline int lk_ticket_init",
          "lk_ticket_init must be bool"),
    Fault("cna", r"\blk_cna_bypass\b", "lk_cna_bound", "the bound that LK_BOUNDED promises"),
    Fault("cna", r"\blk_cna_domain_run\b", "lk_cna_run", "the bound that lk_x_has_domains promises"),
    Fault("anderson", r"\blk_anderson_heap_bytes\b", "lk_anderson_bytes", "what init and all ctx_init allocate"),
    Fault("futex", r"\blk_futex_timedlock\b", "lk_futex_until", "false = the deadline has passed"),
    Fault("rw_ticket", r"#define lk_rw_ticket_is_rw 1", "", "say #define lk_x_is_rw 1"),
    Fault("seqlock", r"#define lk_seqlock_is_rw 1", "", "say #define lk_x_is_rw 1 too"),
    Fault("rw_ticket", r"static inline bool lk_rw_ticket_tryrdlock", "static inline int lk_rw_ticket_tryrdlock",
          "lk_rw_ticket_tryrdlock must be bool"),
    Fault("ticket", r"  char unused;", "  uint32_t mine;", "says that a context holds nothing"),
)


def complaint(compiler: list[str], folder: Path, lock: str) -> str:
    """Of the lock's header in the folder; nothing if it compiles."""
    result = subprocess.run([*compiler, "-std=gnu11", f"-DLK={lock}", f"-I{folder}", f"-I{ROOT / 'locks'}",
                             f"-I{ROOT / 'src'}", "-fsyntax-only", "-xc", "-"], input='#include "lock_ops.h"\n',
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return "" if result.returncode == 0 else result.stdout


def check(compiler: list[str], fault: Fault) -> str:
    """What is wrong with the message, or nothing."""
    text, n = re.subn(fault.old, fault.new, (ROOT / "locks" / f"{fault.lock}.h").read_text())
    if n == 0:
        return f"{fault.lock}: nothing to replace: {fault.old}"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / f"{fault.lock}.h").write_text(text)
        said = complaint(compiler, Path(folder), fault.lock)
    if not said:
        return f"{fault.lock} compiles with '{fault.new}' for '{fault.old}'"
    return "" if fault.words in said else f"{fault.lock}: '{fault.words}' is not in:\n{said}"


def main() -> int:
    compiler = sys.argv[1:]
    with ThreadPoolExecutor() as pool:
        wrong = [text for text in pool.map(lambda fault: check(compiler, fault), FAULTS) if text]
    wrong += [said for lock in sorted({fault.lock for fault in FAULTS})
              if (said := complaint(compiler, ROOT / "locks", lock))]
    print("\n".join(wrong) if wrong else f"{len(FAULTS)} faults are told")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
