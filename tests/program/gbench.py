# SPDX-License-Identifier: MIT
"""Google Benchmark's own options work as its users expect."""

from __future__ import annotations

import json
from typing import Any

import lockbench

RUN = ["run", "--locks", "ticket,mcs", "--threads", "1,2", "--duration", "0.02", "--warmup", "0", "--repetitions", "2",
       "--no-twin"]
NAMES = {f"mutex/{lock}/threads:{threads}/read_pct:90/cs_ns:0/placement:compact"
         for lock in ("ticket", "mcs") for threads in (1, 2)}


class GoogleBenchmark(lockbench.Case):
    def check_report(self, report: dict[str, Any]) -> None:
        benchmarks = report["benchmarks"]
        self.assertEqual(8, len(benchmarks))
        self.assertEqual(NAMES, {benchmark["name"].partition("/iterations:")[0] for benchmark in benchmarks})
        for benchmark in benchmarks:
            self.assertGreater(benchmark["real_time"], 4.9)  # one iteration is one trial, in ms
            self.assertLess(benchmark["real_time"], 500)
            self.assertEqual(1, benchmark["iterations"])
            self.assertGreater(benchmark["ops_per_s"], 0)
            self.assertGreaterEqual(benchmark["jain"], 0.5)
        self.assertEqual(str(self.out), report["context"]["lockbench_results"])

    def test_the_tests_are_listed_and_nothing_is_written(self) -> None:
        for flag in ("--benchmark_list_tests", "--benchmark_list_tests=true"):
            result = self.run_program(*RUN, flag)
            self.assertEqual(0, result.returncode, result.stderr)
            self.assertEqual(NAMES, {line.partition("/iterations:")[0] for line in result.stdout.splitlines()})
            self.assertEqual([], list(self.folder.iterdir()))

    def test_a_synthetic_machine_can_be_listed(self) -> None:
        result = self.run_program("run", "--locks", "mcs", "--benchmark_list_tests",
                                  env={"HWLOC_SYNTHETIC": "pack:2 core:4 pu:2"})
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("mutex/mcs/threads:32/", result.stdout)

    def test_the_filter_selects(self) -> None:
        for pattern, n_rows in (("ticket", 4), ("-ticket", 4), ("ticket/threads:[23]/", 2), (".", 8), ("all", 8)):
            with self.subTest(pattern=pattern):
                out = self.folder / f"out{pattern.encode().hex()}"
                result = self.run_program(*RUN, "--out", str(out), f"--benchmark_filter={pattern}")
                self.assertEqual(0, result.returncode, result.stderr)
                rows = [row for row in self.rows(out) if row["status"] != "noisy"]
                self.assertEqual(n_rows, len(rows))
                self.assertEqual(list(range(n_rows)), sorted(int(row["order_index"]) for row in rows))

    def test_json_on_standard_output(self) -> None:
        result = self.run_program(*RUN, "--out", str(self.out), "--benchmark_format=json")
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_report(json.loads(result.stdout))

    def test_json_in_a_file_and_the_console_beside_it(self) -> None:
        path = self.folder / "report.json"
        result = self.run_program(*RUN, "--out", str(self.out), f"--benchmark_out={path}",
                                  "--benchmark_out_format=json")
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_report(json.loads(path.read_text()))
        for name in NAMES:
            self.assertEqual(2, result.stdout.count(name + "/"))

    def test_repetitions_are_ours_and_interleaved(self) -> None:
        result = self.run_program(*RUN[:-2], "--out", str(self.out), "--benchmark_repetitions=3")
        self.assertEqual(0, result.returncode, result.stderr)
        rows = [row for row in self.rows() if row["status"] != "noisy"]
        rows.sort(key=lambda row: int(row["order_index"]))
        self.assertEqual(["1"] * 4 + ["2"] * 4 + ["3"] * 4, [row["repetition"] for row in rows])

    def test_a_trial_that_failed_is_an_error_in_the_report(self) -> None:
        result = self.run_program("run", "--locks", "test_crashes", "--threads", "1", "--duration", "0.01",
                                  "--repetitions", "1", "--out", str(self.out), "--benchmark_format=json")
        self.assertEqual(1, result.returncode, result.stderr)
        benchmark, = json.loads(result.stdout)["benchmarks"]
        self.assertTrue(benchmark["error_occurred"])
        self.assertIn("died of signal", benchmark["error_message"])


if __name__ == "__main__":
    lockbench.main()
