# SPDX-License-Identifier: MIT
"""Verdicts: calibrated on simulated runs, and withheld where a median does not stand for its sample."""

from __future__ import annotations

import unittest
from typing import Any, Callable

import numpy as np
import pandas as pd

import support
from compare import verdicts
from results import reading
from compare.trials import Trials
from compare.verdicts import FASTER, NONE, SLOWER

MARGIN = 0.05
Noise = Callable[[np.random.Generator, int], np.ndarray]
NOISES: dict[str, Noise] = {
    "narrow": lambda rng, n: rng.lognormal(0, 0.03, n),
    "wide": lambda rng, n: rng.lognormal(0, 0.4, n),
    "heavy tails": lambda rng, n: np.exp(0.05 * rng.standard_t(2, n)),
    "two modes": lambda rng, n: np.where(rng.random(n) < 0.3, 2, 1) * rng.lognormal(0, 0.03, n),
    "slow outliers": lambda rng, n: np.exp(-0.1 * rng.exponential(1, n)),
}


def sample(lock: str, rates: Any, threads: int = 2, **given: Any) -> list[support.Row]:
    """A cell's trials with these rates, in this order."""
    base = support.trial(np.random.default_rng(1), "mcs", threads)
    return [{**base, "lock": lock, "ops_per_s": rate, "duration_s": 1000, "line_ns": 50, **given} for rate in rates]


class Compared(support.FolderTest):
    def compare(self, rows: list[support.Row], baseline: str | None = None, metric: str = "ops_per_s",
                by: str = "lock") -> pd.DataFrame:
        """The pairs, with the locks' names."""
        run = reading.load(support.write(self.folder, support.numbered(rows)))
        trials = Trials.of([run], metric, MARGIN)
        table = verdicts.compare(trials, verdicts.within(trials.cells, by, baseline))
        names = verdicts.entries(trials.cells, by)
        return table.assign(name=names.loc[table["first"]].to_numpy(), against=names.loc[table["second"]].to_numpy())

    def one(self, rows: list[support.Row], **given: Any) -> Any:
        table = self.compare(rows, **given)
        self.assertEqual(len(table), 1)
        return next(table.itertuples())


class Calibration(Compared):
    def experiment(self, noise: Noise, slowed_by: float, n: int, seed: int, drift: float = 0) -> pd.DataFrame:
        """240 cells with two locks of one speed, or one slowed, their trials interleaved as a run's are."""
        rng = np.random.default_rng(seed)
        rows = [row for i in range(240) for lock, speed in (("a", 1), ("b", 1 / (1 + slowed_by)))
                for row in sample(lock, 1e6 * (1 + i) * speed * noise(rng, n), cs_ns=i)]
        rows = [rows[i] for i in rng.permutation(len(rows))]
        for i, row in enumerate(rows):
            row["ops_per_s"] *= 1 + drift * i / len(rows)
        return self.compare(rows, baseline="a")

    def test_the_same_lock_under_two_names_is_no_different(self) -> None:
        """A/A: at most 5 % false verdicts, whatever the noise and with a machine that slows down meanwhile."""
        for seed, (name, noise) in enumerate(NOISES.items()):
            for n, drift in ((7, 0.0), (15, 0.0), (7, -0.2)):
                with self.subTest(name, n=n, drift=drift):
                    table = self.experiment(noise, 0, n, seed, drift)
                    self.assertEqual(len(table), 240)
                    self.assertLessEqual(np.mean(table["verdict"] != NONE), 0.05)
                    self.assertLessEqual(np.mean((table["low"] > 1) | (table["high"] < 1)), 0.075, "before correction")

    def test_a_lock_slowed_by_a_tenth_is_found(self) -> None:
        """A/B: in at least 90 %, where the noise allows it, and never in the wrong direction."""
        for name, n in (("narrow", 7), ("narrow", 9), ("slow outliers", 30)):
            with self.subTest(name, n=n):
                verdict = self.experiment(NOISES[name], 0.10, n, 5)["verdict"]
                self.assertGreaterEqual(np.mean(verdict == SLOWER), 0.90)
                self.assertEqual(np.count_nonzero(verdict == FASTER), 0)

    def test_most_false_alarms_are_avoided_when_few_of_many_differ(self) -> None:
        """The correction at work: among 240 pairs 24 differ, by half, and hardly one verdict in twenty is wrong."""
        rng = np.random.default_rng(6)
        rows = [row for i in range(240) for lock in ("a", "b")
                for row in sample(lock, (0.5 if lock == "b" and i < 24 else 1) * NOISES["wide"](rng, 15), cs_ns=i)]
        table = self.compare(rows, baseline="a")
        section = np.arange(240)
        shown = (table["verdict"] != NONE).to_numpy()
        self.assertGreaterEqual(shown.sum(), 12)
        self.assertLessEqual(np.mean(section[shown] >= 24), 0.10)


