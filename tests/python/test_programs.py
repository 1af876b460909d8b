# SPDX-License-Identifier: MIT
"""Campaigns of real programs: what they and exec print is read, and a campaign is judged by the rules of compare."""

from __future__ import annotations

import csv
import unittest
from typing import Any

import numpy as np

import support
from compare import tables
from programs import catalogue, judging, runs
from programs.command import cells
from programs.runs import COLUMNS, REFERENCES, Lock
from report.programs import programs_section
from results.reading import ResultsError

PRINTED = {
    "rocksdb-get": ("DB path: [/x]\nreadrandom   :      12.175 micros/op 163744 ops/sec 2.009 seconds 328998 "
                    "operations;   18.1 MB/s (161999 of 161999 found)\n", 163744),
    "rocksdb-cache": ("Complete in 2.083 s; Rough parallel ops/sec = 192035\nThread ops/sec = 96888\n", 192035),
    "leveldb-get": ("1234 operations/s\n", 1234),
    "leveldb-put": ("1234 operations/s\n", 1234),
    "sysbench-threads": ("General statistics:\n    total time:                          2.0000s\n"
                         "    total number of events:              209792\n", 104896),
    "sysbench-mutex": ("    total time:                          0.2000s\n    total number of events:              2\n",
                       80_000_000),
    "kyoto-cache": ("memory: 12840960\ntime: 0.500\nok\n", 800_000),
    "python-queue": ("231.5 items/s\n", 231.5),
    "zstd": ("", catalogue.TEXT_BYTES / 4),
    "pigz": ("", catalogue.TEXT_BYTES / 4),
}
EXEC = """\
some words of the program, lockbench exec: nothing
lockbench exec: futex_spin: 934211 acquisitions of mutexes, 21.30 % found it held; 1 trylock, 5 locks with a deadline, \
12 waits for conditions; at most 9 threads in a process, 3 processes
lockbench exec: stayed with the system: 21 acquisitions of mutexes that are robust, inherit priority or are shared
"""
HOST = {"host": "testhost", "n_cpus_allowed": 2}


class Reading(unittest.TestCase):
    def test_what_each_program_prints(self) -> None:
        self.assertEqual(set(PRINTED), {program.name for program in catalogue.PROGRAMS})
        for program in catalogue.PROGRAMS:
            with self.subTest(program.name):
                printed, wanted = PRINTED[program.name]
                found = program.operations_per_s(printed, 2, 4.0)
                assert found is not None
                self.assertAlmostEqual(wanted, found)
                if printed:
                    self.assertIsNone(program.operations_per_s("Segmentation fault\n", 2, 4.0))

    def test_what_exec_prints(self) -> None:
        self.assertEqual({"acquisitions": "934211", "contended_pct": "21.30", "trylocks": "1", "timed_locks": "5",
                          "cond_waits": "12", "kept_by_system": "21", "most_threads": "9", "processes": "3"},
                         runs.read_counts(EXEC))
        self.assertEqual({}, runs.read_counts("Segmentation fault\n"))


class Matrix(unittest.TestCase):
    def names(self, program: str, threads: int, is_chosen: bool = False) -> list[str]:
        locks = [Lock("park", "mutex", "no", "park"), Lock("fifo_park", "mutex", "yes", "hybrid"),
                 Lock("fifo_spin", "mutex", "yes", "spin"), Lock("bounded_spin", "mutex", "bounded", "spin"),
                 Lock("spin", "mutex", "no", "spin"), Lock("rw", "rw", "no", "park")]
        [chosen] = [one for one in catalogue.PROGRAMS if one.name == program]
        return [cell.lock.name for cell in cells([chosen], locks, [threads], is_chosen)][len(REFERENCES):]

    def test_locks_that_would_collapse_are_left_out(self) -> None:
        self.assertEqual(["park", "fifo_park", "spin"], self.names("pigz", 1000))
        self.assertEqual(["park", "fifo_park", "fifo_spin", "bounded_spin", "spin"], self.names("pigz", 1))
        self.assertEqual(5, len(self.names("pigz", 1000, is_chosen=True)))

    def test_readers_writer_locks_are_for_programs_that_have_them(self) -> None:
        self.assertEqual(["rw"], self.names("kyoto-cache", 1))


