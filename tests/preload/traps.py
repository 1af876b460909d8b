#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Springs the traps under a lock: traps.py LOCKBENCH TRAPS LIBRARY LOCK

LOCK: a lock, none (passed through), or system (without lockbench): what is sprung is what a program may do with glibc.
Without LOCKBENCH_DEEP those traps are left out that take seconds where threads spin in order of arrival, and only a few
locks are tried (exit code 77 for the others).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

SKIPPED = 77
USUAL = ("system", "none", "futex", "futex_spin", "mcs", "ticket", "rw_futex", "rw_phasefair")
SPINNERS = ("mcs", "ticket")
SLOW_FOR_SPINNERS = ("broadcast", "queue", "forked", "many-threads", "freed-by-last", "destroyed-after-broadcast",
                     "cond-deadlines-race", "forked-twice", "cancelled-when-signalled")
DEADLINE_S = 120
# What a lock cannot do by its nature. clh has no trylock, by which deadlines are kept too.
UNABLE = {"clh": ("trylock", "recursive", "zeroed", "reused", "copied", "deadlines", "c11", "cond-deadlines",
                  "held-by-the-dead", "in-a-handler", "bound-deeply", "looked-up-in-libc"),
          "pi_futex": ("as-semaphore",)}  # the kernel knows the owner
STOPPED = 128 + 6


def spring(command: list[str], trap: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, trap], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          timeout=DEADLINE_S)


def main() -> int:
    lockbench, program, library, lock = sys.argv[1:]
    is_deep = "LOCKBENCH_DEEP" in os.environ
    if lock not in USUAL and not is_deep:
        print("not asked for (scripts/test --deep)")
        return SKIPPED
    os.environ["TRAP_LIBRARY"] = library
    names = subprocess.run([program], text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    assert len(names) > 20, names
    command = [program] if lock == "system" else [lockbench, "exec", "--lock", lock, "--", program]
    n_sprung = n_failed = 0
    for name in names:
        if lock in SPINNERS and name in SLOW_FOR_SPINNERS and not is_deep:
            continue
        if lock.startswith("rw_") != name.startswith("rw-") and lock not in ("system", "none"):
            continue  # the other locks are the system's then
        n_sprung += 1
        start = time.monotonic()
        try:
            result = spring(command, name)
        except subprocess.TimeoutExpired:
            print(f"{name}: does not end", flush=True)
            n_failed += 1
            continue
        if name in UNABLE.get(lock, ()):
            is_good = result.returncode == STOPPED  # with a word, and not as if nothing were
        else:
            is_good = result.returncode == 0 and f"{name}: ok\n" in result.stdout
        print(f"{name}: {'ok' if is_good else 'FAILED'} in {time.monotonic() - start:.2f} s", flush=True)
        if not is_good:
            n_failed += 1
            print(result.stdout, flush=True)
    print(f"{n_sprung} traps under {lock}, {n_failed} failed")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
