# SPDX-License-Identifier: MIT
"""The open loop: operations begin at a rate of their own, waits count from then on, and what cannot keep up is said."""

from __future__ import annotations

import json
import os
from math import sqrt

import lockbench

QUICK = ["--no-twin", "--warmup", "0.01", "--seed", "7"]
WAITS = ("wait_p50_ns", "wait_p90_ns", "wait_p99_ns", "wait_p999_ns", "wait_max_ns", "wait_count", "waits_open",
         "wait_bound_from_q")


class OpenLoop(lockbench.Case):
    def measure(self, *arguments: str) -> list[lockbench.Row]:
        result = self.run_to_the_end(*QUICK, *arguments)
        self.assertEqual(0, result.returncode, result.stderr)
        self.said = result.stderr
        rows = [row for row in self.rows() if row["status"] == "ok"]
        self.assertGreater(len(rows), 0)
        return rows

    def check_sums(self, row: lockbench.Row) -> None:
        """What was due is a Poisson count; 6 standard deviations, and what two snapshots may be apart."""
        ops, due, threads = float(row["ops"]), float(row["due_ops"]), float(row["threads"])
        expected = float(row["rate_per_s"]) * float(row["duration_s"])
        self.assertLessEqual(ops, due + threads)
        self.assertAlmostEqual(expected, due, delta=6 * sqrt(expected) + 2 * threads + 0.02 * expected)
        is_behind = due - ops > 0.05 * due and due - ops > 2 * threads
        self.assertEqual("yes" if is_behind else "no", row["saturated"])
        self.assertEqual("", row["cpu_ns_per_op"])

    def test_a_lock_that_keeps_up_does_what_is_due(self) -> None:
        rows = self.measure("--locks", "ticket,rw_ticket", "--threads", "1,2", "--rate", "500,4000", "--duration",
                            "0.25", "--repetitions", "2")
        self.assertEqual({"500", "4000"}, {row["rate_per_s"] for row in rows})
        for row in rows:
            with self.subTest(lock=row["lock"], threads=row["threads"], rate=row["rate_per_s"]):
                self.check_sums(row)
        # Another process may have had a CPU for a while, but not each time.
        self.assertIn("no", {row["saturated"] for row in rows})

    def test_fixed_roles_share_the_rate(self) -> None:
        for row in self.measure("--locks", "rw_ticket", "--readers", "1", "--writers", "1", "--rate", "4000",
                                "--duration", "0.4", "--repetitions", "2"):
            self.check_sums(row)
            if row["saturated"] == "no":
                self.assertAlmostEqual(0.5, float(row["reads"]) / float(row["ops"]), delta=0.15)

    def test_a_closed_loop_knows_nothing_of_it(self) -> None:
        rows = self.measure("--locks", "ticket", "--threads", "1", "--rate", "0,1000", "--duration", "0.02",
                            "--repetitions", "1")
        closed, = (row for row in rows if row["rate_per_s"] == "")
        self.assertEqual(("", ""), (closed["due_ops"], closed["saturated"]))
        self.assertNotEqual("", closed["cpu_ns_per_op"])

    def test_what_cannot_keep_up_is_said_and_its_waits_are_not(self) -> None:
        """A section of 100 us, and five times as many operations as fit."""
        path = self.folder / "report.json"
        rows = self.measure("--locks", "pthread_mutex", "--threads", "2", "--rate", "50000", "--cs-ns", "100000",
                            "--latency", "--duration", "0.1", "--repetitions", "1", f"--benchmark_out={path}")
        self.assertEqual(2, len(rows))
        for row in rows:
            self.check_sums(row)
            self.assertEqual("yes", row["saturated"])
            self.assertEqual({""}, {row[column] for column in WAITS})
            self.assertLess(float(row["ops"]), 12000 * float(row["duration_s"]))
        rate, = (row for row in rows if row["ops_per_s"])
        self.assertLess(float(rate["ops_per_s"]), 12000)
        self.assertIn("note: saturated in 2 of 2 trials", self.said)
        benchmarks = {"/latency/" in benchmark["name"]: benchmark
                      for benchmark in json.loads(path.read_text())["benchmarks"]}
        self.assertEqual((1, float(rate["due_ops"])), (benchmarks[False]["saturated"], benchmarks[False]["due_ops"]))
        self.assertIn("/rate:50000/", benchmarks[False]["name"])
        self.assertIn("saturated", benchmarks[True]["error_message"])

    def test_a_wait_counts_from_when_the_operation_was_due(self) -> None:
        """One thread never waits for its own lock; but its operations wait for each other, at 80 % of what fits."""
        rows = self.measure("--locks", "pthread_mutex", "--threads", "1", "--rate", "0,400", "--cs-ns", "2000000",
                            "--latency", "--duration", "0.5", "--repetitions", "2")
        waits = {rate: [float(row["wait_p90_ns"]) for row in rows if row["rate_per_s"] == rate and row["wait_p90_ns"]]
                 for rate in ("", "400")}
        self.assertLess(min(waits[""]), 100e3)  # of the closed loop, which waits for nobody
        for wait in waits["400"]:  # none is left where each trial was saturated, by other processes
            self.assertGreater(wait, 1e6)
        for row in rows:
            if row["rate_per_s"] and row["waits_open"]:
                self.assertEqual("", row["wait_time_1us_pct"])
                left_over = float(row["due_ops"]) - float(row["ops"])
                self.assertAlmostEqual(left_over, float(row["waits_open"]), delta=2)

    def test_nobody_burns_the_cpu_until_the_next_operation(self) -> None:
        """Alone a thread sleeps while the next one is far; in a crowd always."""
        n_cpus = len(os.sched_getaffinity(0))
        for threads, rate, most in ((1, 10, 0.3), (8 * n_cpus, 200, 0.3)):
            with self.subTest(threads=threads):
                self.out = self.folder / f"out-{threads}"
                for row in self.measure("--locks", "pthread_mutex", "--threads", str(threads), "--rate", str(rate),
                                        "--duration", "0.4", "--repetitions", "1"):
                    self.assertLess(float(row["cpu_s"]), most * float(row["duration_s"]))
                    self.check_sums(row)

    def test_a_rare_operation_does_not_hold_up_the_end(self) -> None:
        """The next one is due in hours."""
        for row in self.measure("--locks", "pthread_mutex", "--threads", "1,4", "--rate", "0.0001", "--duration",
                                "0.02", "--repetitions", "1"):
            self.assertLess(float(row["duration_s"]), 2)
            self.assertEqual(("0", "0", "no"), (row["ops"], row["due_ops"], row["saturated"]))

    def test_a_run_that_was_interrupted_goes_on_at_the_same_rates(self) -> None:
        whole = self.measure("--locks", "ticket", "--threads", "1,2", "--rate", "0,1000,20000", "--latency",
                             "--duration", "0.02", "--repetitions", "2")
        path = self.out / "results.csv"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[:4]))
        result = self.resume()
        self.assertEqual(0, result.returncode, result.stderr)
        names = ("lock", "threads", "rate_per_s", "repetition", "order_index", "seed")
        self.assertEqual(sorted([row[name] for name in names] for row in whole),
                         sorted([row[name] for name in names] for row in self.rows() if row["status"] == "ok"))


if __name__ == "__main__":
    lockbench.main()