class Verdicts(Compared):
    NEAR = np.array([1, 1.01, 0.99, 1.005, 0.995, 1.02, 0.98])

    def test_which_is_faster(self) -> None:
        found = self.one(sample("a", 100 * self.NEAR) + sample("b", 150 * self.NEAR))
        self.assertEqual((found.name, found.against, found.verdict), ("b", "a", FASTER))
        self.assertAlmostEqual(found.ratio, 1.5)
        self.assertTrue(1.4 < found.low < 1.5 < found.high < 1.6)
        found = self.one(sample("a", 100 * self.NEAR) + sample("b", 150 * self.NEAR), baseline="b")
        self.assertEqual((found.name, found.verdict), ("a", SLOWER))

    def test_a_longer_wait_is_slower(self) -> None:
        rows = [{**row, "wait_p99_ns": row["ops_per_s"], "ops_per_s": ""}
                for row in sample("a", 100 * self.NEAR) + sample("b", 150 * self.NEAR)]
        found = self.one(rows, baseline="a", metric="wait_p99_ns")
        self.assertEqual((found.verdict, round(found.ratio, 2)), (SLOWER, 1.5))
        found = self.one(rows, metric="wait_p99_ns")
        self.assertEqual((found.name, found.verdict), ("a", FASTER), "the better one first")

    def test_within_the_margin_is_nothing_however_sure(self) -> None:
        found = self.one(sample("a", 100 * self.NEAR ** 0.1) + sample("b", 104 * self.NEAR ** 0.1))
        self.assertGreater(found.low, 1)
        self.assertEqual(found.verdict, NONE)

    def test_few_trials_show_nothing(self) -> None:
        for n in (1, 5):
            found = self.one(sample("a", 100 * self.NEAR) + sample("b", 900 * self.NEAR[:n]))
            self.assertEqual((found.verdict, found.few, np.isnan(found.p_adjusted)), (NONE, True, True))

    def test_no_operation_at_all_is_slower_than_any(self) -> None:
        found = self.one(sample("a", 1e6 * self.NEAR) + sample("b", [0] * 7), baseline="a")
        self.assertEqual(found.verdict, SLOWER)
        self.assertTrue(0 < found.ratio < 1e-4)

    def test_failed_trials_are_no_measurements_but_are_told(self) -> None:
        rows = sample("a", 100 * self.NEAR) + sample("b", 100 * self.NEAR)
        for row in rows[-3:]:
            row.update(status="timeout", ops_per_s="")
        found = self.one(rows)
        self.assertEqual((sorted([found.n, found.n_against]), found.failed, found.few), ([4, 7], True, True))


class Flags(Compared):
    NEAR = Verdicts.NEAR

    def test_two_modes_are_not_averaged(self) -> None:
        """b's median is 30 % above a's, and all of its trials are, but for a's upper mode, which is above all."""
        a = [100, 101, 99, 100.5, 260, 265, 262]
        found = self.one(sample("a", a) + sample("b", 130 * self.NEAR))
        self.assertEqual((found.modes, found.verdict), (True, NONE))

    def test_two_modes_give_a_verdict_where_the_nearest_are_apart_too(self) -> None:
        a = [100, 101, 99, 100.5, 260, 265, 262]
        found = self.one(sample("a", a) + sample("b", 400 * self.NEAR))
        self.assertEqual((found.modes, found.verdict), (True, FASTER))

    def test_drift_is_not_averaged(self) -> None:
        """The late half of b is no faster than a, however clear all its trials together are."""
        falling = 120 * np.linspace(1.22, 0.78, 15)
        found = self.one(sample("a", 100 * np.resize(self.NEAR, 15)) + sample("b", falling))
        self.assertEqual((found.drift, found.verdict), (True, NONE))
        self.assertGreater(found.low, 1)
        found = self.one(sample("a", 100 * np.resize(self.NEAR, 15)) + sample("b", 3 * falling))
        self.assertEqual((found.drift, found.verdict), (True, FASTER))

    def test_another_line_transfer_is_told_and_no_verdict_is_built_on_it(self) -> None:
        near, far = sample("a", 100 * self.NEAR, line_ns=40), sample("b", 50 * self.NEAR, line_ns=150)
        found = self.one(near + far)
        self.assertEqual((found.line, found.few, found.verdict), (True, True, NONE))

    def test_alike_trials_are_compared_where_there_are_enough(self) -> None:
        """Near trials of either lock are alike; those of b after a slow transfer are left out."""
        rows = sample("a", 100 * self.NEAR, line_ns=40) + sample("b", 80 * self.NEAR, line_ns=42)
        rows += sample("b", np.resize(30 * self.NEAR, 20), line_ns=150)
        found = self.one(rows, baseline="a")
        self.assertEqual((found.line, found.n, found.n_against, found.verdict), (True, 7, 7, SLOWER))
        self.assertAlmostEqual(found.ratio, 0.8)

    def test_a_thread_alone_moves_no_lines(self) -> None:
        near, far = (sample(lock, rate * self.NEAR, threads=1, line_ns=line)
                     for lock, rate, line in (("a", 100, 40), ("b", 50, 150)))
        self.assertEqual(self.one(near + far).verdict, FASTER)


