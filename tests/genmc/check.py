#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves one lock with GenMC, under a weak memory model, for a few threads: check.py [--catches] [--timeout S] HEADER

--catches: the lock is wrong, and the checker must say so. Exit code 77, a skipped test, without genmc on the PATH.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from checkers import genmc  # noqa: E402

SKIPPED = 77
TIMEOUT_S = 60  # of the CPU, for each client


def skip(why: str) -> int:
    print(f"skipped: {why}")
    return SKIPPED


def check(header: Path, timeout_s: int) -> set[str]:
    """Runs all clients of the lock and says what came of each; returns the verdicts."""
    lock, text = header.stem, header.read_text()
    bound = genmc.bound_of(lock, text)
    if bound is not genmc.WHOLE:
        print(f"{lock} is checked within bounds: {bound.reason}")
    verdicts = set()
    for task in genmc.tasks_of(lock, text):
        outcome = genmc.run(task, [header.parent, ROOT / "locks"], timeout_s)
        print(f"{outcome.verdict:10s} {task.client.name:13s} {task.model:4s} {task.size}: "
              f"{outcome.text}, {outcome.seconds:.1f} s", flush=True)
        verdicts.add(outcome.verdict)
    return verdicts


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--catches", action="store_true")
    parser.add_argument("--timeout", type=int, default=TIMEOUT_S)
    parser.add_argument("header", type=Path)
    options = parser.parse_args()
    header = options.header
    if genmc.program() is None:
        return skip("no genmc on the PATH")
    if why := genmc.why_not(header.read_text()):
        return skip(f"{header.stem}: {why}")
    verdicts = check(header, options.timeout)
    if options.catches:
        return 0 if "caught" in verdicts and "failed" not in verdicts else 1
    return 0 if verdicts == {"proven"} else 1


if __name__ == "__main__":
    sys.exit(main())
