# SPDX-License-Identifier: MIT
"""The rows of a real run, of every lock and several workloads: the numbers in a row must agree with each other."""

from __future__ import annotations

import json
import os
import shutil
import unittest
from math import ceil

import lockbench

QUICK = ["--duration", "0.02", "--warmup", "0.005", "--repetitions", "1", "--seed", "7", "--no-twin"]
# One of each kind, but where there is time for all.
FEW = "all" if os.environ.get("LOCKBENCH_DEEP") else "common,rw_futex,rw_percpu,seqlock"


def number(row: lockbench.Row, column: str) -> float:
    return float(row[column])


class Rows(lockbench.Case):
    def measure(self, *arguments: str) -> list[lockbench.Row]:
        result = self.run_to_the_end(*QUICK, *arguments)
        self.assertEqual(0, result.returncode, result.stderr)
        rows = self.kept_rows()
        self.assertEqual({"ok"}, {row["status"] for row in rows})
        return rows

    def check_sums(self, row: lockbench.Row) -> None:
        threads, ops = number(row, "threads"), number(row, "ops")
        self.assertEqual(ops, number(row, "reads") + number(row, "writes"))
        per_cpu = ceil(threads / number(row, "cpus"))
        window_s = 0.02 if row["ops_per_s"] or per_cpu == 1 else 0.08 * per_cpu  # of waits in a crowd
        self.assertAlmostEqual(window_s, number(row, "duration_s"), delta=0.2)
        if ops == 0:
            return
        self.assertLessEqual(number(row, "min_share") * threads, 1 + 1e-6)
        self.assertGreaterEqual(number(row, "max_share") * threads, 1 - 1e-6)
        self.assertLessEqual(1 / threads - 1e-6, number(row, "jain"))
        self.assertLessEqual(number(row, "jain"), 1 + 1e-6)
        if row["kind"] == "baseline" and not row["twin_of"]:  # where nothing excludes, counts get lost
            self.assertEqual("", row["longest_run"])
        else:
            n_exclusive = ops if row["kind"] != "rw" else number(row, "writes")
            self.assertLessEqual(number(row, "longest_run"), n_exclusive - number(row, "owner_changes") + 1 + threads)
        if row["ops_per_s"]:
            self.assertAlmostEqual(1, number(row, "ops_per_s") * number(row, "duration_s") / ops, places=6)

    def check_handoffs(self, row: lockbench.Row) -> None:
        distances = [row[column] for column in row if column.startswith("handoffs_")]
        if row["placement"] == "none":
            self.assertEqual({""}, set(distances))
        elif row["kind"] != "baseline":
            self.assertLessEqual(sum(map(float, distances)), number(row, "owner_changes"))
            if float(row["threads"]) <= float(row["cpus"]):  # then no two share a CPU, at no distance
                self.assertEqual(sum(map(float, distances)), number(row, "owner_changes"))

    def test_every_lock_alone_and_crowded(self) -> None:
        """Where threads are free to go, and at one and two of them, one of each kind."""
        workload = ("--read-pct", "50")
        rows = self.measure("--locks", "all", "--threads", "5", *workload)
        self.out = self.folder / "few"
        rows += self.measure("--locks", FEW, "--threads", "1,2,5", "--placement", "compact,none", *workload)
        for row in rows:
            with self.subTest(lock=row["lock"], threads=row["threads"], placement=row["placement"]):
                self.check_sums(row)
                self.check_handoffs(row)
                self.assertEqual("", row["wait_max_ns"])
                if row["threads"] == "1" and row["ops"] != "0":  # 0: another process had the CPU all the time
                    self.assertEqual("0", row["owner_changes"])
                    self.assertEqual(1, number(row, "jain"))
                if number(row, "ops") > 1000:
                    self.assertAlmostEqual(0.5, number(row, "reads") / number(row, "ops"), delta=0.1)

    def test_waits_are_monotone_and_within_the_trial(self) -> None:
        """With more threads than CPUs, where windows are long, one of each kind."""
        rows = self.measure("--locks", "all", "--threads", "2", "--latency")
        self.out = self.folder / "few"
        rows += self.measure("--locks", FEW, "--threads", "1,3", "--latency")
        rows = [row for row in rows if row["wait_max_ns"]]
        self.assertGreater(len(rows), 0)
        for row in rows:
            with self.subTest(lock=row["lock"], threads=row["threads"]):
                waits = [number(row, f"wait_{name}_ns") for name in ("p50", "p90", "p99", "p999", "max")]
                self.assertEqual(sorted(waits), waits)
                self.assertGreaterEqual(waits[0], 0)
                self.assertLess(waits[-1], 2e9)
                self.assertEqual("", row["ops_per_s"])
                self.check_sums(row)
                if number(row, "threads") > number(row, "cpus"):  # 20 turns of each thread on its CPU
                    self.assertGreaterEqual(number(row, "duration_s"), 0.159)

    def test_all_that_a_workload_can_be_asked_for(self) -> None:
        rows = self.measure("--locks", "mcs,futex", "--readers", "2", "--writers", "1", "--keys", "100",
                            "--locks-count", "3", "--cs-ns", "200", "--cs-lines", "2", "--think", "none,spin,sleep",
                            "--think-ns", "5000")
        self.assertEqual({"none", "spin", "sleep"}, {row["think"] for row in rows})
        for row in rows:
            with self.subTest(lock=row["lock"], think=row["think"]):
                self.assertEqual(("3", "2", "1", "", "100", "3", "200", "2"), tuple(
                    row[name] for name in ("threads", "readers", "writers", "read_pct", "keys", "locks", "cs_ns",
                                           "cs_lines")))
                self.check_sums(row)
                self.assertLess(number(row, "ops"), 3 * 1e9 * number(row, "duration_s") / 100)  # 100 ns at the least

    def test_tries_succeed_or_are_counted(self) -> None:
        rows = self.measure("--locks", "all", "--threads", "3", "--trylock")
        self.out = self.folder / "few"
        rows += self.measure("--locks", FEW, "--threads", "1", "--trylock")
        self.assertEqual({"yes"}, {row["trylock"] for row in rows})
        rows = [row for row in rows if row["try_success_pct"]]  # empty: another process had the CPU all the time
        self.assertGreater(len(rows), 0)
        for row in rows:
            with self.subTest(lock=row["lock"], threads=row["threads"]):
                self.check_sums(row)
                self.assertGreaterEqual(number(row, "try_success_pct"), 0)
                self.assertLessEqual(number(row, "try_success_pct"), 100)
                if row["threads"] == "1":
                    self.assertEqual(100, number(row, "try_success_pct"))

    def test_what_an_option_leaves_out_is_said(self) -> None:
        for locks, option, note in (
                ("clh,ticket", "--trylock", "note: --trylock leaves out what has no trylock: clh"),
                ("ticket,empty", "--latency",
                 "note: --latency leaves out what waits for nothing, the baselines: empty")):
            for listing in ("", "--benchmark_list_tests"):
                with self.subTest(option=option, listing=listing):
                    self.out = self.folder / option
                    result = self.run_program("run", *QUICK, "--no-twin", "--threads", "1", "--locks", locks, option,
                                              "--out", str(self.out), *listing.split())
                    self.assertEqual(0, result.returncode, result.stderr)
                    notes = [line for line in result.stderr.splitlines()
                             if "note: " in line and "trials to run" not in line]
                    self.assertEqual([f"lockbench: {note}"], notes)
                    shutil.rmtree(self.out, ignore_errors=True)

    def test_every_lock_with_its_data_behind_it(self) -> None:
        """What shares a line is left whole by either: the sums of each trial are checked before its row is ok."""
        rows = self.measure("--locks", "all", "--threads", "3", "--layout", "apart,together", "--keys", "20",
                            "--locks-count", "2", "--cs-lines", "1", "--read-pct", "50")
        locks = {layout: sorted(row["lock"] for row in rows if row["layout"] == layout)
                 for layout in ("apart", "together")}
        self.assertEqual(len(set(locks["apart"])), len(locks["apart"]))
        self.assertEqual(locks["apart"], locks["together"])
        for row in rows:
            with self.subTest(lock=row["lock"], layout=row["layout"]):
                self.check_sums(row)

    def test_readers_do_not_write(self) -> None:
        for readers, writers in (("2", "0"), ("0", "2"), ("1", "1")):
            with self.subTest(readers=readers, writers=writers):
                self.out = self.folder / f"{readers}-{writers}"
                for row in self.measure("--locks", "ticket", "--readers", readers, "--writers", writers):
                    self.assertTrue(readers != "0" or row["reads"] == "0", row["reads"])
                    self.assertTrue(writers != "0" or row["writes"] == "0", row["writes"])

    def test_short_windows_after_a_long_warm_up(self) -> None:
        """Whatever was counted in the warm-up would show here: it is 50 times as long."""
        for row in self.measure("--locks", "ttas,ticket,futex", "--threads", "2,3", "--duration", "0.004", "--warmup",
                                "0.2"):
            with self.subTest(lock=row["lock"], threads=row["threads"]):
                self.check_sums(row)

    def test_a_twin_is_in_each_run(self) -> None:
        result = self.run_to_the_end(*QUICK[:-1], "--threads", "1", "--locks", "mcs")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("note: ticket and its twin are measured too", result.stderr)
        rows = {row["lock"]: row for row in self.kept_rows()}
        self.assertEqual({"mcs": ("mutex", ""), "ticket": ("mutex", ""), "twin": ("baseline", "ticket")},
                         {lock: (row["kind"], row["twin_of"]) for lock, row in rows.items()})
        for column in ("fifo", "waits", "source", "lock_bytes", "ctx_bytes"):
            self.assertEqual(rows["ticket"][column], rows["twin"][column], column)
        self.check_sums(rows["twin"])

    def test_four_repetitions_have_each_layout_of_the_code(self) -> None:
        rows = self.measure("--locks", "mcs,ticket,futex", "--threads", "1,2", "--repetitions", "4", "--latency")
        layouts: dict[tuple[str, ...], set[str]] = {}
        for row in rows:
            cell = (row["lock"], row["threads"], str(bool(row["ops_per_s"])))
            layouts.setdefault(cell, set()).add(row["code_layout"])
        self.assertEqual(12, len(layouts))
        self.assertEqual([set("0123")] * 12, list(layouts.values()))
        firsts = {row["code_layout"] for row in rows if row["repetition"] == "1"}
        self.assertGreater(len(firsts), 1)  # not the same for all cells

    def test_the_same_seed_gives_the_same_order(self) -> None:
        orders = []
        for name in ("a", "b"):
            self.out = self.folder / name
            rows = self.measure("--locks", "ticket,mcs,futex", "--threads", "1")
            rows = sorted(rows, key=lambda row: int(row["order_index"]))
            orders.append([row["lock"] for row in rows])
        self.assertEqual(orders[0], orders[1])

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "needs two CPUs")
    def test_the_line_transfer_is_measured_with_each_trial(self) -> None:
        """It may be empty where another process has one of the CPUs, but not each time."""
        rows = self.measure("--locks", "mcs", "--threads", "2,3,4,5,6")
        measured = [number(row, "line_ns") for row in rows if row["line_ns"]]
        self.assertGreater(len(measured), 0)
        self.assertGreater(min(measured), 1)

    def test_host_json_tells_what_the_rows_cannot(self) -> None:
        row = self.measure("--locks", "mcs", "--threads", "1")[0]
        host = json.loads((self.out / "host.json").read_text())
        self.assertEqual(row["topology_hash"], host["topology_hash"])
        self.assertEqual(row["git_sha"], host["build"]["git_sha"])
        self.assertEqual(row["host"], host["host"])
        self.assertEqual(row["run_id"], host["run"]["run_id"])
        self.assertEqual(sorted(os.sched_getaffinity(0)), sorted(host["allowed_cpus"]))
        self.assertIn("<topology", host["topology_xml"])

    def test_host_json_has_the_baselines(self) -> None:
        self.measure("--locks", "mcs", "--threads", "1")
        host = json.loads((self.out / "host.json").read_text())
        for clock in ("system", "waits"):
            self.assertGreater(host["clocks"][clock]["read_ns"], 0)
            self.assertGreater(host["clocks"][clock]["resolution_ns"], 0)
        self.assertGreater(host["futex_wake_without_waiter_ns"], 0)
        transfers = host["park_transfers"]
        distances = [transfer["distance"] for transfer in transfers]
        self.assertEqual("same_cpu", distances[0])
        self.assertEqual({"same_cpu", *(pair["distance"] for pair in host["line_transfers"])}, set(distances))
        self.assertEqual(len(distances), len(set(distances)), "one pair of each distance")
        for transfer in transfers:
            self.assertEqual(transfer["distance"] == "same_cpu", transfer["cpu_a"] == transfer["cpu_b"])
            for name in ("one_way_ns", "one_way_p99_ns"):  # empty where another process has the CPUs
                self.assertNotEqual(0, transfer[name])


if __name__ == "__main__":
    lockbench.main()
