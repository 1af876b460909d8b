# SPDX-License-Identifier: MIT
"""What a trial is too coarse to tell is not judged, open waits are lower bounds, and wrong columns are left out."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np
import pandas as pd

import support
from compare.ranking import Ranking
from report import answer
from report import summary
from results import reading
from results import resolution
from results.cells import cells
from results.reading import Run

WINDOW_NS = 1e8  # of support.trial


class Case(support.FolderTest):
    def read(self, rows: list[support.Row]) -> Run:
        return reading.load(support.write(self.folder, support.numbered(rows)))

    def trials(self, n: int = 7, lock: str = "futex", threads: int = 4, **given: Any) -> list[support.Row]:
        return support.matrix([lock], (threads,), n, **given)

    def waits(self, n: int = 7, lock: str = "futex", threads: int = 4, **given: Any) -> list[support.Row]:
        rng = np.random.default_rng(1)
        told = {"wait_count": 1_000_000, "waits_open": 0, **given}
        return [support.latency_trial(rng, lock, threads, i, **told) for i in range(1, n + 1)]

    def text(self, rows: list[support.Row]) -> str:
        return " ".join(" ".join(summary.summary(self.read(rows))).split())


class Shares(Case):
    def test_below_twenty_operations_a_thread_nothing_is_said_of_them(self) -> None:
        for ops, is_judged in ((79, False), (80, True)):
            with self.subTest(ops=ops):
                rows = self.read(self.trials(ops=ops, min_share=0, max_share=0.5, jain=0.3)).rows
                self.assertEqual(set(rows["few_ops"]), {not is_judged})
                for column in resolution.SHARES:
                    self.assertEqual(rows[column].notna().all(), is_judged, column)

    def test_said_in_words_and_not_as_starvation(self) -> None:
        text = self.text(self.trials(ops=5, min_share=0, max_share=0.5, jain=0.3))
        self.assertIn("too few operations to judge how they were shared in 7 of 7 trials", text)
        self.assertIn("too few operations: in 1 of 1 cell there are fewer than 20 per thread", text)
        self.assertNotIn("got nothing", text)
        text = self.text(self.trials(ops=5000, min_share=0, max_share=0.5, jain=0.3))
        self.assertIn("in 7 of 7 trials a thread got nothing", text)
        self.assertNotIn("too few operations", text)

    def test_an_owner_that_changes_each_time_is_not_told_by_five_operations(self) -> None:
        few, many = (cells(self.read(self.trials(threads=2, ops=n, owner_changes=n, fifo="yes"))).iloc[0]
                     for n in (5, 5000))
        self.assertTrue(pd.isna(few["change_share"]))
        self.assertEqual(many["change_share"], 1)


class Fairness(Case):
    """`fifo` makes five operations, `barging` starves a thread, and `even` does neither."""

    def answer(self, *locks: str) -> answer.Answer:
        kinds: dict[str, dict[str, Any]] = {
            "fifo": {"ops": 5, "min_share": 0, "ops_per_s": 50}, "barging": {"ops": 9000, "min_share": 0},
            "even": {"ops": 9000, "min_share": 0.24}}
        run = self.read([row | {"lock": lock} for lock in locks for row in self.trials(**kinds[lock])])
        found = {a.question.name: a for a in answer.answers(cells(run), Ranking.of(run))}
        return found["fair-crowd"]

    def test_not_judged_is_not_starved(self) -> None:
        found = self.answer("fifo", "barging", "even")
        self.assertEqual((found.best, found.unjudged, found.alike), ("even", ["fifo"], []))
        self.assertIn("not judged: fifo (too few operations", " ".join(found.lines))

    def test_none_of_those_that_could_be_judged(self) -> None:
        found = self.answer("fifo", "barging")
        self.assertEqual((found.best, found.unjudged), (None, ["fifo"]))
        self.assertEqual("none of the 1 lock that could be judged; not judged: fifo (too few operations to tell; "
                         "a longer --duration does)", found.none)

    def test_nothing_could_be_judged(self) -> None:
        self.assertTrue(self.answer("fifo").none.startswith("not judged: fifo"))

    def test_all_starve(self) -> None:
        self.assertEqual("none of the locks that were measured", self.answer("barging").none)


class Quantiles(Case):
    def test_each_needs_five_waits_beyond_it(self) -> None:
        for column, least in (("wait_p50_ns", 10), ("wait_p90_ns", 50), ("wait_p99_ns", 500), ("wait_p999_ns", 5000)):
            for n, is_told in ((least - 1, False), (least, True)):
                with self.subTest(column, n=n):
                    rows = self.read(self.waits(wait_count=n)).rows
                    self.assertEqual(rows[column].notna().all(), is_told)
                    self.assertTrue(rows["wait_max_ns"].notna().all(), "the longest is the longest")

    def test_older_files_count_the_operations(self) -> None:
        rows = self.read(support.of_schema(2, self.waits(ops=400))).rows
        self.assertTrue(rows["wait_p90_ns"].notna().all())
        self.assertTrue(rows["wait_p99_ns"].isna().all())


class Bounds(Case):
    def bounds(self, rows: list[support.Row]) -> dict[str, set[bool]]:
        read = self.read(rows).rows
        return {column: set(resolution.is_bound(read, column)) for column in resolution.QUANTILES}

    def test_what_is_told_since_schema_3(self) -> None:
        found = self.bounds(self.waits(waits_open=3, wait_bound_from_q=0.95))
        self.assertEqual(found, {"wait_p50_ns": {False}, "wait_p90_ns": {False}, "wait_p99_ns": {True},
                                 "wait_p999_ns": {True}, "wait_max_ns": {True}})
        for open_waits in (self.waits(), self.waits(wait_max_ns=WINDOW_NS)):
            self.assertEqual(set.union(*self.bounds(open_waits).values()), {False}, "none was open")

    def test_before_that_one_as_long_as_the_window(self) -> None:
        rows = support.of_schema(2, self.waits(wait_p999_ns=0.92 * WINDOW_NS, wait_max_ns=0.97 * WINDOW_NS,
                                               wait_p99_ns=0.85 * WINDOW_NS))
        found = self.bounds(rows)
        self.assertEqual([found["wait_p99_ns"], found["wait_p999_ns"], found["wait_max_ns"]], [{False}, {True}, {True}])

    def test_a_median_is_a_bound_where_one_may_belong_above_it(self) -> None:
        """Of seven trials three have an open p99: the median is known only if those lie above it."""
        for p99_of_open, is_bound in ((2000, False), (500, True)):
            rows = self.waits(wait_p99_ns=1000)
            for row in rows[:3]:
                row.update(waits_open=1, wait_bound_from_q=0.9, wait_p99_ns=p99_of_open)
            cell = cells(self.read(rows)).iloc[0]
            self.assertEqual((cell["wait_p99_ns"], cell["wait_p99_ns_is_bound"]), (1000, is_bound))
            self.assertTrue(cell["wait_max_ns_is_bound"], "any of them may be the longest")

    def test_printed_as_at_least(self) -> None:
        rows = self.trials() + self.waits(waits_open=2, wait_bound_from_q=0.5, wait_p99_ns=60e6, wait_max_ns=90e6)
        self.assertRegex(self.text(rows), r" >=60ms +>=90ms .*>= before a wait")
        self.assertNotIn(">=", self.text(self.trials() + self.waits()))


class LongestRun(Case):
    def runs(self, schema: int, longest: float, kind: str = "mutex") -> Run:
        """Seven trials of which the third has that longest run; 1000 operations with 900 owner changes allow 105."""
        rows = self.trials(ops=1000, owner_changes=900, longest_run=50, kind=kind)
        rows[2]["longest_run"] = longest
        return self.read(support.of_schema(schema, rows))

    def test_older_ones_that_the_owner_changes_forbid_are_left_out(self) -> None:
        run = self.runs(2, 106)
        self.assertEqual(run.rows["longest_run"].isna().sum(), 1)
        self.assertEqual(len(run.remarks), 1)
        self.assertIn("1 of 7 rows", run.remarks[0])
        self.assertTrue(pd.isna(cells(run)["longest_run"].iloc[0]), "the longest of all is not that of the others")
        self.assertEqual("\n".join(summary.summary(run)).count("longest_run:"), 1)

    def test_others_stay(self) -> None:
        for run in (self.runs(2, 105), self.runs(3, 106), self.runs(2, 106, "rw")):
            self.assertEqual((run.remarks, run.rows["longest_run"].isna().sum()), ([], 0))
            self.assertGreaterEqual(cells(run)["longest_run"].iloc[0], 105)


class Statuses(Case):
    def test_what_the_surroundings_did_is_no_failure_of_the_lock(self) -> None:
        rows = self.trials()
        rows.append({**rows[0], "status": "disturbed", "ops_per_s": "", "why": "a CPU was taken away"})
        table = cells(self.read(rows))
        self.assertFalse(table["failed"].any())
        self.assertIn("1 disturbed", table["remarks"].iloc[0])
        self.assertNotIn("failed trials", self.text(rows))


class OpenLoop(Case):
    def test_a_rate_makes_cells_of_their_own_and_saturation_is_said(self) -> None:
        rows = self.trials() + self.trials(rate_per_s=1e6, saturated="no")
        rows += self.trials(rate_per_s=5e7, saturated="yes")
        table = cells(self.read(rows))
        self.assertEqual(len(table), 3)
        saturated = table[table["rate_per_s"] == 5e7].iloc[0]
        self.assertIn("saturated in 7 of 7 trials", saturated["remarks"])
        self.assertEqual(sum("saturated" in remark for remark in table["remarks"]), 1)
        text = self.text(rows)
        self.assertIn("1e+06 operations/s", text)
        self.assertIn("5e+07 operations/s", text)

    def open_waits(self, *saturated: str) -> pd.DataFrame:
        rows = self.trials(rate_per_s=1e6, saturated="no")
        for row, is_saturated in zip(self.waits(len(saturated), rate_per_s=1e6), saturated):
            row["saturated"] = is_saturated
            rows.append(row | ({"wait_p50_ns": "", "wait_p90_ns": "", "wait_p99_ns": "", "wait_p999_ns": "",
                                "wait_max_ns": "", "wait_count": ""} if is_saturated == "yes" else {}))
        return self.read(rows)

    def test_waits_of_a_cell_are_of_all_its_trials_or_of_none(self) -> None:
        run = self.open_waits(*["no"] * 7)
        self.assertGreater(cells(run)["wait_p50_ns"].iloc[0], 0)
        self.assertEqual(run.remarks, [])
        run = self.open_waits(*["no"] * 6, "yes")
        self.assertTrue(pd.isna(cells(run)["wait_p50_ns"].iloc[0]))
        self.assertEqual(len(run.latency()), 0)
        self.assertIn("1 of 1 cells", run.remarks[0])
        run = self.open_waits(*["yes"] * 7)
        self.assertEqual(run.remarks, [])
        self.assertIn("saturated in 7 of 14 trials", cells(run)["remarks"].iloc[0])

    def test_what_is_due_answers_no_question_of_throughput(self) -> None:
        run = self.read(self.trials(threads=2) + self.trials(lock="mcs", threads=2))
        self.assertEqual({1}, {a.n_situations for a in answer.answers(cells(run), Ranking.of(run))})
        run = self.read(self.trials(threads=2, rate_per_s=1e3) + self.trials(lock="mcs", threads=2, rate_per_s=1e3))
        self.assertEqual(answer.answers(cells(run), Ranking.of(run)), [])

    def test_what_the_rate_sets_is_no_handoff(self) -> None:
        rows = self.trials(threads=2, ops=1000, owner_changes=990)
        self.assertGreater(cells(self.read(rows))["handoff_ns"].iloc[0], 0)
        rows = self.trials(threads=2, ops=1000, owner_changes=990, rate_per_s=1000.0)
        self.assertTrue(pd.isna(cells(self.read(rows))["handoff_ns"].iloc[0]))

    def test_the_place_of_the_code_is_not_part_of_a_cell(self) -> None:
        rows = [row | {"code_layout": i % 4} for i, row in enumerate(self.trials(8))]
        table = cells(self.read(rows))
        self.assertEqual((len(table), table["speed"].iloc[0].n), (1, 8))

    def test_time_in_long_waits(self) -> None:
        text = self.text(self.trials() + self.waits(wait_time_1ms_pct=12.5))
        self.assertIn(">1ms%", text)
        self.assertIn("12", text)
        self.assertNotIn(">1ms%", self.text(self.trials() + self.waits()))


if __name__ == "__main__":
    unittest.main()
