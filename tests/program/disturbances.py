# SPDX-License-Identifier: MIT
"""What the machine and the surroundings do to a run is told as that, held against no lock, and measured again."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path
from typing import Any

import lockbench

# On one CPU no transfer of a line is measured before the trial, with threads of its own.
RUN = ["run", "--no-twin", "--locks", "ticket", "--threads", "1", "--repetitions", "1", "--placement",
       f"list:{min(os.sched_getaffinity(0))}"]
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Case(lockbench.Case):
    def start_trial(self, *options: str, **given: Any) -> tuple[subprocess.Popen[str], int]:
        """A run and its first trial's process, which is in its window by then and goes on for --duration."""
        run = self.start(*RUN, *options, "--out", str(self.out), **given)
        lockbench.wait_until(lambda: (self.out / "host.json").exists(), "the baselines")
        lockbench.wait_until(lambda: self.cpu_s(self.trial(run)) >= 0.1, "the trial's first 100 ms")
        return run, self.trial(run)

    @staticmethod
    def cpu_s(process: int) -> float:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0
        return (int(fields[11]) + int(fields[12])) * TICK_S

    @staticmethod
    def trial(run: subprocess.Popen[str]) -> int:
        others = [process for process in lockbench.members_of_session(run.pid) if process != run.pid]
        return others[0] if others else 0

    def threads(self, run: subprocess.Popen[str]) -> list[str]:
        try:
            return os.listdir(f"/proc/{self.trial(run)}/task")
        except FileNotFoundError:
            return []

    def end(self, run: subprocess.Popen[str]) -> tuple[int, str]:
        _, errors = run.communicate(timeout=lockbench.DEADLINE_S)
        return run.returncode, errors

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.rows()]


class Stops(Case):
    def stop_and_go_on(self, processes: list[int], seconds: float) -> None:
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        time.sleep(seconds)  # this is the stop, not a wait for something
        for process in processes:
            os.kill(process, signal.SIGCONT)

    def check_noisy_then_good(self, code: int, errors: str) -> None:
        self.assertEqual(0, code, errors)
        first = self.rows()[0]
        self.assertEqual("noisy", first["status"])
        self.assertRegex(first["why"], r"everything stood still for [\d.]+ s of a window of 2 s")
        self.assertEqual({first["order_index"]}, {row["order_index"] for row in self.rows()})
        self.assertGreater(len(self.rows()), 1)

    def test_a_stop_of_all_within_the_window_is_noisy(self) -> None:
        run, trial = self.start_trial("--duration", "2")
        self.stop_and_go_on([run.pid, trial], 0.5)
        self.check_noisy_then_good(*self.end(run))

    def test_a_stop_longer_than_the_time_limit_is_no_timeout(self) -> None:
        for who in ("all", "trial"):
            with self.subTest(stopped=who):
                self.out = self.folder / who
                run, trial = self.start_trial("--duration", "2", "--timeout", "0.5")
                self.stop_and_go_on([run.pid, trial] if who == "all" else [trial], 4)
                self.check_noisy_then_good(*self.end(run))

    def test_a_hang_is_a_timeout_all_the_same(self) -> None:
        """After a stop, the limit is the trial's own time."""
        locks = ["--locks", "test_hangs", "--threads", "2", "--duration", "0.05", "--timeout", "1"]
        run, trial = self.start_trial(*locks)
        self.stop_and_go_on([run.pid, trial], 1.5)
        code, errors = self.end(run)
        self.assertEqual((1, ["timeout"]), (code, self.statuses()), errors)


