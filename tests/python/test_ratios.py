# SPDX-License-Identifier: MIT
"""Two samples against each other: the interval covers, p is scipy's, parts are found and not imagined."""

from __future__ import annotations

import unittest
from typing import Callable

import numpy as np
from scipy.stats import kendalltau, mannwhitneyu

import support  # noqa: F401
from stats import ratios
from stats import shapes
from stats import inference

N_PAIRS = 4000
Shape = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def two_modes(share: float) -> Shape:
    return lambda rng, size: np.log(2) * (rng.random(size) < share) + rng.normal(0, 0.03, size)


# Of logarithms. Both samples of a pair have the same one, so that the ratio of the medians is 1.
SHAPES: dict[str, Shape] = {
    "lognormal, narrow": lambda rng, size: rng.normal(0, 0.03, size),
    "lognormal, wide": lambda rng, size: rng.normal(0, 0.6, size),
    "heavy tails": lambda rng, size: 0.05 * rng.standard_t(2, size),
    "Cauchy": lambda rng, size: 0.05 * rng.standard_cauchy(size),
    "skewed": lambda rng, size: np.log(rng.exponential(1, size)),
    "slow outliers": lambda rng, size: -0.1 * rng.exponential(1, size),
    "two modes, 30 %": two_modes(0.3),
    "two modes, 10 %": two_modes(0.1),
}


def samples(x: np.ndarray, y: np.ndarray) -> tuple[ratios.Samples, np.ndarray, np.ndarray]:
    """The rows of both, and the numbers of either's."""
    n_x, n_y = len(x), len(y)
    values = np.concatenate([x.ravel(), y.ravel()])
    numbers = np.repeat(np.arange(n_x + n_y), [x.shape[1]] * n_x + [y.shape[1]] * n_y)
    return ratios.Samples.of(values, numbers, n_x + n_y), np.arange(n_x), n_x + np.arange(n_y)


