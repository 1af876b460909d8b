# SPDX-License-Identifier: MIT
"""The summary: order, grouping, what it warns of, and that it fits a terminal."""

from __future__ import annotations

import re
import unittest
import warnings
from pathlib import Path

import support
from results import reading
from report import summary


class Summary(support.FolderTest):
    def lines(self, rows: list[support.Row], host: dict[str, object] | None = None) -> list[str]:
        return list(summary.summary(reading.load(support.write(self.folder, rows, host))))

    def text(self, rows: list[support.Row]) -> str:
        """On one line, so that wrapping does not matter."""
        return " ".join(" ".join(self.lines(rows)).split())

    @staticmethod
    def table(lines: list[str], title: str) -> list[list[str]]:
        """The marks and locks of the table under `title`."""
        start = next(i for i, line in enumerate(lines) if line.startswith(title)) + 2
        end = next(i for i in range(start, len(lines)) if not lines[i] or lines[i].startswith("---"))
        return [line.split()[:2] for line in lines[start:end] if re.match(r" *(\d+|ref|[=?-]) +[a-z]", line)]

    def test_baselines_first_then_locks_by_throughput(self) -> None:
        lines = self.lines(support.matrix())
        self.assertEqual(self.table(lines, "1 thread"), [
            ["ref", "empty"], ["ref", "counter"], ["1", "futex"], ["2", "ticket"], ["=", "mcs"],
            ["4", "pthread_mutex"]])
        self.assertEqual([lock for _, lock in self.table(lines, "2 threads")][2:],
                         ["futex", "pthread_mutex", "mcs", "ticket"])

    def test_values_and_interval(self) -> None:
        rows = [{**row, "ops_per_s": 1e6 * (100 + i), "cpu_ns_per_op": 12.5, "jain": 0.75, "min_share": 0.125,
                 "owner_changes": 2000, "duration_s": 0.1, "longest_run": 70 + i, "line_ns": 40 + 2 * i}
                for i, row in enumerate(support.matrix(locks=["mcs"], threads=(2,), repetitions=7))]
        line = next(line for line in self.lines(rows) if " mcs " in line)
        self.assertEqual(line.split(), ["1", "mcs", "103M", "-2.2", "+2.2%", "0.75", "12.5", "20k", "76", "12ns",
                                        "46", "(40-52)", "7"])

    def test_waits_come_from_trials_of_their_own(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(2,), repetitions=7, latency=True)
        for row in rows:
            if row["wait_max_ns"] != "":
                row.update(wait_p99_ns=1500, wait_max_ns=3e6 if row["repetition"] == 4 else 2e6)
        line = next(line for line in self.lines(rows) if " mcs " in line)
        self.assertRegex(line, r" 1\.5us +3ms ")
        self.assertTrue(line.endswith(" 7"))
        self.assertNotIn("p99", self.text(support.matrix(repetitions=1)))

    def test_oversubscription_and_why_fifo_spin_locks_collapse(self) -> None:
        lines = self.lines(support.matrix())
        text = " ".join(" ".join(lines).split())
        self.assertIn("4 threads on 2 CPUs: the scheduler is measured along with the lock", lines)
        self.assertIn("2 threads", lines)
        self.assertEqual(text.count("FIFO spin locks collapse here"), 1)
        self.assertIn("collapse here (mcs, ticket)", text)
        self.assertNotIn("FIFO spin locks", self.text(support.matrix(threads=(1, 2))))
        self.assertNotIn("FIFO spin locks", self.text(support.matrix(locks=["futex", "pthread_mutex"])))
        self.assertNotIn("FIFO spin locks", self.text([{**row, "ops_per_s": 1e6} for row in support.matrix()]))

    def test_failed_and_noisy_trials_are_shown(self) -> None:
        rows = support.matrix(locks=["mcs", "futex", "ticket"], threads=(4,), repetitions=7)
        for row in rows:
            if row["lock"] == "mcs" or row["lock"] == "futex" and row["repetition"] < 2:
                row.update(status="timeout", ops_per_s="")
        rows += [{**rows[0], "lock": "futex", "status": "noisy"}, {**rows[0], "lock": "ticket", "status": "broken"}]
        lines = self.lines(rows)
        self.assertEqual([lock for _, lock in self.table(lines, "4 threads")], ["futex", "ticket", "mcs"])
        for lock, mark, n, remark in (("futex", "1", "6", "1 timeout, 1 noisy"), ("ticket", "2", "7", "1 broken"),
                                      ("mcs", "-", "0", "7 timeout")):
            at = next(i for i, line in enumerate(lines) if f" {lock} " in line and line[:3].strip() == mark)
            self.assertEqual(lines[at].split()[-1], n)
            self.assertEqual(lines[at + 1].replace(";", ",").strip(), "! " + remark)
        text = " ".join(lines)
        self.assertIn("23 trials: 13 ok, 8 timeout, 1 broken, 1 noisy", text)
        self.assertRegex(text, r"failed trials \(.*\): .*mcs")

    def test_precision(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], threads=(1, 2), repetitions=7)
        for row in rows:
            if (row["lock"], row["threads"]) == ("mcs", 2):
                row["ops_per_s"] *= 1 + 0.1 * row["repetition"]
        self.assertIn("Precision: the median is known to within 5 % in 3 of 4 cells", self.lines(rows))

    def test_starvation_is_shown(self) -> None:
        rows = support.matrix(locks=["futex"], threads=(2,), repetitions=7)
        rows[3]["min_share"] = 0
        self.assertIn("in 1 of 7 trials a thread got nothing", self.text(rows))

    def test_two_modes_are_flagged_with_their_line_transfer(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(2,), repetitions=9)
        for row in rows:
            slow = row["repetition"] <= 4
            row.update(ops_per_s=row["ops_per_s"] / (3 if slow else 1), line_ns=220 if slow else 44)
        text = self.text(rows)
        self.assertRegex(text, r"two modes: 1\.\d+M/s in 4 trials \(line 220ns\), 5\.\d+M/s in 5 trials \(line 44ns\)")
        self.assertIn("1 cell fell into two groups", text)
        self.assertNotIn("two modes", self.text(support.matrix()))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertRegex(self.text([row | {"line_ns": ""} for row in rows]), r"two modes: 1\.\d+M/s in 4 trials, 5")

    def test_cautions(self) -> None:
        calm = support.matrix(repetitions=9)
        self.assertIn("- no host.json is beside the CSV", self.text(calm))
        for word in ("drift:", "steal:", "few trials:", "failed trials", "more than one machine", "Read with care"):
            self.assertNotIn(word, "\n".join(self.lines(calm, {"host": "testhost"})))
        self.assertIn("few trials: 18 of 18 cells", self.text(support.matrix(repetitions=5)))
        drifting = [{**row, "ops_per_s": row["ops_per_s"] * (1 if row["order_index"] < 81 else 0.8)} for row in calm]
        self.assertRegex(self.text(drifting), r"drift: .* -(19|20)\.\d % operations")
        self.assertIn("steal: the hypervisor took more than 2 % of the CPU time in 1 of 162 counted trials",
                      self.text([{**calm[0], "steal_pct": 9.5}, *calm[1:]]))
        self.assertIn("quota: a limit of a control group kept 1 of 1 counted trial from CPU time (median 40.0 %",
                      self.text([{**calm[0], "throttled_pct": 40}, *calm[1:]]))
        self.assertIn("more than one machine", self.text([{**calm[0], "topology_hash": "other"}, *calm[1:]]))
        self.assertIn("- the frequency governor is unknown", self.lines(calm, support.HOST))

    def test_fixed_roles_and_the_writers_part(self) -> None:
        rows = support.matrix(locks=["futex"], threads=(3,), repetitions=7, readers=2, writers=1, read_pct="",
                              writes_per_s=250e3)
        lines = self.lines(rows)
        title = "3 threads (2 readers + 1 writer) on 2 CPUs: the scheduler is measured along with the lock"
        self.assertIn(title, lines)
        self.assertIn("250k", next(line for line in lines if " futex " in line).split())
        self.assertNotIn("writes", self.text(support.matrix(repetitions=1)))

    def test_fits_a_terminal(self) -> None:
        wide = {"waits": "spin", "lock": "std_shared_mutex", "writes_per_s": 123456}
        rows = support.matrix(latency=True) + support.matrix(threads=(110,), latency=True, read_pct=99.9)
        rows += [{**row, **wide} for row in support.matrix(locks=["ticket"], read_pct=90, latency=True)]
        rows += support.matrix(locks=["mcs"], repetitions=3, think="sleep", think_ns=1e6, cs_ns=1500, cs_lines=64,
                               keys=1e6, placement="list:0-255,512")
        for line in self.lines(support.numbered(rows), support.HOST):
            self.assertLessEqual(len(line), 100, line)
            self.assertTrue(line.isascii(), line)


class Program(support.FolderTest):
    def test_prints_the_summary(self) -> None:
        done = support.script("summary", support.write(self.folder, support.matrix(repetitions=1)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pthread_mutex", done.stdout)

    def test_bad_input_is_one_line_and_exit_code_2(self) -> None:
        (self.folder / "results.csv").write_text("a,b\n1,2\n")
        cases: list[list[str | Path]] = [[self.folder], [self.folder / "missing"], [], ["a", "b"], ["--frobnicate"]]
        for arguments in cases:
            with self.subTest(arguments=arguments):
                done = support.call("summary", *arguments)
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)


if __name__ == "__main__":
    unittest.main()
