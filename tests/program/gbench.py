# SPDX-License-Identifier: MIT
"""Google Benchmark's own options work as its users expect, and its own tools can read what it reports."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import lockbench

RUN = ["run", "--no-twin", "--locks", "ticket,mcs", "--threads", "1,2", "--duration", "0.02", "--warmup", "0",
       "--repetitions", "2"]
NAMES = {f"mutex/{lock}/threads:{threads}/read_pct:90/cs_ns:0/placement:compact"
         for lock in ("ticket", "mcs") for threads in (1, 2)}


COMPARE = Path("/usr/share/benchmark/compare.py")  # Debian: libbenchmark-tools; it needs Debian's own Python


def strict(text: str) -> dict[str, Any]:
    """JSON as its standard has it: without NaN and infinities, which Python's reader would take."""
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    report: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return report


class GoogleBenchmark(lockbench.Case):
    def check_report(self, report: dict[str, Any]) -> None:
        benchmarks = report["benchmarks"]
        self.assertEqual(8, len(benchmarks))
        self.assertEqual(NAMES, {benchmark["name"].partition("/iterations:")[0] for benchmark in benchmarks})
        for benchmark in benchmarks:
            self.assertGreater(benchmark["ops_per_s"], 0)
            self.assertEqual("ns", benchmark["time_unit"])
            self.assertAlmostEqual(1, benchmark["real_time"] * benchmark["ops_per_s"] / 1e9, places=3)
            self.assertAlmostEqual(1, benchmark["cpu_time"] / benchmark["cpu_ns_per_op"], places=3)
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
                rows = self.kept_rows(out)
                self.assertEqual(n_rows, len(rows))
                self.assertEqual(list(range(n_rows)), sorted(int(row["order_index"]) for row in rows))

    def test_json_on_standard_output(self) -> None:
        result = self.run_program(*RUN, "--out", str(self.out), "--benchmark_format=json")
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_report(strict(result.stdout))

    def test_json_in_a_file_and_the_console_beside_it(self) -> None:
        path = self.folder / "report.json"
        result = self.run_program(*RUN, "--out", str(self.out), f"--benchmark_out={path}",
                                  "--benchmark_out_format=json")
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_report(strict(path.read_text()))
        for name in NAMES:
            self.assertEqual(2, result.stdout.count(name + "/"))

    def test_repetitions_are_ours_and_interleaved(self) -> None:
        result = self.run_program(*RUN[:-2], "--out", str(self.out), "--benchmark_repetitions=3")
        self.assertEqual(0, result.returncode, result.stderr)
        rows = self.kept_rows()
        rows.sort(key=lambda row: int(row["order_index"]))
        self.assertEqual(["1"] * 4 + ["2"] * 4 + ["3"] * 4, [row["repetition"] for row in rows])

    def test_the_time_is_that_of_one_operation(self) -> None:
        """And the iterations are the operations, in the file as on the console."""
        path = self.folder / "report.json"
        result = self.run_program(*RUN, "--latency", "--out", str(self.out), "--benchmark_format=json",
                                  f"--benchmark_out={path}")
        self.assertEqual(0, result.returncode, result.stderr)
        rows = {(row["lock"], row["threads"], row["repetition"]): row for row in self.rows() if row["status"] == "ok"
                and row["ops_per_s"]}
        rates = sorted(1e9 / float(row["ops_per_s"]) for row in rows.values())
        waits = sorted(float(row["wait_p50_ns"]) for row in self.rows() if row["status"] == "ok" and row["wait_p50_ns"])
        for report in (strict(result.stdout), strict(path.read_text())):
            times: dict[bool, list[float]] = {False: [], True: []}
            for benchmark in report["benchmarks"]:
                times["/latency/" in benchmark["name"] + "/"].append(benchmark["real_time"])
            for want, got in ((rates, sorted(times[False])), (waits, sorted(times[True]))):
                self.assertEqual(len(want), len(got))
                for one, other in zip(want, got):
                    self.assertAlmostEqual(1, other / one, places=3)
            self.assertEqual({int(row["ops"]) for row in rows.values()},
                             {benchmark["iterations"] for benchmark in report["benchmarks"]
                              if "/latency/" not in benchmark["name"] + "/"})

    def test_googles_compare_reads_the_measurement(self) -> None:
        if not COMPARE.exists():
            self.skipTest(f"no {COMPARE} (Debian: libbenchmark-tools)")
        want, files = [], []
        for lock in ("ticket", "test_slow"):
            out, path = self.folder / lock, self.folder / f"{lock}.json"
            result = self.run_program("run", "--no-twin", "--locks", lock, "--threads", "1", "--duration", "0.02",
                                      "--warmup", "0", "--repetitions", "3", "--out", str(out),
                                      f"--benchmark_out={path}")
            self.assertEqual(0, result.returncode, result.stderr)
            want.append([1e9 / float(row["ops_per_s"]) for row in self.rows(out) if row["status"] == "ok"])
            files.append(path)
        dump = self.folder / "compared.json"
        result = subprocess.run(["/usr/bin/python3", str(COMPARE), "--no-color", "-d", str(dump), "benchmarksfiltered",
                                 str(files[0]), "mutex/ticket", str(files[1]), "mutex/test_slow"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)
        compared = json.loads(dump.read_text())[0]["measurements"]
        self.assertEqual(3, len(compared))
        for one, ticket, slow in zip(compared, *want):
            self.assertAlmostEqual(1, one["real_time"] / ticket, places=3)
            self.assertAlmostEqual(1, one["real_time_other"] / slow, places=3)
            self.assertAlmostEqual(slow / ticket - 1, one["time"], places=2)

    def refuse(self, names: str, *arguments: str, **environment: str) -> None:
        with self.subTest(arguments=arguments, environment=environment):
            result = self.run_program(*RUN, "--out", str(self.out), *arguments, env=environment)
            self.assertEqual(2, result.returncode, result.stdout + result.stderr)
            self.assertEqual("", result.stdout)
            self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
            self.assertIn(names, result.stderr)
            self.assertFalse(self.out.exists())

    def test_what_would_break_a_trial_is_refused_whichever_way_it_comes(self) -> None:
        for name, value in (("min_warmup_time", "0.1"), ("min_time", "0.5"), ("enable_random_interleaving", "true"),
                            ("perf_counters", "CYCLES"), ("report_aggregates_only", "true"),
                            ("display_aggregates_only", "true")):
            self.refuse(f"--benchmark_{name}", f"--benchmark_{name}={value}")
            self.refuse(f"BENCHMARK_{name.upper()}", **{f"BENCHMARK_{name.upper()}": value})
        self.refuse("BENCHMARK_REPETITIONS", BENCHMARK_REPETITIONS="3")
        self.refuse("BENCHMARK_FORMAT", BENCHMARK_FORMAT="csv")
        self.refuse("dry_run", "--benchmark_dry_run=true")

    def test_no_file_is_overwritten(self) -> None:
        path = self.folder / "precious.json"
        path.write_text("keep me")
        self.refuse("BENCHMARK_OUT", BENCHMARK_OUT=str(path))
        self.refuse("--benchmark_out", f"--benchmark_out={path}")
        self.assertEqual("keep me", path.read_text())

    def test_the_environment_can_ask_for_what_options_can(self) -> None:
        result = self.run_program(*RUN, env={"BENCHMARK_LIST_TESTS": "1"})
        self.assertEqual(NAMES, {line.partition("/iterations:")[0] for line in result.stdout.splitlines()})
        self.assertEqual([], list(self.folder.iterdir()))
        path = self.folder / "report.json"
        result = self.run_program(*RUN, "--out", str(self.out), env={
            "BENCHMARK_FORMAT": "json", "BENCHMARK_OUT": str(path), "BENCHMARK_LIST_TESTS": "false"})
        self.assertEqual(0, result.returncode, result.stderr)
        self.check_report(strict(result.stdout))
        self.check_report(strict(path.read_text()))
        result = self.run_program(*RUN, "--out", str(self.folder / "filtered"), env={"BENCHMARK_FILTER": "ticket"})
        self.assertEqual({"ticket"}, {row["lock"] for row in self.rows(self.folder / "filtered")})

    def test_what_goes_on_reports_what_is_left_in_a_file_of_its_own(self) -> None:
        first, rest = self.folder / "first.json", self.folder / "rest.json"
        run = [*RUN, "--out", str(self.out), f"--benchmark_out={first}", "--benchmark_out_format=json"]
        self.assertEqual(0, self.run_program(*run).returncode)
        self.assertEqual("8 of 8", strict(first.read_text())["context"]["lockbench_trials"])
        before = first.read_bytes()

        def cut(n_rows: int) -> None:
            path = self.out / "results.csv"
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:1 + n_rows]))

        cut(5)
        done = {row["order_index"] for row in self.rows() if row["status"] == "ok"}
        result = self.run_program("run", f"--benchmark_out={rest}", "--resume", str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        report = strict(rest.read_text())
        self.assertEqual(8 - len(done), len(report["benchmarks"]))
        self.assertEqual(f"{8 - len(done)} of 8", report["context"]["lockbench_trials"])
        self.assertNotIn("--benchmark_out", result.stderr)

        cut(5)
        result = self.run_program("run", f"--resume={self.out}")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("note: the file of --benchmark_out ended with the interruption", result.stderr)
        self.assertEqual({str(i) for i in range(8)},
                         {row["order_index"] for row in self.rows() if row["status"] == "ok"})
        self.assertEqual(before, first.read_bytes())

        cut(5)
        rows = (self.out / "results.csv").read_bytes()
        for arguments, environment in (((f"--benchmark_out={rest}",), {}), ((), {"BENCHMARK_OUT": str(rest)}),
                                       (("--benchmark_filter=mcs",), {}), (("--benchmark_format=json",), {})):
            result = self.resume(*arguments, env=environment)
            self.assertEqual((2, ""), (result.returncode, result.stdout))
            self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
        self.assertEqual(rows, (self.out / "results.csv").read_bytes())

    def test_a_trial_that_failed_is_an_error_in_the_report(self) -> None:
        result = self.run_program("run", "--no-twin", "--locks", "test_crashes", "--threads", "1", "--duration",
                                  "0.01", "--repetitions", "1", "--out", str(self.out), "--benchmark_format=json")
        self.assertEqual(1, result.returncode, result.stderr)
        benchmark, = strict(result.stdout)["benchmarks"]
        self.assertTrue(benchmark["error_occurred"])
        self.assertIn("died of signal", benchmark["error_message"])


if __name__ == "__main__":
    lockbench.main()
