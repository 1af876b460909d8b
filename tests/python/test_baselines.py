# SPDX-License-Identifier: MIT
"""The baselines: read from new and old host.json, and hand-offs in multiples of them where that makes sense."""

from __future__ import annotations

import json
import unittest
from pathlib import Path
from typing import Any

import pandas as pd
import support

from common import palette
from compare.ranking import Ranking
from report import command
from results import reading
from results import baselines
from report import summary
from results.cells import cells

SAME: dict[str, Any] = {"cpu_a": 0, "cpu_b": 0, "distance": "same_cpu", "one_way_ns": 1300.0, "one_way_p99_ns": 1900.0}
LLC: dict[str, Any] = {"cpu_a": 0, "cpu_b": 1, "distance": "llc", "one_way_ns": 20000.0, "one_way_p99_ns": None}
NODE: dict[str, Any] = {"cpu_a": 0, "cpu_b": 8, "distance": "node", "one_way_ns": 25000.0, "one_way_p99_ns": 50000.0}
HOST: dict[str, Any] = {
    **support.HOST, "futex_wake_without_waiter_ns": 128.4, "park_transfers": [SAME, LLC],
    "clocks": {"system": {"read_ns": 23.04, "resolution_ns": 20.0}, "waits": {"read_ns": 24.1, "resolution_ns": 19.1}}}


class Line(support.FolderTest):
    def line(self, **host: Any) -> str:
        return baselines.line(reading.Run(Path("results.csv"), pd.DataFrame(), host))

    def test_all_that_was_measured(self) -> None:
        self.assertEqual("Baselines: clock 23ns, clock of the waits 24ns, futex wake without a waiter 128ns, parked "
                         "hand-off 1.3us on one CPU (p99 1.9us), 20us within a last-level cache", self.line(**HOST))

    def test_what_is_null_or_absent_is_left_out(self) -> None:
        self.assertEqual("", self.line())
        self.assertEqual("", self.line(**support.HOST))
        nothing = {"system": {"read_ns": None}, "waits": None}
        self.assertEqual("", self.line(clocks=nothing, futex_wake_without_waiter_ns=None, park_transfers=[
            {**SAME, "one_way_ns": None, "one_way_p99_ns": None}]))
        self.assertEqual("Baselines: futex wake without a waiter 128ns", self.line(futex_wake_without_waiter_ns=128))

    def test_a_damaged_file_is_no_reason_to_stop(self) -> None:
        for damaged in ("x", 7, [1], {"a": 1}, [{"distance": ["llc"], "one_way_ns": 5}], [{**SAME, "one_way_ns": "5"}],
                        [{**SAME, "one_way_ns": True}], [{**SAME, "one_way_ns": -5}], [{**SAME, "distance": "afar"}]):
            with self.subTest(damaged=damaged):
                self.assertEqual("", self.line(park_transfers=damaged, clocks=damaged,
                                               futex_wake_without_waiter_ns="x"))

    def test_committed_runs_are_read(self) -> None:
        hosts = sorted((support.ROOT / "results").glob("*/host.json"))
        self.assertGreater(len(hosts), 0)
        for path in hosts:
            with self.subTest(run=path.parent.name):
                host = json.loads(path.read_text())
                self.assertEqual("clocks" in host, bool(self.line(**host)))