class Surroundings(Case):
    def check_disturbed(self, code: int, errors: str, why: str) -> None:
        """No row accuses the lock; the run has failed, and says how to finish it."""
        self.assertEqual(1, code, errors)
        self.assertEqual(["disturbed"] * 3, self.statuses(), errors)  # the trial, and twice again
        for row in self.rows():
            self.assertRegex(row["why"], why)
        self.assertIn(f"could not be made here; to try again: lockbench run --resume {self.out}", errors)

    def check_resumed(self) -> None:
        result = self.resume()
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn(self.statuses()[-1], ("ok", "noisy"))

    @unittest.skipIf(os.environ.get("LOCKBENCH_SANITIZED"), "a sanitizer has memory of its own")
    def test_no_memory_for_threads(self) -> None:
        limit = 192 * 1024 * 1024  # of the address space: too little for the stacks of 1024 threads
        result = self.run_program(*RUN, "--threads", "1024", "--out", str(self.out),
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        self.check_disturbed(result.returncode, result.stderr, "cannot start thread|no memory for the trial")

    def test_no_further_processes(self) -> None:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
            if os.geteuid() == 0:  # for whom the limit does not hold
                os.setgroups([])
                os.setuid(65534)
        self.folder.chmod(0o777)
        result = self.run_program(*RUN, "--threads", "64", "--out", str(self.out), preexec_fn=limit)
        self.check_disturbed(result.returncode, result.stderr, "cannot start")

    def test_a_trial_that_is_killed_is_not_the_locks_crash(self) -> None:
        run, trial = self.start_trial("--duration", "1")
        os.kill(trial, signal.SIGKILL)
        code, errors = self.end(run)
        self.assertEqual(0, code, errors)
        self.assertEqual("disturbed", self.statuses()[0])
        self.assertIn("signal 9", self.rows()[0]["why"])
        self.assertNotEqual("disturbed", self.statuses()[-1])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "needs a second CPU to be moved to")
    def test_a_cpu_that_is_taken_away(self) -> None:
        """Whether threads are pinned or not: what a cpuset does to them, sched_setaffinity does as well."""
        first, second = sorted(os.sched_getaffinity(0))[:2]
        for placement in (f"list:{first}", "none"):
            with self.subTest(placement=placement):
                self.out = self.folder / placement
                run, _ = self.start_trial("--duration", "1", "--placement", placement)
                for thread in self.threads(run):
                    os.sched_setaffinity(int(thread), {second})
                code, errors = self.end(run)
                self.assertEqual(0, code, errors)
                self.assertEqual("disturbed", self.statuses()[0])
                self.assertIn("took a CPU away", self.rows()[0]["why"])
                self.assertNotEqual("disturbed", self.statuses()[-1])

    def test_what_was_disturbed_is_resumed(self) -> None:
        """In a cpuset of its own, which shrinks and grows again."""
        cpus = sorted(os.sched_getaffinity(0))
        group = Path(f"/sys/fs/cgroup/cpuset/lockbench-test-{os.getpid()}")
        if len(cpus) < 2:
            self.skipTest("needs a second CPU to be left with")
        try:
            group.mkdir()
        except OSError as error:
            self.skipTest(f"no cpuset can be made here: {error}")
        self.addCleanup(group.rmdir)
        (group / "cpuset.mems").write_text((group.parent / "cpuset.mems").read_text())
        (group / "cpuset.cpus").write_text(f"{cpus[0]},{cpus[1]}")

        def enter() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        run, _ = self.start_trial("--threads", "2", "--placement", f"list:{cpus[0]},{cpus[1]}", "--duration", "1",
                                  preexec_fn=enter)
        (group / "cpuset.cpus").write_text(str(cpus[0]))
        code, errors = self.end(run)
        self.assertEqual((1, ["disturbed"] * 3), (code, self.statuses()), errors)
        self.assertIn("took a CPU away", self.rows()[0]["why"])
        self.assertIn("cannot set up a thread", self.rows()[1]["why"])
        self.check_resumed()