class Judging(support.FolderTest):
    def judge(self, speeds: dict[tuple[str, str], float], n: int = 9, failed: tuple[str, str] | None = None,
              noise: float = 0.01) -> str:
        """The table of a campaign with these relative speeds by program and lock; others are 1."""
        rng = np.random.default_rng(1)
        rows: list[dict[str, Any]] = []
        for repetition in range(1, n + 1):
            for program in ("rocksdb-get", "pigz"):
                for lock in ("system", "none", "twin", "futex", "mcs"):
                    speed = 1e5 * speeds.get((program, lock), 1.0) * rng.lognormal(0, noise)
                    row: dict[str, Any] = dict.fromkeys(COLUMNS, "")
                    row.update(run_id="r", started_at="2026-01-02T03:04:05Z", status="ok", program=program, lock=lock,
                               kind="mutex", waits={"futex": "park", "mcs": "spin"}.get(lock, ""), threads=2, cpus=2,
                               repetition=repetition, order_index=len(rows),
                               ops_per_s=speed, operation="read", duration_s=1.0, cpu_s=2.0, foreign_cpu_s=0.0,
                               exit_code=0, host="testhost", git_sha="1234567")
                    if (program, lock) == failed:
                        row.update(status="failed", ops_per_s="", exit_code=1, why="exit code 1: no space")
                    rows.append(row)
        path = self.folder / "programs.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return "\n".join(tables.table(judging.judge(path, HOST, "none", catalogue.PROGRAMS)))

    def test_panels_are_drawn_and_become_a_section_of_the_report(self) -> None:
        self.judge({("rocksdb-get", "futex"): 1.5, ("pigz", "futex"): 0.5}, failed=("rocksdb-get", "mcs"))
        path = self.folder / judging.NAME
        programs = judging.programs_of(path)
        shown = list(judging.panels(judging.judge(path, HOST, "system", programs), programs))
        self.assertEqual([("rocksdb-get", 2), ("pigz", 2)], [(panel.program.name, panel.threads) for panel in shown])
        self.assertEqual(["futex", "none", "mcs"], [line.lock for line in shown[0].lines])
        self.assertEqual(["faster", "no difference shown"], [line.verdict for line in shown[0].lines[:2]])
        self.assertEqual("no good run of mcs", shown[0].lines[2].failure)
        self.assertEqual(("futex", "slower"), (shown[1].lines[-1].lock, shown[1].lines[-1].verdict))

        drawn = support.call("plot", self.folder)
        self.assertEqual((0, f"{path.with_suffix('.svg')}\n{path.with_suffix('.png')}\n"),
                         (drawn.returncode, drawn.stdout), drawn.stderr)
        svg = path.with_suffix(".svg").read_text()
        for text in ("rocksdb-get, 2 threads", "pigz, 2 threads", "relative to system", "no good run of mcs"):
            self.assertIn(text, svg)

        section = programs_section(self.folder)
        futex = r"<td class=faster>\u25b6\u00a0<b>1\.[45]\d</b><br><small>1\.\d\d\u20131\.\d\d</small></td>"
        none = r"<td class=alike>[^/]*</b>.*?</td>"
        self.assertRegex(section, rf"<tr><th scope=row>rocksdb-get, 2 threads</th>{none}{futex}"
                                  '<td class=alike title="no good run of mcs">no good run</td></tr>')
        self.assertIn("something besides the locks is at work", section)  # pigz is a control

    def test_the_program_of_a_try_is_in_no_list(self) -> None:
        self.judge({})
        path = self.folder / judging.NAME
        path.write_text(path.read_text().replace("rocksdb-get", "own-server"))
        self.assertEqual(["pigz", "own-server"], [program.name for program in judging.programs_of(path)])
        self.assertIn("<th scope=row>own-server, 2 threads</th>", programs_section(self.folder))

    def test_what_is_no_campaign_is_told(self) -> None:
        self.assertIsNone(judging.csv_of(self.folder))
        with self.assertRaisesRegex(ResultsError, "no programs.csv in it; give the folder of a run of scripts/"):
            programs_section(self.folder)
        (self.folder / judging.NAME).write_text("program,lock\npigz,mcs\n")
        with self.assertRaisesRegex(ResultsError, "no column 'run_id'; give a CSV that scripts/programs wrote"):
            judging.programs_of(self.folder / judging.NAME)

    def test_a_difference_is_found_in_its_program_alone(self) -> None:
        told = self.judge({("rocksdb-get", "futex"): 1.5, ("rocksdb-get", "mcs"): 0.5})
        rocksdb, pigz = told.split("Workload: ")[1:]
        self.assertRegex(rocksdb, r"(?m)^futex +none .* 1\.\d+ .* faster")
        self.assertRegex(rocksdb, r"(?m)^mcs +none .* 0\.\d+ .* slower")
        self.assertRegex(rocksdb, r"(?m)^system +none .* no difference shown")
        self.assertNotIn("twin ", rocksdb)
        self.assertNotIn(" faster", pigz)
        self.assertRegex(" ".join(told.split()),
                         r"pigz is a control, .* 1\.00 is expected .*, found .* no difference is shown")

    def test_a_control_that_differs_is_told(self) -> None:
        told = " ".join(self.judge({("pigz", "futex"): 0.5}).split())
        self.assertRegex(told, "and 1 difference shown: something besides the locks is at work")
        told = " ".join(self.judge({("pigz", "mcs"): 0.5}).split())  # it spins, and takes the CPU from the others
        self.assertRegex(told, "pigz is a control, .* found .* and no difference is shown")

    def test_what_the_twin_shows_counts_in_its_program_alone(self) -> None:
        told = self.judge({("pigz", "twin"): 1.4, ("pigz", "futex"): 1.3, ("rocksdb-get", "futex"): 1.3})
        rocksdb, pigz = told.split("Workload: ")[1:]
        self.assertRegex(rocksdb, r"(?m)^futex .* faster")
        self.assertRegex(pigz, r"(?m)^futex .* no difference shown")
        self.assertRegex(" ".join(told.split()), r"no smaller difference counts: (4\d|39) % in pigz at 2 threads, "
                                                 r"\d[.\d]* % in rocksdb-get at 2 threads")

    def test_failures_and_few_runs_are_told(self) -> None:
        told = " ".join(self.judge({}, n=3, failed=("rocksdb-get", "mcs")).split())
        self.assertIn("rocksdb-get under mcs at 2 threads: 3 failed, exit code 1: no space", told)
        self.assertIn("7 or more repetitions are needed", told)
        self.assertNotIn(" faster", told.split("Workload: ", 1)[1].replace("faster,", ""))


if __name__ == "__main__":
    unittest.main()