class HandOffs(support.FolderTest):
    def cell(self, lock: str, host: dict[str, Any] | None = None, threads: int = 2, **given: Any) -> Any:
        """A cell whose owner changes each microsecond, on lines of 50 ns."""
        same = {"ops": 100_000, "owner_changes": 100_000, "duration_s": 0.1, "line_ns": 50, "trylock": "no", **given}
        rows = [{**row, **same} for row in support.matrix([lock], (threads,), 7)]
        table = cells(reading.load(support.write(self.folder, rows, host if host is not None else HOST)))
        self.assertEqual(1, len(table))
        return table.iloc[0]

    def check(self, cell: Any, lines: float | None, parks: float | None) -> None:
        for want, got in ((lines, cell["handoff_lines"]), (parks, cell["handoff_parks"])):
            if want is None:
                self.assertTrue(pd.isna(got), got)
            else:
                self.assertAlmostEqual(want, got)

    def test_who_spins_is_held_against_the_line(self) -> None:
        self.check(self.cell("mcs"), 20, None)
        self.assertAlmostEqual(1000, self.cell("mcs")["handoff_ns"])
        self.check(self.cell("mcs", host={}), 20, None)

    def test_who_sleeps_is_held_against_the_nearest_parked_hand_off(self) -> None:
        self.check(self.cell("futex"), None, 0.05)
        self.check(self.cell("futex", threads=4), None, 0.05)
        self.check(self.cell("futex", host={**HOST, "park_transfers": [NODE, SAME, LLC]}), None, 0.05)
        self.check(self.cell("futex", host={**HOST, "park_transfers": [SAME, NODE]}), None, 0.04)
        self.check(self.cell("futex", cpus=1, line_ns=""), None, 1 / 1.3)

    def test_a_hybrid_spins_while_it_has_a_cpu(self) -> None:
        self.check(self.cell("futex", waits="hybrid"), 20, None)
        self.check(self.cell("futex", waits="hybrid", threads=3), None, 0.05)

    def test_no_baseline_no_multiple(self) -> None:
        self.check(self.cell("futex", host={}), None, None)
        self.check(self.cell("futex", host={**HOST, "park_transfers": [SAME]}), None, None)
        self.check(self.cell("mcs", line_ns=""), None, None)
        self.check(self.cell("mcs", threads=3), None, None)  # waits for the scheduler

    def test_only_where_the_time_is_that_of_hand_offs(self) -> None:
        elsewhere: list[dict[str, Any]] = [
            {"owner_changes": 80_000}, {"cs_ns": 100}, {"cs_lines": 1}, {"locks": 2}, {"think": "spin", "think_ns": 9},
            {"trylock": "yes"}, {"kind": "rw"}, {"threads": 1}, {"ops": 0, "owner_changes": 0}, {"status": "timeout"}]
        for given in elsewhere:
            for lock in ("mcs", "futex"):
                with self.subTest(lock=lock, **given):
                    cell = self.cell(lock, **given)
                    self.check(cell, None, None)
                    self.assertTrue(pd.isna(cell["handoff_ns"]))


class Shown(support.FolderTest):
    def run_with(self, host: dict[str, Any]) -> reading.Run:
        rows = support.matrix(["mcs", "ticket"], (1, 2, 4), 7, line_ns=50)
        for row in support.matrix(["futex"], (1, 2, 4), 7, line_ns=50):
            rows.append({**row, "owner_changes": row["ops"] if row["threads"] > 1 else 0})
        return reading.load(support.write(self.folder, support.numbered(rows), host))

    def text(self, host: dict[str, Any]) -> str:
        return " ".join(" ".join(summary.summary(self.run_with(host))).split())

    def test_in_the_summary(self) -> None:
        text = self.text(HOST)
        self.assertIn("Baselines: clock 23ns", text)
        self.assertEqual(1, text.count("Hand-offs in line transfers: mcs 3.8, ticket 4.0"), text)  # 5.3 and 5 M/s
        self.assertEqual(2, text.count("Hand-offs in parked hand-offs of 20us: futex 0.0011"), text)  # 44 M/s
        self.assertEqual(1, text.count("hand-off time from owner to owner"))

    def test_old_runs_have_the_line_only(self) -> None:
        text = self.text(support.HOST)
        self.assertNotIn("Baselines:", text)
        self.assertIn("Hand-offs in line transfers", text)
        self.assertNotIn("Hand-offs in parked", text)

    def test_in_the_report(self) -> None:
        for host, is_new in ((HOST, True), (support.HOST, False)):
            run = self.run_with(host)
            table = cells(run)
            self.assertEqual(is_new, "Baselines: clock 23 ns" in command.page([run], [table], [Ranking.of(run)]))
            keys = {metric["key"] for metric in command.model(["a run"], [table], palette.places(table))["metrics"]}
            self.assertIn("handoff_lines", keys)
            self.assertEqual(is_new, "handoff_parks" in keys)


if __name__ == "__main__":
    unittest.main()
