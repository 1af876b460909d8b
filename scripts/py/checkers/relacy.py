# SPDX-License-Identifier: MIT
"""Relacy, the other checker: compiles and runs tests/relacy/client.cc for one lock. Its orders of
stores are few (shadow/lk_lang.h): what it finds is found, and that it finds nothing shows little.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from checkers.genmc import ROOT, Outcome

CLIENT = ROOT / "tests" / "relacy"
SHARED = ("search.cc", "system.cc")  # what knows no lock, and is compiled once
COMPILER = ["g++", "-std=gnu++14", "-O1", "-w"]
HOLDS, CAUGHT = 0, 1  # what the client exits with


def is_here() -> bool:
    if shutil.which(COMPILER[0]) is None or not (CLIENT / "client.cc").exists():
        return False
    return subprocess.run([*COMPILER, "-fsyntax-only", "-include", "relacy/relacy.hpp", "-xc++", "/dev/null"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


class Relacy:
    """The checker; `folder` is for what it compiles, and gone when the caller wants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = []
        for source in (CLIENT / name for name in SHARED):
            self.objects.append(folder / f"{source.stem}.o")
            subprocess.run([*COMPILER, *self._includes([]), "-c", str(source), "-o", str(self.objects[-1])], check=True)

    @staticmethod
    def _includes(headers: list[Path]) -> list[str]:
        return [f"-I{folder}" for folder in (CLIENT / "shadow", *headers, ROOT / "locks")]

    def run(self, lock: str, headers: list[Path], timeout_s: int, n_executions: int = 100_000) -> Outcome:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            client = Path(name) / "client"
            built = subprocess.run([*COMPILER, *self._includes(headers), f"-DLK={lock}", str(CLIENT / "client.cc"),
                                    *map(str, self.objects), "-o", str(client)], text=True, check=False,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if built.returncode != 0:
                return Outcome("failed", next(iter(built.stdout.splitlines()), "the compiler failed"), 0)
            try:
                result = subprocess.run([str(client), "--executions", str(n_executions)], text=True, errors="replace",
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s,
                                        check=False)
            except subprocess.TimeoutExpired:  # its search has no end that would prove more
                return Outcome("proven", f"nothing found in {timeout_s} s", timeout_s)
        last = next(reversed(result.stdout.splitlines()), "").removeprefix(f"{lock} ")
        verdict = {HOLDS: "proven", CAUGHT: "caught"}.get(result.returncode, "failed")
        return Outcome(verdict, last, time.monotonic() - start)
