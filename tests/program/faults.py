# SPDX-License-Identifier: MIT
"""A lock that hangs, crashes or does not exclude costs its own rows and the exit code, and nothing else."""

from __future__ import annotations

import os
import subprocess
import unittest
from collections import Counter

import lockbench

RUN = ["--threads", "2", "--duration", "0.1", "--warmup", "0", "--timeout", "0.3", "--seed", "1", "--no-twin"]
NOT_MEASURED = ["reads", "writes", "ops", "ops_per_s", "jain", "owner_changes", "longest_run", "cpu_s", "duration_s"]


class Faults(lockbench.Case):
    def measure(self, locks: str, *more: str) -> subprocess.CompletedProcess[str]:
        return self.run_to_the_end(*RUN, "--locks", locks, *more)

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "on one CPU a lock that does not exclude may not show")
    def test_each_fault_is_a_row_and_the_suite_goes_on(self) -> None:
        result = self.measure("test_hangs,ticket,test_crashes,test_broken,futex", "--repetitions", "2")
        self.assertEqual(1, result.returncode, result.stderr)
        found = Counter((row["lock"], row["status"]) for row in self.kept_rows())
        self.assertEqual({("test_hangs", "timeout"): 2, ("test_crashes", "crashed"): 2, ("test_broken", "broken"): 2,
                          ("ticket", "ok"): 2, ("futex", "ok"): 2}, found)
        for fault in ("timeout: did not end", "crashed: died of signal", "broken: the lock did not exclude"):
            self.assertEqual(2, result.stderr.count(fault), result.stderr)

    def test_what_a_dead_trial_could_not_measure_is_empty(self) -> None:
        self.measure("test_hangs,test_crashes", "--repetitions", "1")
        rows = self.kept_rows()
        self.assertEqual(2, len(rows))
        for row in rows:
            for column in NOT_MEASURED:
                self.assertEqual("", row[column], column)
            self.assertEqual("2", row["threads"])

    def test_without_a_fault_the_exit_code_is_0(self) -> None:
        self.assertEqual(0, self.measure("ticket", "--repetitions", "1").returncode)

    def test_a_fault_stops_neither_waits_nor_tries_to_be_timed(self) -> None:
        result = self.measure("test_crashes,ticket", "--repetitions", "1", "--latency")
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertEqual({"crashed": 2, "ok": 2}, Counter(row["status"] for row in self.kept_rows()))

    def test_the_seed_workload_tells_of_a_fault(self) -> None:
        result = self.run_program("seed", "--locks", "test_crashes", "--duration", "10")
        self.assertEqual(1, result.returncode)
        self.assertIn("crashed", result.stderr)


class Memory(lockbench.Case):
    @unittest.skipIf(os.environ.get("LOCKBENCH_SANITIZED"), "a sanitizer has memory of its own")
    def test_256_threads_fit_64_mib_stacks_included(self) -> None:
        """The largest of lockbench and its trials, as the kernel has counted it (wait4 looks at both)."""
        command = [lockbench.PROGRAM, "run", "--locks", "futex", "--threads", "256", "--duration", "0.02", "--latency",
                   "--repetitions", "1", "--no-twin", "--out", str(self.out)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(0, process.returncode, process.stderr.read() if process.stderr else "")
        print(f"peak resident memory of 256 threads: {usage.ru_maxrss / 1024:.1f} MiB", flush=True)
        self.assertLess(usage.ru_maxrss, 64 * 1024)


if __name__ == "__main__":
    lockbench.main()
