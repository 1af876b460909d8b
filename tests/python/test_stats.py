# SPDX-License-Identifier: MIT
"""Statistics: do intervals cover, do verdicts hold back, are modes and drift found and not imagined."""

from __future__ import annotations

import unittest
from typing import Callable

import numpy as np

import support  # noqa: F401
from compare import verdicts
from compare.ranking import Ranking
from stats import inference
from stats.inference import Median
from common import units

N_SAMPLES = 400
# Each with a true median of 1.
SHAPES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(1, 0.1, n),
    "skewed": lambda rng, n: rng.lognormal(0, 0.6, n),
    "heavy tails": lambda rng, n: 1 + 0.1 * rng.standard_t(3, n),
    "two modes": lambda rng, n: 1 + np.where(rng.random(n) < 0.5, -0.5, 0.5) + rng.normal(0, 0.2, n),
}


class Intervals(unittest.TestCase):
    def test_coverage(self) -> None:
        rng = np.random.default_rng(7)
        for name, shape in SHAPES.items():
            for n in (6, 7, 8, 9, 12, 15, 40):
                with self.subTest(name, n=n):
                    medians = [inference.median(shape(rng, n)) for _ in range(N_SAMPLES)]
                    covered = np.mean([m.low <= 1 <= m.high for m in medians])
                    self.assertTrue(0.90 <= covered <= 0.995, covered)

    def test_known_interval(self) -> None:
        """n = 7 lies between [x1, x7], which covers 98.44 %, and [x2, x6], which covers 87.5 %: worked out by hand."""
        share = (0.984375 - 0.95) / (0.984375 - 0.875)
        weight = 6 * share / (1 + 5 * share)
        m = inference.median([5, 1, 4, 3, 2, 7, 6])
        self.assertEqual((m.n, m.value), (7, 4))
        self.assertAlmostEqual(m.low, 1 + weight)
        self.assertAlmostEqual(m.high, 7 - weight)
        self.assertAlmostEqual(m.half_width, (6 - 2 * weight) / 8)

    def test_even_numbers_and_order(self) -> None:
        values = np.array([4.0, 1, 3, 2, 9, 8, 5, 7])
        self.assertEqual(inference.median(values).value, 4.5)
        self.assertEqual(inference.median(values), inference.median(np.sort(values)))

    def test_more_trials_narrow_the_interval(self) -> None:
        rng = np.random.default_rng(1)
        few, many = (np.mean([inference.median(rng.normal(1, 0.1, n)).half_width for _ in range(100)]) for n in (7, 70))
        self.assertLess(many, few / 2)

    def test_few_trials_give_the_range_and_say_so(self) -> None:
        m = inference.median([3, 1, 2, 5, 4])
        self.assertEqual((m.low, m.value, m.high, m.has_interval), (1, 3, 5, False))
        self.assertTrue(inference.median([1] * 6).has_interval)

    def test_what_was_not_measured_does_not_count(self) -> None:
        self.assertEqual(inference.median([np.nan, 2, np.nan, 1, 3]), inference.median([1, 2, 3]))
        nothing = inference.median([np.nan])
        self.assertEqual(nothing.n, 0)
        self.assertTrue(np.isnan(nothing.value))


class Verdicts(unittest.TestCase):
    """Of two samples that are compared with nothing else."""

    def test_same_lock_twice_is_hardly_ever_different(self) -> None:
        rng = np.random.default_rng(3)
        for name, shape in SHAPES.items():
            for n in (7, 15):
                with self.subTest(name, n=n):
                    false = [verdicts.differ(*(np.exp(shape(rng, n)) for _ in range(2))) for _ in range(300)]
                    self.assertLessEqual(np.mean(false), 0.05)

    def test_a_clear_difference_is_found(self) -> None:
        rng = np.random.default_rng(4)
        found = [verdicts.differ(rng.normal(1, 0.03, 9), rng.normal(0.85, 0.03, 9)) for _ in range(200)]
        self.assertGreater(np.mean(found), 0.9)

    def test_a_small_difference_is_none_however_sure(self) -> None:
        near = 1 + np.linspace(-0.001, 0.001, 9)
        self.assertFalse(verdicts.differ(1.04 * near, near))
        self.assertTrue(verdicts.differ(1.06 * near, near))

    def test_few_values_show_nothing(self) -> None:
        self.assertFalse(verdicts.differ([1, 1.01, 1.02, 1.03, 1.04], [9, 9.1, 9.2, 9.3, 9.4, 9.5, 9.6]))


class Marks(unittest.TestCase):
    def test_what_cannot_be_told_apart_shares_a_place(self) -> None:
        ranking = Ranking([], frozenset({(0, 2), (0, 3), (1, 2), (2, 4)}))
        self.assertEqual(ranking.marks(range(5), [Median(9, 1, 1, 1)] * 5), ["1", "=", "3", "=", "5"])

    def test_too_few_trials_have_no_place(self) -> None:
        medians = [Median(n, 1, 1, 1) for n in (5, 9, 1)]
        self.assertEqual(Ranking([], frozenset()).marks(range(3), medians), ["?", "2", "?"])
        self.assertEqual(Ranking([], frozenset()).marks([], []), [])


