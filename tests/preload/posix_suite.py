#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the Open POSIX Test Suite says of exec and observe: posix_suite.py --lockbench PATH [--suite FOLDER] LOCK...

Its tests of mutexes, condition variables, readers/writer locks and spin locks are built, run as they are, and those
that pass run again under each LOCK (as `lockbench exec` takes it, or observe). One line for each that differs; exit
code 1 if one does that is not in EXPECTED.

The suite is part of the Linux Test Project (linux-test-project/ltp on GitHub, testcases/open_posix_testsuite); the
folder is given by --suite or LOCKBENCH_POSIX_TESTS. Exit code 77, a skipped test, without it. In a build's own run of
the tests (--deep-only) it is skipped without LOCKBENCH_DEEP, too: it takes minutes.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SKIPPED = 77
VARIABLE = "LOCKBENCH_POSIX_TESTS"
INTERFACES = re.compile(r"pthread_(mutex|mutexattr|cond|condattr|rwlock|rwlockattr|spin)_\w+$")
CODES = {0: "PASS", 1: "FAIL", 2: "UNRESOLVED", 4: "UNSUPPORTED", 5: "UNTESTED"}
FLAGS = ("-std=c99", "-D_POSIX_C_SOURCE=200809L", "-D_XOPEN_SOURCE=700", "-w", "-O1")  # the suite's own, but for -W
COMPILER = shlex.split(os.environ.get("CC_COMMAND", "cc"))
PLAIN = "system"


class Difference(NamedTuple):
    tests: str  # this and the next two: regular expressions
    locks: str
    output: str
    reason: str


# What POSIX leaves open, and what docs/exec.md says that a lock cannot do.
EXPECTED = (
    Difference("", r"^clh\b", "clh has no trylock", "told in a line, and stopped"),
    Difference("pthread_rwlock_rdlock/2-3", r"\brw_", "rd_thread blocked on read lock",
               "under SCHED_FIFO a reader with a higher priority than the writer that waits should come in; "
               "locks here know no priorities, nor do glibc's, which let in any reader"),
    Difference("pthread_mutex_init/[13]-2", r"^hemlock\b", "",
               "a thread that waits is cancelled asynchronously inside of pthread_mutex_lock, which POSIX does not "
               "define: hemlock's unlock waits until it has taken over"),
)


@dataclass(frozen=True)
class Outcome:
    code: int | None  # None: it did not end
    output: str

    def __str__(self) -> str:
        if self.code is None:
            return "does not end"
        # lockbench, as a shell does, says 128 + n of a program that died of signal n.
        number = -self.code if self.code < 0 else self.code - 128
        if number > 0:
            return f"died of signal {number}"
        return CODES.get(self.code, f"exit code {self.code}")

    @property
    def has_passed(self) -> bool:
        return self.code == 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("locks", nargs="+", metavar="LOCK")
    parser.add_argument("--lockbench", type=Path, required=True)
    parser.add_argument("--suite", type=Path, metavar="FOLDER", help=f"default: ${VARIABLE}")
    parser.add_argument("--tests", default="", metavar="PATTERN", help="those whose name has it, as cond_wait/2")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS", help="for each run (default 120)")
    parser.add_argument("--jobs", type=int, default=32, metavar="N", help="so many at a time (default 32): most sleep")
    parser.add_argument("--deep-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.suite is None and os.environ.get(VARIABLE):
        options.suite = Path(os.environ[VARIABLE])
    return options


def sources_of(suite: Path) -> dict[str, Path]:
    """Each test's name, as pthread_cond_wait/2-1, and its file."""
    interfaces = suite / "conformance" / "interfaces"
    return {str(path.relative_to(interfaces).with_suffix("")): path
            for folder in sorted(interfaces.iterdir()) if INTERFACES.match(folder.name)
            for path in sorted(folder.rglob("[0-9]*-[0-9]*.c"))}


def build(suite: Path, source: Path, program: Path) -> str:
    """What the compiler says if it does not compile."""
    program.parent.mkdir(parents=True, exist_ok=True)
    common = [str(path) for path in [suite / "lib" / "common.c"] if path.exists()]  # main, in newer versions
    done = subprocess.run([*COMPILER, *FLAGS, "-I", str(suite / "include"), "-I", str(source.parent),
                           str(source), *common, "-o", str(program), "-pthread", "-lrt"],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout if done.returncode != 0 else ""


def run(command: Sequence[str], folder: Path, timeout_s: float) -> Outcome:
    """In a session of its own, all of which is ended with it."""
    with tempfile.TemporaryFile(mode="w+", errors="replace") as output:
        child = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=subprocess.STDOUT, start_new_session=True)
        code: int | None
        try:
            code = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            code = None
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        output.seek(0)
        return Outcome(code, output.read())


def command_of(lockbench: Path, lock: str, program: Path, folder: Path) -> list[str]:
    if lock == PLAIN:
        return [str(program)]
    if lock == "observe":
        return [str(lockbench), "observe", "--out", str(folder / "profile"), "--", str(program)]
    return [str(lockbench), "exec", "--lock", lock, "--", str(program)]


def run_all(options: argparse.Namespace, lock: str, programs: dict[str, Path]) -> dict[str, Outcome]:
    def run_one(program: Path) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="lockbench-test-") as folder:
            return run(command_of(options.lockbench, lock, program, Path(folder)), Path(folder), options.timeout)

    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = dict(zip(programs, pool.map(run_one, programs.values())))
    for test, outcome in outcomes.items():
        if outcome.code is None:  # among others, a lock that spins in order of arrival may just be slow
            outcomes[test] = run_one(programs[test])
    return outcomes


