# SPDX-License-Identifier: MIT
"""A twin, one lock under two names, sets the least difference that a run may claim."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np

import support
import verb
from compare import verdicts
from compare.ranking import Ranking
from compare.trials import Trials
from compare.verdicts import NONE
from results import reading
from report import summary

NEAR = np.array([1, 1.002, 0.998, 1.001, 0.999, 1.003, 0.997])
TWIN: dict[str, Any] = {"kind": "baseline", "twin_of": "ticket"}


def cell(lock: str, rate: float, threads: int = 2, **given: Any) -> list[support.Row]:
    """Seven trials within 0.3 % of that rate, in operations per second."""
    base = support.trial(np.random.default_rng(1), "ticket", threads)
    return [{**base, "lock": lock, "ops_per_s": rate * near, "line_ns": 50, **given} for near in NEAR]


class Case(support.FolderTest):
    def read(self, rows: list[support.Row]) -> reading.Run:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return reading.load(support.write(folder, support.numbered(rows), support.HOST))

    def shown(self, rows: list[support.Row]) -> int:
        return len(Ranking.of(self.read(rows)).shown)

    def floor(self, rows: list[support.Row]) -> dict[float, float]:
        """By number of threads."""
        cells = Trials.of([self.read(rows)], "ops_per_s", 0.05).cells
        return {n: cells.loc[cells["threads"] == n, "floor"].iloc[0] for n in cells["threads"].unique()}


class Floor(Case):
    def test_no_smaller_difference_is_claimed(self) -> None:
        """The twin is 20 % slower than itself: 15 % between two locks are nothing, 30 % are something."""
        twins = cell("ticket", 1e6) + cell("twin", 0.8e6, **TWIN)
        self.assertAlmostEqual(self.floor(twins)[2], 0.25)
        for factor, n_shown in ((1.15, 0), (1.30, 1)):
            with self.subTest(factor):
                pair = cell("a", 5e6) + cell("b", 5e6 * factor)
                self.assertEqual(self.shown(pair), 1, "without a twin the margin holds")
                self.assertEqual(self.shown(pair + cell("twin", 0.8e6, **TWIN)), 1, "a twin alone tells nothing")
                among_pair = Ranking.of(self.read(pair + twins)).shown
                self.assertEqual(len({p for p in among_pair if p in {(0, 1), (1, 0)}}), n_shown)

    def test_a_twin_is_no_competitor(self) -> None:
        trials = Trials.of([self.read(cell("ticket", 1e6) + cell("twin", 0.5e6, **TWIN) + cell("a", 2e6))], "ops_per_s",
                           0.05)
        self.assertEqual(len(verdicts.within(trials.cells, "lock", None).first), 1)

    def test_each_regime_has_its_own(self) -> None:
        rows = [row for threads, factor in ((1, 1.01), (2, 1.20), (4, 1.50))
                for row in cell("ticket", 1e6, threads) + cell("twin", 1e6 * factor, threads, **TWIN)]
        found = self.floor(rows)
        for threads, floor in ((1, 0.01), (2, 0.20), (4, 0.50)):
            self.assertAlmostEqual(found[threads], floor)

    def test_of_many_differences_one_in_twenty_may_be_larger(self) -> None:
        rows = [row for i in range(40) for row in cell("ticket", 1e6, cs_ns=i)
                + cell("twin", 1e6 * (1.9 if i == 0 else 1 + i / 1000), cs_ns=i, **TWIN)]
        self.assertAlmostEqual(self.floor(rows)[2], 0.039)

    def test_few_trials_and_few_operations_tell_nothing(self) -> None:
        few = cell("ticket", 1e6) + cell("twin", 0.5e6, **TWIN)[:5]
        self.assertTrue(np.isnan(self.floor(few)[2]))
        coarse = cell("ticket", 50) + cell("twin", 70, **TWIN)  # 5 and 7 in a window of 0.1 s
        self.assertTrue(np.isnan(self.floor(coarse)[2]))


class Steps(Case):
    def test_a_difference_of_one_operation_is_none(self) -> None:
        """Five or six in each window, and always so: that is where the window was cut."""
        self.assertEqual(self.shown(cell("a", 50) + cell("b", 60)), 0)
        self.assertEqual(self.shown(cell("a", 50) + cell("b", 90)), 1)
        self.assertEqual(self.shown(cell("a", 5000) + cell("b", 6000)), 1)


class Calibration(Case):
    def test_a_build_that_favours_one_place_makes_no_verdicts(self) -> None:
        """A/A where each lock has a place of its own in the build, good for up to 10 % either way, in all trials: no
        repetition averages that out. Most pairs differ by more than the margin; with the twin at most 5 % are shown."""
        rng = np.random.default_rng(8)
        rows = []
        for section in range(60):
            for lock in ("ticket", "twin", "a", "b", "c"):
                rates = 1e6 * rng.uniform(0.9, 1.1) * rng.lognormal(0, 0.01, 9)
                base = cell(lock, 1, cs_ns=section, **(TWIN if lock == "twin" else {}))[0]
                rows += [{**base, "ops_per_s": rate} for rate in rates]
        rows = [rows[i] for i in rng.permutation(len(rows))]
        n_pairs = 6 * 60
        without = self.shown([row for row in rows if row["lock"] != "twin"])
        self.assertGreater(without / n_pairs, 0.30)
        self.assertLessEqual(self.shown(rows) / n_pairs, 0.05)

    def test_a_difference_beyond_the_floor_is_found(self) -> None:
        rng = np.random.default_rng(9)
        rows = []
        for section in range(60):
            for lock, speed in (("ticket", 1.0), ("twin", 1.0), ("a", 1.0), ("b", 1 / 1.5)):
                base = cell(lock, 1, cs_ns=section, **(TWIN if lock == "twin" else {}))[0]
                place = rng.uniform(0.97, 1.03)
                rows += [{**base, "ops_per_s": 1e6 * speed * place * rate} for rate in rng.lognormal(0, 0.02, 9)]
        trials = Trials.of([self.read(support.numbered(rows))], "ops_per_s", 0.05)
        table = verdicts.compare(trials, verdicts.within(trials.cells, "lock", "b"))
        locks = trials.cells["lock"].astype(str).to_numpy()[table["first"]]
        self.assertGreaterEqual(np.mean(table["verdict"][np.isin(locks, ["a", "ticket"])] != NONE), 0.90)


class Told(Case):
    def text(self, rows: list[support.Row]) -> str:
        return " ".join(" ".join(summary.summary(self.read(rows))).split())

    def test_in_the_summary(self) -> None:
        text = self.text(cell("ticket", 1e6) + cell("twin", 0.8e6, **TWIN))
        self.assertIn("This run cannot tell locks apart below 25 % with a CPU for each thread: so far apart were "
                      "ticket and its twin", text)
        self.assertIn("is not known: no lock was measured twice", self.text(cell("ticket", 1e6)))
        self.assertIn("is not known: the twin of ticket has too few trials",
                      self.text(cell("ticket", 1e6) + cell("twin", 1e6, **TWIN)[:3]))

    def test_by_compare_also_across_runs(self) -> None:
        """Both runs have a twin, and the worse one counts: 15 % more are nothing when it is 25 % off."""
        calm = cell("ticket", 1e6) + cell("twin", 1e6, **TWIN)
        other = cell("ticket", 1e6) + cell("twin", 0.8e6, **TWIN) + cell("a", 1.15e6)
        runs = [str(self.read(rows).path) for rows in (calm + cell("a", 1e6), other)]
        for order in (runs, runs[::-1]):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                self.assertEqual(verb.run("compare", [*order, "--format", "json"]), 0)
            told = json.loads(out.getvalue())
            [found] = [c for c in told["comparisons"] if c["lock"] == "a"]
            self.assertEqual(found["verdict"], NONE)
            self.assertTrue(any("cannot tell locks apart below 25 %" in note for note in told["notes"]))


if __name__ == "__main__":
    unittest.main()