class Modes(unittest.TestCase):
    def test_one_mode_is_not_split(self) -> None:
        rng = np.random.default_rng(5)
        for name, sample in {"normal": lambda n: rng.normal(1, 0.01, n), "wide": lambda n: rng.lognormal(0, 0.3, n),
                             "tails": lambda n: np.exp(0.1 * rng.standard_t(3, n))}.items():
            for n in (7, 10, 20):
                with self.subTest(name, n=n):
                    found = [inference.two_modes(sample(n)) is not None for _ in range(N_SAMPLES)]
                    self.assertLess(np.mean(found), 0.04)

    def test_two_modes_are_found_with_their_members(self) -> None:
        rng = np.random.default_rng(6)
        for n_low in (2, 4):
            found = 0
            for _ in range(100):
                values = np.concatenate([rng.normal(3.4, 0.2, n_low), rng.normal(11, 0.5, 9 - n_low)])
                modes = inference.two_modes(values)
                if modes:
                    found += 1
                    self.assertEqual(modes.upper.tolist(), [False] * n_low + [True] * (9 - n_low))
                    self.assertAlmostEqual(modes.low, 3.4, delta=0.7)
            self.assertGreaterEqual(found, 95)

    def test_no_verdict_on_few_values_outliers_or_zeros(self) -> None:
        self.assertIsNone(inference.two_modes([1, 1, 1, 9, 9, 9]))
        self.assertIsNone(inference.two_modes([1, 1.1, 1.02, 0.98, 0.9, 1.05, 9]))
        self.assertIsNone(inference.two_modes([0, 0, 0, 0, 9, 9, 9, 9]))


class Drifts(unittest.TestCase):
    def run_of(self, change: float, seed: int, noise: float = 0.03) -> inference.Drift | None:
        """20 cells of very different speed, 9 trials each in random order, changing by `change` half-way."""
        rng = np.random.default_rng(seed)
        cells = rng.permutation(np.repeat(np.arange(20), 9))
        order = np.arange(len(cells))
        values = 10.0 ** (cells % 7) * rng.lognormal(0, noise, len(cells)) * np.where(order < 90, 1, 1 + change)
        return inference.drift(order, values, cells)

    def test_found_and_measured(self) -> None:
        drift = self.run_of(-0.10, 1)
        assert drift
        self.assertTrue(drift.shown)
        self.assertAlmostEqual(drift.change, -0.10, delta=0.02)

    def test_not_imagined(self) -> None:
        drifts = [self.run_of(0, seed, noise=0.3) for seed in range(200)]
        self.assertLess(np.mean([drift is not None and drift.shown for drift in drifts]), 0.03)
        steady = inference.Drift(change=0.01, p=1e-9)
        self.assertFalse(steady.shown, "sure, but too small to matter")

    def test_silent_where_nothing_can_be_said(self) -> None:
        self.assertIsNone(inference.drift(np.arange(50), np.ones(50), np.arange(50)))
        self.assertIsNone(inference.drift(np.zeros(50), np.ones(50), np.zeros(50)))
        self.assertIsNone(inference.drift(np.array([]), np.array([]), np.array([])))


class Units(unittest.TestCase):
    def test_five_characters_at_most(self) -> None:
        for exponent in np.linspace(0, 11.9, 500):
            for text in (units.count(10 ** exponent), units.duration(10 ** exponent)):
                self.assertLessEqual(len(text), 5, text)

    def test_as_read(self) -> None:
        self.assertEqual([units.duration(v) for v in (0, 1, 16.4, 999.7, 1234, 344e6, 1.4e9)],
                         ["0ns", "1ns", "16ns", "1.0us", "1.2us", "344ms", "1.4s"])
        self.assertEqual([units.count(v) for v in (0, 42, 999, 1234, 18.2e6, float("nan"))],
                         ["0", "42", "999", "1.23k", "18.2M", ""])

    def test_rates_below_a_tenth_of_a_million_are_thousands_or_ones(self) -> None:
        self.assertEqual([units.count(v) for v in (156.71e6, 18.8e6, 4.625e6, 250e3, 99.94e3, 42100, 320, 8.25, 0.5)],
                         ["157M", "18.8M", "4.63M", "250k", "99.9k", "42.1k", "320", "8.25", "0.5"])

    def test_two_digits_without_an_exponent(self) -> None:
        self.assertEqual([units.rough(v) for v in (0, 0.034, 0.5, 1, 7.66, 10, 99, 99.7, 100, 380000)],
                         ["0", "0.034", "0.5", "1", "7.7", "10", "99", "100", "100", "380000"])

    def test_as_a_page_writes_it(self) -> None:
        self.assertEqual([units.spaced(text) for text in ("10us", ">=1.2ms", "66.7k", "1.2M to 22M/s", "8/s", "0.5")],
                         ["10 µs", "≥ 1.2 ms", "66.7 k", "1.2 M to 22 M/s", "8/s", "0.5"])


if __name__ == "__main__":
    unittest.main()