def reason_for(test: str, lock: str, outcome: Outcome) -> str | None:
    return next((one.reason for one in EXPECTED if re.match(one.tests, test) and re.search(one.locks, lock) and
                 re.search(one.output, outcome.output)), None)


def judge(lock: str, outcomes: dict[str, Outcome]) -> int:
    """Tells what differs; the number of those that are not expected."""
    n_faults = n_expected = 0
    for test, outcome in outcomes.items():
        if outcome.has_passed:
            continue
        reason = reason_for(test, lock, outcome)
        if reason is not None:
            n_expected += 1
            print(f"{test} under {lock}: {outcome}, as expected: {reason}")
            continue
        n_faults += 1
        print(f"{test} under {lock}: {outcome}, and passes as it is")
        print("".join(f"    {line}\n" for line in outcome.output.splitlines()[-10:]), end="")
    print(f"{lock}: {len(outcomes)} tests, {n_expected} differ as expected, {n_faults} differ otherwise", flush=True)
    return n_faults


def main() -> int:
    options = parse()
    if options.deep_only and "LOCKBENCH_DEEP" not in os.environ:
        print("not asked for (scripts/test --deep)")
        return SKIPPED
    if options.suite is None:
        print(f"skipped: {VARIABLE} does not say where the Open POSIX Test Suite is "
              "(testcases/open_posix_testsuite of github.com/linux-test-project/ltp)")
        return SKIPPED
    if not (options.suite / "include" / "posixtest.h").exists():
        print(f"{options.suite} is not the Open POSIX Test Suite's folder: it has no include/posixtest.h",
              file=sys.stderr)
        return 2
    suite = options.suite.resolve()
    options.lockbench = options.lockbench.resolve()
    sources = {test: source for test, source in sources_of(suite).items() if re.search(options.tests, test)}
    with tempfile.TemporaryDirectory(prefix="lockbench-test-") as folder:
        programs = {test: Path(folder) / test for test in sources}
        with ThreadPoolExecutor(options.jobs) as pool:
            complaints = dict(zip(sources, pool.map(lambda test: build(suite, sources[test], programs[test]), sources)))
        for test, complaint in complaints.items():
            if complaint:
                print(f"{test}: does not compile: {complaint.splitlines()[0]}")
        plain = run_all(options, PLAIN, {test: programs[test] for test in sources if not complaints[test]})
        for test, outcome in plain.items():
            if not outcome.has_passed:
                print(f"{test}: {outcome} as it is, and so left out")
        passing = [test for test, outcome in plain.items() if outcome.has_passed]
        print(f"{len(sources)} tests, {len(plain)} compiled, {len(passing)} pass as they are", flush=True)
        if not passing:
            return 1
        n_faults = sum(judge(lock, run_all(options, lock, {test: programs[test] for test in passing}))
                       for lock in options.locks)
    return 1 if n_faults else 0


if __name__ == "__main__":
    sys.exit(main())
