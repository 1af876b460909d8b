# SPDX-License-Identifier: MIT
"""lockbench stress finds each fault that is there, finds none where there is none, and ends when it is told to."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import unittest

import lockbench

MAX_TRIES = 8  # what interleavings occur is chance; a fault that does not show in so many tries is not looked for
TWO_CPUS = unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "on one CPU a lock that does not exclude may not show")


class Stress(lockbench.Case):
    def stress(self, lock: str, *more: str, time_s: float = 0.5) -> subprocess.CompletedProcess[str]:
        return self.run_program("stress", "--locks", lock, "--duration", str(time_s), *more)

    def find(self, lock: str, verdict: str) -> str:
        """Stresses a faulty lock until the verdict is as it should be; returns what was said of it."""
        for _ in range(MAX_TRIES):
            result = self.stress(lock, time_s=2)
            if result.returncode == 1:
                self.assertIn(f"lockbench: {lock}: {verdict}: ", result.stderr)
                return result.stderr
            self.assertEqual(0, result.returncode, result.stderr)
        raise AssertionError(f"{lock} passed {MAX_TRIES} times")

    @TWO_CPUS
    def test_a_lock_that_does_not_exclude_is_broken(self) -> None:
        self.find("test_broken", "broken")

    @TWO_CPUS
    def test_a_lock_that_counts_writers_wrongly_is_broken(self) -> None:
        self.find("test_fourth_writer", "broken")

    def test_a_lost_unlock_hangs(self) -> None:
        self.assertIn("threads wait", self.find("test_hangs", "hung"))

    @unittest.skipIf(platform.machine() != "x86_64" or "LOCKBENCH_SANITIZED" in os.environ,
                     "no stops between instructions, or too many instructions to stop between")
    def test_a_lost_wake_up_hangs(self) -> None:
        self.assertIn("threads wait", self.find("test_lost_wake", "hung"))

    def test_a_crash_is_told(self) -> None:
        self.assertIn("died of signal 11", self.find("test_crashes", "crashed"))

    @TWO_CPUS
    def test_after_a_fault_the_others_are_stressed(self) -> None:
        result = self.stress("test_broken,test_crashes,futex", time_s=2)
        self.assertEqual(1, result.returncode)
        header, *rows = result.stdout.splitlines()
        self.assertEqual(["lock", "verdict", "rounds", "acquisitions", "max", "wait", "ms"], header.split())
        self.assertEqual([["test_broken", "broken"], ["test_crashes", "crashed"], ["futex", "ok"]],
                         [row.split()[:2] for row in rows])
        self.assertGreater(int(rows[2].split()[3]), 0)

    def test_every_phase_has_its_round(self) -> None:
        result = self.stress("futex,pthread_rwlock", "--phases")
        self.assertEqual(0, result.returncode, result.stderr)
        phases = [row.split() for row in result.stdout.splitlines() if row.startswith("  ")]
        names = ["pair", "crowd", "nested", "hogs", "signals", "steps", "churn", "all"]
        self.assertEqual(names * 2, [row[0] for row in phases])
        for name, n_rounds, n_sections, _ in phases:
            self.assertGreater(int(n_rounds), 0, name)
            self.assertGreater(int(n_sections), 0, name)

    def test_words_stand_for_many_and_leave_baselines_out(self) -> None:
        result = self.run_program("stress", "--locks", "common", "--duration", "0.01")
        self.assertEqual(0, result.returncode, result.stderr)
        names = [row.split()[0] for row in result.stdout.splitlines()[1:]]
        self.assertIn("mcs", names)
        self.assertNotIn("empty", names)
        self.assertIn("lockbench: note: left out, since baselines exclude no thread: empty", result.stderr)
        self.assertEqual("", self.stress("futex").stderr)

    def test_help_and_bad_input(self) -> None:
        self.assertIn("--phases", self.run_program("stress", "--help").stdout)
        for arguments, names in ((["--locks", "tickt"], "did you mean ticket?"), (["--locks"], "--locks"),
                                 (["--lock", "mcs"], "did you mean --locks?"), (["--locks", "empty"], "baseline"),
                                 (["--duration", "0"], "'0'"), (["--duration"], "--duration"),
                                 (["--duration", "nan"], "'nan'"),
                                 (["--seconds", "1"], "--locks, --duration, --phases, --help")):
            with self.subTest(arguments=arguments):
                result = self.run_program("stress", *arguments)
                self.assertEqual((2, ""), (result.returncode, result.stdout))
                self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
                self.assertIn(names, result.stderr)

    def test_signals_end_it_and_leave_nothing_behind(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                process = self.start("stress", "--locks", "futex", "--duration", "3600")
                lockbench.wait_until(lambda: len(lockbench.members_of_session(process.pid)) == 2, "the stress")
                os.killpg(process.pid, number)  # as a terminal does: each process in front of it gets it
                _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
                self.assertEqual(-number, process.returncode, errors)
                lockbench.wait_until(lambda: not lockbench.members_of_session(process.pid), "the end of its process")
                self.assertEqual(number != signal.SIGKILL, "interrupted" in errors)

    def test_a_long_one_shows_how_far_it_is(self) -> None:
        process = self.start("stress", "--locks", "futex,pthread_mutex", "--duration", "2")
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(0, process.returncode, errors)
        self.assertIn("[1/2, 4 s left] stress futex", errors)
        self.assertNotIn("left]", self.stress("futex").stderr)


if __name__ == "__main__":
    lockbench.main()