class Intervals(unittest.TestCase):
    def covered(self, x: np.ndarray, y: np.ndarray, bootstrap: bool = False) -> float:
        found = ratios.ratios(*samples(x, y), bootstrap)
        return float(np.mean((found.low <= 1) & (1 <= found.high)))

    def test_coverage(self) -> None:
        """What the head of ratios.py claims; 4000 pairs know it to within 0.8 %."""
        rng = np.random.default_rng(11)
        for name, shape in SHAPES.items():
            for n, m in ((6, 6), (7, 7), (7, 12), (9, 9), (15, 15), (30, 30)):
                with self.subTest(name, n=n, m=m):
                    covered = self.covered(shape(rng, (N_PAIRS, n)), shape(rng, (N_PAIRS, m)))
                    self.assertTrue(0.945 <= covered <= 0.99, covered)

    def test_coverage_where_one_spreads_more(self) -> None:
        rng = np.random.default_rng(12)
        for name, shape in SHAPES.items():
            middle = np.median(shape(rng, (1, 1_000_000)))
            for n, m in ((7, 7), (15, 15)):
                for wider in (3, 10):
                    with self.subTest(name, n=n, m=m, wider=wider):
                        covered = self.covered(wider * (shape(rng, (N_PAIRS, n)) - middle),
                                               shape(rng, (N_PAIRS, m)) - middle)
                        self.assertTrue(0.93 <= covered <= 0.99, covered)

    def test_coverage_of_the_bootstrap(self) -> None:
        """Also that it is no good where one sample spreads far more, which is why it is not the usual one."""
        rng = np.random.default_rng(12)
        for name, shape in SHAPES.items():
            with self.subTest(name):
                covered = self.covered(shape(rng, (N_PAIRS, 7)), shape(rng, (N_PAIRS, 7)), bootstrap=True)
                self.assertTrue(0.94 <= covered <= 0.98, covered)
        uneven = self.covered(rng.normal(0, 0.3, (N_PAIRS, 7)), rng.normal(0, 0.03, (N_PAIRS, 7)), bootstrap=True)
        self.assertTrue(0.875 <= uneven <= 0.91, uneven)

    def test_the_exact_bootstrap_is_what_resampling_comes_to(self) -> None:
        rng = np.random.default_rng(13)
        x, y = np.sort(rng.normal(0, 1, 7)), np.sort(rng.normal(0, 1, 9))
        resampled = np.median(x[rng.integers(0, 7, (400_000, 7))], axis=1) - np.median(
            y[rng.integers(0, 9, (400_000, 9))], axis=1)
        low, high = ratios.bootstrap_interval(x[None, :], y[None, :])
        differences = np.sort(np.subtract.outer(x, y).ravel())
        for limit, level in ((low[0], 0.025), (high[0], 0.975)):
            off = abs(np.searchsorted(differences, limit) - np.searchsorted(differences, np.quantile(resampled, level)))
            self.assertLessEqual(off, 1, "more than a step away")

    def test_drawn_medians_are_those_of_resamples(self) -> None:
        """The shortcut by beta distributions, of an even and an odd sample, against drawing whole resamples."""
        rng = np.random.default_rng(14)
        for n in (8, 31):
            x, y = rng.normal(0, 1, n), np.zeros(n)
            resampled = np.median(x[rng.integers(0, n, (20_000, n))], axis=1)
            low, high = ratios.bootstrap_interval(np.sort(x)[None, :], y[None, :])
            for limit, level in ((low[0], 0.025), (high[0], 0.975)):
                self.assertAlmostEqual(np.mean(resampled <= limit), level, delta=0.03)

    def test_swapping_the_samples_inverts_everything(self) -> None:
        rng = np.random.default_rng(15)
        all_samples, first, second = samples(rng.normal(0, 0.2, (50, 7)), rng.normal(0, 0.2, (50, 9)))
        there, back = ratios.ratios(all_samples, first, second), ratios.ratios(all_samples, second, first)
        np.testing.assert_allclose(there.value, 1 / back.value)
        np.testing.assert_allclose(there.low, 1 / back.high)
        np.testing.assert_allclose(there.p, back.p)

    def test_samples_of_all_sizes_keep_their_places(self) -> None:
        """Pairs are worked on by size; each must come out as if it were alone, and as inference.median has it."""
        rng = np.random.default_rng(16)
        sizes = rng.integers(0, 20, 60)
        numbers = rng.permutation(np.repeat(np.arange(60), sizes))
        values = rng.normal(0, 1, len(numbers))
        first, second = rng.integers(0, 60, 200), rng.integers(0, 60, 200)
        found = ratios.ratios(ratios.Samples.of(values, numbers, 60), first, second)
        for i, (a, b) in enumerate(zip(first, second)):
            x, y = (inference.median(values[numbers == number]) for number in (a, b))
            if not x.n or not y.n:
                self.assertTrue(np.isnan([found.value[i], found.low[i], found.high[i], found.p[i]]).all())
                continue
            difference = x.value - y.value
            np.testing.assert_allclose(np.log([found.low[i], found.value[i], found.high[i]]), [
                difference - np.hypot(x.value - x.low, y.high - y.value), difference,
                difference + np.hypot(x.high - x.value, y.value - y.low)], atol=1e-12)
            self.assertAlmostEqual(found.p[i], ratios.mann_whitney(
                *(np.sort(values[numbers == number])[None, :] for number in (a, b)))[0])


class MannWhitney(unittest.TestCase):
    def test_as_scipy(self) -> None:
        rng = np.random.default_rng(17)
        for n, m in ((1, 1), (7, 7), (6, 9), (25, 31), (50, 50), (60, 70)):
            x, y = np.sort(rng.normal(0, 1, (20, n))), np.sort(rng.normal(0.5, 1, (20, m)))
            method = "exact" if n * m <= ratios.MAX_EXACT_U else "asymptotic"
            expected = [mannwhitneyu(a, b, method=method).pvalue for a, b in zip(x, y)]
            np.testing.assert_allclose(ratios.mann_whitney(x, y), expected, rtol=1e-9, err_msg=f"{n} against {m}")

    def test_ties_as_scipy(self) -> None:
        rng = np.random.default_rng(18)
        for n, m in ((7, 7), (60, 70)):
            x, y = (np.sort(np.round(rng.normal(0, 1, (50, k)), 1)) for k in (n, m))
            tied = [i for i in range(50) if len(np.unique(np.r_[x[i], y[i]])) < n + m]
            self.assertTrue(tied)
            expected = [mannwhitneyu(x[i], y[i], method="asymptotic").pvalue for i in tied]
            np.testing.assert_allclose(ratios.mann_whitney(x, y)[tied], expected)

    def test_all_values_equal_is_no_difference(self) -> None:
        self.assertEqual(ratios.mann_whitney(np.ones((1, 7)), np.ones((1, 7)))[0], 1)

    def test_the_smallest_p_of_seven_against_seven(self) -> None:
        p = ratios.mann_whitney(np.arange(7.0)[None, :], np.arange(7.0, 14)[None, :])
        self.assertAlmostEqual(p[0], 2 / 3432)