class Quota(Case):
    def test_a_quota_is_warned_of_and_told(self) -> None:
        """Of a group of the first version, in which the run is; tests/unit/cpu_quota.c has the second."""
        group = Path(f"/sys/fs/cgroup/cpu/lockbench-test-{os.getpid()}")
        try:
            group.mkdir()
            self.addCleanup(group.rmdir)
            (group / "cpu.cfs_quota_us").write_text("30000")
        except OSError as error:
            self.skipTest(f"no CPU quota can be set here: {error}")

        def enter() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))
        result = self.run_program(*RUN, "--duration", "0.5", "--out", str(self.out), preexec_fn=enter)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn(f"warning: the control group {group} may use 0.3 CPUs", result.stderr)
        self.assertEqual("30000 100000", json.loads((self.out / "host.json").read_text())["cgroup_cpu_max"])
        first, *others = self.rows()
        self.assertEqual("noisy", first["status"])
        self.assertGreater(float(first["throttled_pct"]), 10)
        self.assertEqual(2, len(others))
        if others[-1]["status"] == "ok":  # else the machine was in the way in other ways too
            self.assertGreater(float(others[-1]["throttled_pct"]), 10)

    def test_without_a_quota_nothing_is_told(self) -> None:
        result = self.run_program(*RUN, "--out", str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        quota = json.loads((self.out / "host.json").read_text())["cgroup_cpu_max"]
        self.assertEqual({quota is None}, {row["throttled_pct"] == "" for row in self.rows()})


class RealTime(Case):
    def run_at(self, policy: str, priority: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """With a watchdog above it, that nobody has to live with a run that does not end."""
        if subprocess.run(["chrt", "-f", "50", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("real-time scheduling is not permitted here")
        return subprocess.run(["chrt", "-f", "50", "timeout", "-s", "KILL", "40", "chrt", policy, str(priority),
                               lockbench.PROGRAM, *arguments], cwd=self.folder, text=True, capture_output=True,
                              check=False)

    def setUp(self) -> None:
        super().setUp()
        if shutil.which("chrt") is None:
            self.skipTest("chrt (util-linux) is not installed")

    def test_without_a_priority_below_it_is_refused(self) -> None:
        for policy, name in (("-f", "SCHED_FIFO 1"), ("-r", "SCHED_RR 1")):
            for command in ("run", "seed", "stress"):
                with self.subTest(policy=policy, command=command):
                    result = self.run_at(policy, 1, command)
                    self.assertEqual((2, ""), (result.returncode, result.stdout), result.stderr)
                    self.assertEqual(1, result.stderr.count("\n"))
                    self.assertIn(f"lockbench: {command}: scheduled as {name}", result.stderr)
                    self.assertEqual([], list(self.folder.iterdir()))

    def test_it_ends_with_more_threads_than_cpus(self) -> None:
        for policy, name in (("-f", "SCHED_FIFO 2"), ("-r", "SCHED_RR 2")):
            with self.subTest(policy=policy):
                self.out = self.folder / name
                result = self.run_at(policy, 2, *RUN, "--locks", "ticket,futex", "--threads", "1,3", "--out",
                                     str(self.out))
                self.assertEqual(0, result.returncode, result.stderr)
                self.assertIn(f"warning: real-time scheduling ({name})", result.stderr)
                self.assertLessEqual(set(self.statuses()), {"ok", "noisy"})

    def test_the_time_limit_holds(self) -> None:
        cpus = ",".join(map(str, os.sched_getaffinity(0)))
        result = self.run_at("-f", 2, *RUN, "--locks", "test_hangs", "--threads", str(len(os.sched_getaffinity(0)) + 1),
                             "--placement", f"list:{cpus}", "--timeout", "0.5", "--out", str(self.out))
        self.assertEqual((1, ["timeout"]), (result.returncode, self.statuses()), result.stderr)


class Threads(Case):
    def test_threads_that_never_ran_are_told(self) -> None:
        """FIFO spinners, hundreds to a CPU: until the last has begun, each slice of the others has to end."""
        result = self.run_program(*RUN, "--threads", "400", "--warmup", "0", "--duration", "0.005", "--timeout", "50",
                                  "--placement", f"list:{min(os.sched_getaffinity(0))}", "--out", str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        for row in self.rows():
            self.assertEqual("noisy", row["status"])
            self.assertRegex(row["why"], r"\d+ of 400 threads got no CPU before the window was over")
        self.assertEqual(3, len(self.rows()))
        self.assertIn("1 of 1 trials stayed noisy, and do not count", result.stderr)

    def test_the_window_opens_when_all_are_at_work(self) -> None:
        result = self.run_program(*RUN, "--locks", "futex,ttas", "--threads", "8", "--warmup", "0.001", "--out",
                                  str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        for row in self.rows():
            if row["status"] == "ok":
                self.assertEqual("100", row["overlap_pct"])


if __name__ == "__main__":
    lockbench.main()
