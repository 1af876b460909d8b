# SPDX-License-Identifier: MIT
"""Relacy, the other checker: compiles and runs tests/relacy/client.cc for one lock. Its stores are seen in the order in
which they were made, so it cannot show what comes of stores of two threads that nothing orders.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from genmc import ROOT, Outcome

CLIENT = ROOT / "tests" / "relacy"
COMPILER = ["g++", "-std=gnu++14", "-O1", "-w"]
HOLDS, CAUGHT = 0, 1  # what the client exits with


def is_here() -> bool:
    if shutil.which(COMPILER[0]) is None or not (CLIENT / "client.cc").exists():
        return False
    return subprocess.run([*COMPILER, "-fsyntax-only", "-include", "relacy/relacy.hpp", "-xc++", "/dev/null"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def run(lock: str, headers: list[Path], timeout_s: float) -> Outcome:
    start = time.monotonic()

    def outcome(verdict: str, text: str) -> Outcome:
        return Outcome(verdict, text, time.monotonic() - start)

    includes = [f"-I{folder}" for folder in (CLIENT / "shadow", *headers, ROOT / "locks")]
    with tempfile.TemporaryDirectory() as folder:
        client = Path(folder) / "client"
        try:
            built = subprocess.run([*COMPILER, *includes, f"-DLK={lock}", *map(str, sorted(CLIENT.glob("*.cc"))), "-o",
                                    str(client)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   timeout=timeout_s + 60, check=False)
            if built.returncode != 0:
                return outcome("failed", next(iter(built.stdout.splitlines()), "the compiler failed"))
            result = subprocess.run([str(client)], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    timeout=timeout_s, check=False, errors="replace")
        except subprocess.TimeoutExpired:
            return outcome("unfinished", f"not finished in {timeout_s:.0f} s")
    last = next(reversed(result.stdout.splitlines()), "")
    if result.returncode == CAUGHT:
        return outcome("caught", last.removeprefix(f"{lock} "))
    return outcome("proven" if result.returncode == HOLDS else "failed", last)