class Correction(unittest.TestCase):
    def test_what_it_rejects_is_what_the_rule_rejects(self) -> None:
        """The paper's rule: the k smallest, where k is the last with p(k) <= k/m * level."""
        p = np.random.default_rng(19).random(50) ** 3
        adjusted = ratios.benjamini_hochberg(p)
        for level in (0.001, 0.01, 0.05, 0.2, 0.9):
            below = np.flatnonzero(np.sort(p) <= np.arange(1, 51) / 50 * level)
            limit = np.sort(p)[below[-1]] if len(below) else -1
            np.testing.assert_array_equal(adjusted <= level, p <= limit)

    def test_by_hand(self) -> None:
        np.testing.assert_allclose(ratios.benjamini_hochberg(np.array([0.04, 0.01, 0.03, 0.5])),
                                   [0.16 / 3, 0.04, 0.16 / 3, 0.5])

    def test_what_was_not_tested_is_not_in_the_family(self) -> None:
        adjusted = ratios.benjamini_hochberg(np.array([np.nan, 0.04, np.nan, 0.01]))
        np.testing.assert_allclose(adjusted, [np.nan, 0.04, np.nan, 0.02])
        self.assertEqual(len(ratios.benjamini_hochberg(np.zeros(0))), 0)


class Parts(unittest.TestCase):
    def test_modes_of_many_rows_are_those_of_each(self) -> None:
        rng = np.random.default_rng(20)
        x = np.sort(np.concatenate([two_modes(0.4)(rng, (50, 9)), rng.normal(0, 0.05, (50, 9))]), axis=1)
        together = shapes.modes(x)
        self.assertGreater(np.count_nonzero(together.n_first[:50]), 35)
        self.assertEqual(np.count_nonzero(together.n_first[50:]), 0)
        for i, row in enumerate(x):
            alone = shapes.modes(row[None, :])
            np.testing.assert_array_equal([part[i] for part in together], [part[0] for part in alone])

    def test_modes_are_the_medians_of_their_members(self) -> None:
        low, high = [0.0, 0.01, 0.02], [1.0, 1.01, 1.05, 1.06]
        parts = shapes.modes(np.array([low + high]))
        self.assertEqual(parts.n_first[0], 3)
        self.assertAlmostEqual(parts.first[0], 0.01)
        self.assertAlmostEqual(parts.second[0], 1.03)

    def test_drift_is_found_and_hardly_ever_imagined(self) -> None:
        rng = np.random.default_rng(21)
        noise = rng.normal(0, 0.05, (2000, 9))
        self.assertLess(np.mean(shapes.drifts(noise, 0.05).n_first > 0), 0.012)
        falling = shapes.drifts(noise[:200] - np.linspace(0, 0.5, 9), 0.05)
        self.assertGreater(np.mean(falling.n_first > 0), 0.95)
        self.assertTrue((falling.first > falling.second)[falling.n_first > 0].all())
        self.assertFalse(shapes.drifts(np.linspace(0, 0.02, 9)[None, :], 0.05).n_first[0], "too small to matter")

    def test_the_trend_is_kendalls(self) -> None:
        rng = np.random.default_rng(22)
        for n in (7, 15, 41):
            for row in rng.normal(0, 1, (20, n)) + np.linspace(0, 2, n):
                expected = kendalltau(np.arange(n), row).pvalue
                found = shapes.drifts(row[None, :], 0).n_first[0] > 0
                self.assertEqual(found, expected < shapes.DRIFT_P, (n, expected))


if __name__ == "__main__":
    unittest.main()
