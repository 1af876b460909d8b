#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves lk_cond.h with GenMC, and that each fault that is put into it is caught. Exit code 77 without genmc."""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from checkers import genmc  # noqa: E402

SKIPPED = 77
TIMEOUT_S = 100  # of the CPU, for each client
LOCK = "ticket"  # the mutex with the fewest executions; the condition knows nothing of it

SIGNALS, BROADCASTS = (), ("BROADCAST=1",)
LATE_SIGNALS, LATE_BROADCASTS = ("LATE=1",), ("LATE=1", "BROADCAST=1", "OUTSIDE=1")
CLIENTS = (SIGNALS, BROADCASTS, LATE_SIGNALS, LATE_BROADCASTS)

# What is wrong, the text that it replaces, by what, and the client that must notice.
FAULTS = (
    ("a relaxed wake", "memory_order_release", "memory_order_relaxed", LATE_BROADCASTS),
    ("a relaxed look", "memory_order_acquire", "memory_order_relaxed", LATE_BROADCASTS),
    ("a chain that is not passed on", r"    lk_cond_wake\(waiter\.next\); *\\", r" \\", BROADCASTS),
    ("a waiter that is late although it was taken", r"waiter->is_taken = true;", ";", LATE_BROADCASTS),
    ("a wake before the store", r"(  atomic_store_explicit.*\n)(  lk_wait_wake_one.*\n)", r"\2\1", SIGNALS),
)


def outcome(headers: list[Path], defines: tuple[str, ...]) -> genmc.Outcome:
    client = genmc.Client("cond", "cond", defines)
    return genmc.run(genmc.Task(LOCK, client, genmc.Size(3, False), genmc.LANGUAGE, genmc.WHOLE), headers, TIMEOUT_S)


def main() -> int:
    if genmc.program() is None:
        print("skipped: no genmc on the PATH")
        return SKIPPED
    is_good = True
    for defines in CLIENTS:
        found = outcome([ROOT / "locks"], defines)
        print(f"{found.verdict}: {' '.join(defines) or 'signals'}: {found.text}, {found.seconds:.1f} s", flush=True)
        is_good &= found.verdict == "proven"
    text = (ROOT / "locks" / "lk_cond.h").read_text()
    for what, old, new, defines in FAULTS:
        faulty, n_changed = re.subn(old, new, text)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "lk_cond.h").write_text(faulty)
            found = outcome([Path(folder), ROOT / "locks"], defines)
        print(f"{found.verdict}: {what}: {found.text}", flush=True)
        is_good &= found.verdict == "caught" and n_changed > 0
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
