# SPDX-License-Identifier: MIT
"""However a run ends, its rows are whole, nothing of it goes on, and --resume measures what is left, once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess

import lockbench

TRIALS = 48
RUN = ["run", "--locks", "ticket,futex,mcs,pthread_mutex", "--threads", "1,2", "--duration", "0.015", "--warmup", "0",
       "--repetitions", "6", "--no-twin"]


class Interruptions(lockbench.Case):
    def end_by(self, number: int, process: subprocess.Popen[str], n_rows: int) -> str:
        """Sends the signal once there are n_rows rows; returns what the run had to say."""
        lockbench.wait_until(lambda: self.count_rows() >= n_rows or process.poll() is not None, f"{n_rows} rows")
        self.assertIsNone(process.poll(), "it ended before it could be interrupted")
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does: each process in front of it gets it
        else:
            process.send_signal(number)
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(-number, process.returncode, errors)
        lockbench.wait_until(lambda: not lockbench.members_of_session(process.pid), "the trial's end")
        return errors

    def start_new(self) -> subprocess.Popen[str]:
        return self.start(*RUN, "--out", str(self.out))

    def check_full(self, limit: int, *command: str) -> None:
        result = self.run_program(
            *command, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))
        self.assertEqual(1, result.returncode, f"exit code {result.returncode}: {result.stderr}")
        self.assertIn("all earlier rows are safe", result.stderr)

    def check_complete(self) -> None:
        """Every trial once, noisy ones aside, all of one run."""
        rows = self.rows()
        done = [int(row["order_index"]) for row in self.kept_rows()]
        self.assertEqual(list(range(TRIALS)), sorted(done))
        self.assertEqual(1, len({row["run_id"] for row in rows}))
        self.assertEqual(1, len({row["seed"] for row in rows}))
        cells = {(row["lock"], row["threads"], row["repetition"]) for row in rows}
        self.assertEqual(TRIALS, len(cells))

    def test_ctrl_c_leaves_whole_rows_and_a_hint(self) -> None:
        errors = self.end_by(signal.SIGINT, self.start_new(), 5)
        self.assertIn(f"--resume {self.out}", errors)
        self.assertLess(len(self.rows()), TRIALS)
        result = self.resume()
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_complete()

    def test_however_often_it_is_killed_no_trial_is_made_twice(self) -> None:
        process = self.start_new()
        for number, n_rows in ((signal.SIGKILL, 3), (signal.SIGTERM, 9), (signal.SIGINT, 15), (signal.SIGKILL, 21),
                               (signal.SIGHUP, 27), (signal.SIGKILL, 33)):
            self.end_by(number, process, n_rows)
            self.assertGreaterEqual(len(self.rows()), n_rows)
            process = self.start("run", "--resume", str(self.out))
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(0, process.returncode, errors)
        self.check_complete()

    def test_a_hanging_trial_dies_with_its_run(self) -> None:
        for number in (signal.SIGKILL, signal.SIGINT):
            with self.subTest(signal=number):
                self.out = self.folder / f"out-{int(number)}"
                process = self.start("run", "--no-twin", "--locks", "test_hangs", "--threads", "2", "--duration",
                                     "0.01", "--timeout", "3600", "--out", str(self.out))
                # The baselines, which have a process of their own too, are measured before host.json is written.
                lockbench.wait_until(lambda: (self.out / "host.json").exists(), "the baselines")
                lockbench.wait_until(lambda: len(lockbench.members_of_session(process.pid)) == 2, "the trial")
                self.end_by(number, process, 0)
                self.assertEqual([], self.rows())

    def test_two_at_once_do_not_mix_their_rows(self) -> None:
        """Neither beside a new run nor beside one that goes on; and one that was killed is in no run's way."""
        process = self.start_new()
        for _ in range(2):
            n_rows = self.count_rows()
            lockbench.wait_until(lambda: self.count_rows() > n_rows, "the next row")
            process.send_signal(signal.SIGSTOP)  # so that whatever changes is the second one's doing
            before = {path: path.read_bytes() for path in self.out.iterdir()}
            second = self.resume()
            self.assertEqual((2, ""), (second.returncode, second.stdout))
            self.assertEqual([f"lockbench: '{self.out}/results.csv' is being written by another lockbench, which must "
                              "end first"], second.stderr.splitlines())
            self.assertEqual(before, {path: path.read_bytes() for path in self.out.iterdir()})
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=lockbench.DEADLINE_S)
            lockbench.wait_until(lambda: not lockbench.members_of_session(process.pid), "the trial's end")
            process = self.start("run", "--resume", str(self.out))
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(0, process.returncode, errors)
        self.check_complete()

    def test_a_finished_run_has_nothing_to_resume(self) -> None:
        self.assertEqual(0, self.run_program(*RUN, "--out", str(self.out)).returncode)
        before = (self.out / "results.csv").read_bytes()
        self.assertEqual(0, self.resume().returncode)
        self.assertEqual(before, (self.out / "results.csv").read_bytes())
        self.check_complete()

    def test_an_unfinished_row_is_measured_again(self) -> None:
        self.assertEqual(0, self.run_program(*RUN, "--out", str(self.out)).returncode)
        path = self.out / "results.csv"
        for cut in (1, 30, 5000):
            with self.subTest(cut=cut):
                os.truncate(path, path.stat().st_size - cut)
                result = self.resume()
                self.assertEqual(0, result.returncode, result.stderr)
                self.check_complete()

    def test_a_run_without_rows_is_begun(self) -> None:
        self.assertEqual(0, self.run_program(*RUN, "--out", str(self.out)).returncode)
        os.truncate(self.out / "results.csv", 10)
        self.assertEqual(0, self.resume().returncode)
        self.check_complete()

    def test_a_run_of_another_schema_is_left_alone(self) -> None:
        self.assertEqual(0, self.run_program(*RUN, "--out", str(self.out)).returncode)
        path = self.out / "results.csv"
        lines = path.read_text().splitlines()[:9]
        path.write_text("".join(line.rpartition(",")[0] + "\n" for line in lines))  # older schemas had fewer columns
        before = path.read_bytes()
        result = self.resume()
        self.assertEqual(2, result.returncode, result.stderr)
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        self.assertIn("other columns than this lockbench writes (schema 4)", result.stderr)
        self.assertEqual(before, path.read_bytes())

    def test_a_full_disk_is_reported_and_loses_no_row(self) -> None:
        """A limit on the size of files stands in for the disk; host.json must fit, so it is measured first."""
        self.run_program(*RUN, "--out", str(self.folder / "first"))
        limit = (self.folder / "first" / "host.json").stat().st_size + 4096
        n_fit = limit // 250  # a row is longer than that
        self.check_full(limit, *RUN, "--repetitions", str(n_fit // 8 + 1), "--out", str(self.out))
        n_rows = len(self.rows())
        self.assertGreater(n_rows, 5)
        n_bytes = (self.out / "results.csv").stat().st_size
        self.check_full(n_bytes, "run", "--resume", str(self.out))  # now there is not even room for a part of a row
        self.assertEqual(n_rows, len(self.rows()))
        result = self.resume()
        self.assertEqual(0, result.returncode, result.stderr)
        rows = self.kept_rows()
        self.assertGreater(len(rows), n_rows)
        self.assertEqual(list(range(len(rows))), sorted(int(row["order_index"]) for row in rows))


if __name__ == "__main__":
    lockbench.main()
