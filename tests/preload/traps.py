#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Springs the traps under a lock: traps.py LOCK TRAPS LIBRARY (--lockbench PATH | --modules FOLDER [--first LIBRARY])

LOCK: a lock, none (passed through), observe (passed through, recorded), or system (as it is): what is sprung is what a
program may do with glibc. Without lockbench, which other machines and builds with a sanitizer do not have, the lock's
module is put in front of the program by hand, behind the library that must be the first. Exit code 77: not tried,
because without LOCKBENCH_DEEP only a few locks are; nor are then those traps that take seconds by hand, or where
threads spin in order of arrival, nor under observe most of them.

--soak SECONDS: with LOCKBENCH_DEEP goes on for so long, with traps at random, one on each CPU at a time.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77
USUAL = ("system", "none", "observe", "futex", "futex_spin", "mcs", "ticket", "rw_futex", "rw_phasefair")
USUAL_BY_HAND = ("futex", "mcs_park", "rw_futex")
SPINNERS = ("mcs", "ticket")
SLOW = ("broadcast", "queue", "forked", "many-threads", "freed-by-last", "destroyed-after-broadcast",
        "cond-deadlines-race", "deadlines-after-broadcast", "forked-twice", "cancelled-when-signalled")
DEADLINE_S = 120
# What a lock cannot do by its nature. clh has no trylock, by which deadlines are kept too.
UNABLE = {"clh": ("trylock", "recursive", "zeroed", "reused", "copied", "deadlines", "c11", "cond-deadlines",
                  "held-by-the-dead", "in-a-handler", "bound-deeply", "looked-up-in-libc", "held-since-before-main")}
STOPPED = (-signal.SIGABRT, 128 + signal.SIGABRT)
# qemu 7.2 says yes to MADV_WIPEONFORK and does not wipe, so a child does not know that it is one; nor does it tell the
# kernel of robust mutexes, or of a limit of memory.
NOT_EMULATED = ("forked", "forked-twice", "held-at-a-fork", "rw-forked", "rw-held-at-a-fork", "robust",
                "without-memory", "rw-without-memory")
FOLDER = "{folder}"  # in a command: one that does not exist yet
NOT_SANITIZED = ("bound-deeply",)  # the runtime, which comes first, ends a program that asks for it
# Locks that are recorded stay the system's: those of its traps that move, copy, fork, cancel, or are C11's.
OBSERVED = ("as-semaphore", "any-order", "recursive", "reused", "copied", "many-made", "c11", "cancelled",
            "forked-twice", "robust", "many-threads", "held-by-the-dead", "in-a-handler", "bound-deeply", "unloaded",
            "held-since-before-main", "without-memory", "rw-many")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lock")
    parser.add_argument("traps", type=Path)
    parser.add_argument("library", type=Path, help="what a trap loads")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--lockbench", type=Path)
    how.add_argument("--modules", type=Path, metavar="FOLDER")
    parser.add_argument("--first", metavar="LIBRARY", help="comes before the module")
    parser.add_argument("--sanitized", action="store_true")
    parser.add_argument("--soak", type=float, metavar="SECONDS")
    return parser.parse_args()


def command_of(options: argparse.Namespace, emulator: list[str]) -> list[str]:
    if options.lock == "system":
        return [*emulator, str(options.traps)]
    if options.lockbench and options.lock == "observe":
        return [str(options.lockbench), "observe", "--out", FOLDER, "--", str(options.traps)]
    if options.lockbench:
        return [str(options.lockbench), "exec", "--lock", options.lock, "--", str(options.traps)]
    libraries = [options.first] if options.first else []
    preload = "LD_PRELOAD=" + ":".join([*libraries, str(module_of(options))])
    return [*emulator, "-E", preload, str(options.traps)] if emulator else ["env", preload, str(options.traps)]


def module_of(options: argparse.Namespace) -> Path:
    path: Path = options.modules / f"lockbench-preload-{options.lock}.so"
    return path


def is_sprung(options: argparse.Namespace, trap: str, is_emulated: bool, is_deep: bool) -> bool:
    if options.lock.startswith("rw_") != trap.startswith("rw-") and options.lock not in ("system", "none", "observe"):
        return False  # the other locks are the system's then
    if options.lock == "observe" and trap not in OBSERVED and not is_deep:
        return False
    if trap in SLOW and (options.lock in SPINNERS or options.modules) and not is_deep:
        return False
    return not (is_emulated and trap in NOT_EMULATED) and not (options.sanitized and trap in NOT_SANITIZED)


def spring(command: list[str], trap: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory(prefix="lockbench-test-") as folder:
        return subprocess.run([f"{folder}/out" if part == FOLDER else part for part in [*command, trap]], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=DEADLINE_S)


def passes(options: argparse.Namespace, command: list[str], name: str, is_told: bool = True) -> bool:
    """Whether it went as it should; said, if it did not or is_told."""
    start = time.monotonic()
    try:
        result = spring(command, name)
    except subprocess.TimeoutExpired:
        print(f"{name}: does not end", flush=True)
        return False
    if name in UNABLE.get(options.lock, ()):
        is_good = result.returncode in STOPPED  # with a word, and not as if nothing were
    else:
        is_good = result.returncode == 0 and f"{name}: ok\n" in result.stdout
    if is_told or not is_good:
        print(f"{name}: {'ok' if is_good else 'FAILED'} in {time.monotonic() - start:.2f} s", flush=True)
    if not is_good:
        print(result.stdout, flush=True)
    return is_good


def soak(options: argparse.Namespace, command: list[str], names: list[str]) -> int:
    """How many failed."""
    end = time.monotonic() + options.soak
    seed = random.randrange(2**32)
    print(f"seed {seed}", flush=True)

    def soak_one(number: int) -> tuple[int, int]:
        order = random.Random(seed + number)
        n_sprung = n_failed = 0
        while time.monotonic() < end:
            n_sprung += 1
            n_failed += not passes(options, command, order.choice(names), is_told=False)
        return n_sprung, n_failed

    n_workers = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(n_workers) as pool:
        counts = list(pool.map(soak_one, range(n_workers)))
    n_failed = sum(failed for _, failed in counts)
    print(f"{sum(sprung for sprung, _ in counts)} times a trap under {options.lock}, {n_failed} failed")
    return n_failed


def main() -> int:
    options = parse()
    is_deep = "LOCKBENCH_DEEP" in os.environ
    if options.lock not in (USUAL if options.lockbench else USUAL_BY_HAND) and not is_deep:
        print("not asked for (scripts/test --deep)")
        return SKIPPED
    if options.modules and options.lock != "system" and not module_of(options).exists():
        print(f"there is no {module_of(options)}: ninja traps (a few locks), or ninja traps-deep")
        return SKIPPED
    emulator = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
    os.environ["TRAP_LIBRARY"] = str(options.library)
    names = subprocess.run([*emulator, str(options.traps)], text=True, stdout=subprocess.PIPE,
                           check=True).stdout.split()
    assert len(names) > 20, names
    command = command_of(options, emulator)
    names = [name for name in names if is_sprung(options, name, bool(emulator), is_deep)]
    n_failed = sum(not passes(options, command, name) for name in names)
    print(f"{len(names)} traps under {options.lock}, {n_failed} failed", flush=True)
    if options.soak and is_deep:
        n_failed += soak(options, command, names)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
