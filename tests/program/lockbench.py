# SPDX-License-Identifier: MIT
"""Starts lockbench as its users do, and reads what it leaves. For the tests in this folder; standard library only."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Optional

PROGRAM = os.environ.get("LOCKBENCH", "lockbench")
DEADLINE_S = 60.0
Row = dict[str, str]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Looks every millisecond until the condition holds; a bounded wait for something that must come."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {DEADLINE_S:.0f} s in vain for {what}")
        time.sleep(0.001)


def members_of_session(session: int) -> list[int]:
    """The processes that live in a session, zombies aside: what a run started with start() has left behind."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, _, _, of = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # it has just ended
        if int(of) == session and state not in "ZX":
            members.append(int(entry.name))
    return members


class Case(unittest.TestCase):
    """A test with a folder of its own, in which lockbench runs and which is gone afterwards."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lockbench-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.out = self.folder / "out"

    def run_program(self, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **given.pop("env", {})}
        return subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=environment, text=True, timeout=DEADLINE_S,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **given)

    def run_to_the_end(self, *arguments: str, **given: Any) -> subprocess.CompletedProcess[str]:
        """`lockbench run --out self.out ...`, resumed while trials stayed noisy, as its user is told to.

        Returns the result of the first start.
        """
        first = result = self.run_program("run", *arguments, "--out", str(self.out), **given)
        for _ in range(5):
            if "stayed noisy" not in result.stderr:
                break
            result = self.resume(**given)
        return first

    def resume(self, *options: str, **given: Any) -> subprocess.CompletedProcess[str]:
        return self.run_program("run", "--resume", str(self.out), *options, **given)

    def start(self, *arguments: str, **given: Any) -> subprocess.Popen[str]:
        """In a session of its own, as a terminal would: what a signal to the group reaches is only the run."""
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, text=True, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)
        self.addCleanup(self.stop, process)
        return process

    @staticmethod
    def stop(process: subprocess.Popen[str]) -> None:
        """Whatever went wrong, the test leaves nothing running; the session is the process's own, and so its number."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for stray in members_of_session(process.pid):
            os.kill(stray, signal.SIGKILL)

    def rows(self, out: Optional[Path] = None) -> list[Row]:
        """The rows of results.csv; each must be whole, the last one too."""
        text = ((out or self.out) / "results.csv").read_text()
        self.assertTrue(text.endswith("\n"), "the last row is not whole")
        header, *lines = csv.reader(text.splitlines())
        for line in lines:
            self.assertEqual(len(header), len(line), line)
        return [dict(zip(header, line)) for line in lines]

    def kept_rows(self, out: Optional[Path] = None) -> list[Row]:
        """Those that count. Any trial may be noisy on a shared machine, and is then made again: no test that is about
        something else may count such tries."""
        return [row for row in self.rows(out) if row["status"] != "noisy"]

    def count_rows(self) -> int:
        """How many rows there are so far, while lockbench writes them."""
        try:
            return max(0, (self.out / "results.csv").read_bytes().count(b"\n") - 1)
        except FileNotFoundError:
            return 0


def main() -> None:
    """Under nohup some signals are ignored, and lockbench leaves those so; the tests send them."""
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.main(verbosity=2)