class Bounds(Compared):
    """Waits of which some were open at the close, of 0.1 s; a is held against b."""

    NEAR = Verdicts.NEAR

    def waits(self, lock: str, median_ns: float, n_open: int = 0) -> list[support.Row]:
        rows = [{**row, "wait_max_ns": row["ops_per_s"], "ops_per_s": "", "waits_open": 0}
                for row in sample(lock, median_ns * self.NEAR)]
        for row in rows[:n_open]:
            row.update(wait_max_ns=0.98e8, waits_open=1, wait_bound_from_q=0.9)
        return rows

    def against(self, a: list[support.Row], b: list[support.Row]) -> Any:
        return self.one(a + b, baseline="b", metric="wait_max_ns")

    def test_two_bounds_are_not_ranked(self) -> None:
        found = self.against(self.waits("a", 1e6, 7), [{**row, "wait_max_ns": 0.2e8} for row in self.waits("b", 1, 7)])
        self.assertEqual((found.verdict, found.bound, np.isnan(found.ratio)), (NONE, True, True))

    def test_a_bound_is_longer_than_a_shorter_value(self) -> None:
        found = self.against(self.waits("a", 1e6, 7), self.waits("b", 1e6))
        self.assertEqual((found.verdict, found.bound, found.high), (SLOWER, True, np.inf))
        self.assertEqual(self.against(self.waits("a", 1e6), self.waits("b", 1e6, 7)).verdict, FASTER)

    def test_a_bound_is_not_shorter_than_a_longer_value(self) -> None:
        longer = self.waits("b", 9e8)
        self.assertEqual(self.against(self.waits("a", 1e6, 7), longer).verdict, NONE)
        self.assertEqual(self.against(self.waits("a", 1e6), longer).verdict, FASTER)

    def test_few_bounds_far_above_the_median_leave_it_a_value(self) -> None:
        found = self.against(self.waits("a", 1e6, 1), self.waits("b", 4e6))
        self.assertEqual((found.bound, found.verdict), (True, NONE), "of 7 one bound has the upper end of the interval")
        a = [row for _ in range(3) for row in self.waits("a", 1e6)] + self.waits("a", 1e6, 1)
        b = [row for _ in range(4) for row in self.waits("b", 4e6)]
        self.assertEqual(self.against(a, b).verdict, FASTER)


class Pairing(Compared):
    def pairs(self, rows: list[support.Row], **given: Any) -> list[tuple[str, str]]:
        table = self.compare(rows, **given)
        return list(zip(table["name"], table["against"]))

    def test_locks_against_each_other_but_no_baselines(self) -> None:
        rows = support.matrix(locks=["empty", "mcs", "futex", "ticket"], threads=(1, 2), repetitions=7)
        pairs = self.pairs(rows)
        self.assertEqual(len(pairs), 6)
        self.assertCountEqual({frozenset(pair) for pair in pairs},
                              map(frozenset, (("mcs", "futex"), ("mcs", "ticket"), ("futex", "ticket"))))
        self.assertTrue((self.compare(rows)["ratio"] >= 1).all(), "the better one first")

    def test_a_baseline_can_be_the_baseline(self) -> None:
        rows = support.matrix(locks=["empty", "mcs", "futex"], threads=(2,), repetitions=7)
        self.assertCountEqual(self.pairs(rows, baseline="empty"), [("mcs", "empty"), ("futex", "empty")])

    def test_by_threads_and_by_placement(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], threads=(1, 2, 4), repetitions=2)
        self.assertCountEqual(self.pairs(rows, by="threads", baseline="1"), [("2", "1"), ("4", "1")] * 2)
        rows += support.matrix(locks=["mcs", "futex"], threads=(1, 2, 4), repetitions=2, placement="scatter")
        self.assertEqual(self.pairs(rows, by="placement", baseline="compact"), [("scatter", "compact")] * 6)

    def test_readers_are_part_of_the_threads(self) -> None:
        rows = [row for n in (2, 3) for row in support.matrix(
            locks=["mcs"], threads=(n,), repetitions=1, read_pct="", readers=n - 1, writers=1)]
        self.assertEqual(self.pairs(rows, by="threads", baseline="2 (1 reader)"), [("3 (2 readers)", "2 (1 reader)")])

    def test_machines_in_one_file_are_kept_apart(self) -> None:
        rows = [row for host in "xyz" for row in support.matrix(
            locks=["mcs", "futex"], threads=(2,), repetitions=7, host=host, run_id=host)]
        self.assertEqual(len(self.compare(rows)), 3)

    def test_an_unknown_baseline_is_named(self) -> None:
        with self.assertRaisesRegex(reading.ResultsError, "no lock 'nosuch'.*there is: .*mcs"):
            self.compare(support.matrix(repetitions=1), baseline="nosuch")


if __name__ == "__main__":
    unittest.main()
