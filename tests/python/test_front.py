# SPDX-License-Identifier: MIT
"""Who is dominated, from CSVs whose truth is known."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
import support

from report.front import Fronts, fronts
from report.front_section import front_section
from results import reading
from results.cells import cells

# millions per second, longest wait in ms, CPU ns per operation
TRUTH = {"quick": (100, 50, 20), "patient": (60, 5, 30), "thrifty": (50, 60, 10), "worse": (50, 70, 40),
         "as_quick": (99.9, 100, 40)}


class Front(support.FolderTest):
    """`worse` is worse than `quick` and `patient` in all three; `as_quick` only in two, which is not enough."""

    def rows(self, has_waits: bool = True) -> list[dict[str, Any]]:
        rng = np.random.default_rng(3)
        rows = []
        for lock, (rate, wait_ms, cpu_ns) in TRUTH.items():
            for repetition in range(1, 10):
                noise = rng.lognormal(0, 0.003)
                rows.append(support.trial(rng, "futex", 4, repetition, ops_per_s=rate * 1e6 * noise,
                                          cpu_ns_per_op=cpu_ns * noise) | {"lock": lock})
                if has_waits:
                    rows.append(support.latency_trial(rng, "futex", 4, repetition, wait_max_ns=wait_ms * 1e6 * noise)
                                | {"lock": lock})
        return rows

    def fronts(self, rows: list[dict[str, Any]]) -> Fronts:
        run = reading.load(support.write(self.folder, rows))
        return fronts(run, cells(run))

    def test_dominated_is_who_is_beaten_in_all_three(self) -> None:
        [front] = self.fronts(self.rows()).situations
        self.assertCountEqual(["quick", "as_quick", "patient", "thrifty"], front.on)
        self.assertEqual(["patient", "thrifty"], front.on[2:], "the most throughput first")
        self.assertEqual({"worse": ["quick", "patient"]}, front.dominated)
        self.assertEqual([], front.out)

    def test_goals_that_were_not_measured_are_named_and_left_out(self) -> None:
        found = self.fronts(self.rows(has_waits=False))
        self.assertEqual(["throughput", "CPU per operation"], [goal.name for goal in found.goals])
        self.assertIn("worse", found.situations[0].dominated)
        self.assertIn("--latency", front_section("", found))

    def test_a_lock_that_failed_is_not_judged(self) -> None:
        rows = self.rows()
        rows[0]["status"] = "timeout"
        [front] = self.fronts(rows).situations
        self.assertEqual(["quick"], front.out)
        self.assertEqual({"worse": ["patient"]}, front.dominated)

    def test_one_mutex_has_no_front(self) -> None:
        self.assertEqual("", front_section("", self.fronts([r for r in self.rows() if r["lock"] == "quick"])))

    def test_the_page_has_a_table_and_a_point_for_each(self) -> None:
        page = front_section(": run", self.fronts(self.rows()))
        self.assertIn("<b>worse</b> by quick, patient", page)
        self.assertEqual(len(TRUTH), page.count("<circle"))
        self.assertNotIn("nan", page)


if __name__ == "__main__":
    unittest.main()
