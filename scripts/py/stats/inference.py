# SPDX-License-Identifier: MIT
"""What a handful of trials can and cannot show.

The interval of a median is the interpolated order-statistic interval of Hettmansperger & Sheather (Statistics &
Probability Letters 4, 1986): it assumes no shape, needs no random numbers, and covers 93.5 to 96 % for n = 6 to 20
on normal, skewed, heavy-tailed and two-mode samples. The percentile bootstrap is not used at these sizes: resampling
a median only picks order statistics with binomial weights (Efron 1982, ch. 10), so it too is an interval between two
order statistics, but a badly chosen one: [x(2), x(6)] at n = 7, which covers 87.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom, mannwhitneyu

from stats import shapes

LEVEL = 0.95
# Even the whole range of five values misses the median in 2/2^5 = 6 % of samples: no 95 % interval exists.
MIN_TRIALS = 6
# A difference smaller than this is not worth a verdict, however narrow the intervals are.
MARGIN = 0.05


def says_nothing(value: float, low: float, high: float) -> bool:
    """THE rule for an interval that is not worth printing: it is wider than the value that it belongs to, as -51 +251 %
    is. What shows one to people shows `?` instead; files for programs keep the numbers."""
    return high - low > value


@dataclass(frozen=True)
class Median:
    """A median with its 95 % interval; below MIN_TRIALS low and high are the range, and nothing is shown by them."""

    n: int
    value: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        return self.n >= MIN_TRIALS

    @property
    def says_nothing(self) -> bool:
        return says_nothing(self.value, self.low, self.high)

    @property
    def half_width(self) -> float:
        """Relative half-width: 0.05 means that the interval is 10 % of the median wide."""
        return (self.high - self.low) / (2 * self.value) if self.value else float("nan")


def median(values: ArrayLike) -> Median:
    """The median of the values that were measured; NaN throughout where none was."""
    x = np.sort(np.asarray(values, dtype=float))
    x = x[: len(x) - np.count_nonzero(np.isnan(x))]  # sorting puts NaN last
    n = len(x)
    if n == 0:
        return Median(0, *[float("nan")] * 3)
    middle = float(x[(n - 1) // 2] + x[n // 2]) / 2
    if n < MIN_TRIALS:
        return Median(n, middle, float(x[0]), float(x[-1]))
    k, weight = order_statistics(n)
    return Median(n, middle, float((1 - weight) * x[k - 1] + weight * x[k]),
                  float((1 - weight) * x[n - k] + weight * x[n - k - 1]))


@lru_cache(maxsize=None)
def order_statistics(n: int) -> tuple[int, float]:
    """The interval lies between [x(k), x(n-k+1)], which covers enough, and the next narrower one, at this weight."""
    if n < MIN_TRIALS:
        return 1, 0.0
    coverage = 1 - 2 * binom.cdf(np.arange(n // 2 + 1), n, 0.5)
    k = int(np.flatnonzero(coverage >= LEVEL)[-1]) + 1
    share = (coverage[k - 1] - LEVEL) / (coverage[k - 1] - coverage[k])
    return k, float((n - k) * share / (k + (n - 2 * k) * share))


class Modes(NamedTuple):
    """A sample that fell apart: the median of either part, and which values are in the upper one."""

    low: float
    high: float
    upper: np.ndarray


def two_modes(values: ArrayLike) -> Modes | None:
    """What shapes.modes finds in one sample; None where a value is not positive."""
    positive = np.asarray(values, dtype=float)
    if not (positive > 0).all():
        return None
    logs = np.log(positive)
    parts = shapes.modes(np.sort(logs)[None, :])
    n_low = int(parts.n_first[0])
    if n_low == 0:
        return None
    return Modes(float(np.exp(parts.first[0])), float(np.exp(parts.second[0])), logs >= np.sort(logs)[n_low])


class Drift(NamedTuple):
    change: float  # second half over first half, minus 1
    p: float

    @property
    def shown(self) -> bool:
        return self.p < 0.01 and abs(self.change) > 0.02


def drift(order: ArrayLike, values: ArrayLike, cells: ArrayLike) -> Drift | None:
    """First half of a run against its second half, within cells: the order of trials is random over them.

    The change is the median over the cells of each one's late median over its early one; p is Mann & Whitney's, of
    the values relative to the medians of their cells. None where fewer than 8 values can tell anything.
    """
    trials = pd.DataFrame({"order": order, "value": values, "cell": cells})
    trials = trials[trials["value"] > 0]
    trials = trials.assign(late=trials["order"] > trials["order"].median())
    halves = trials.groupby(["cell", "late"])["value"].median().unstack()
    if len(halves.columns) < 2:
        return None
    halves = halves.dropna()
    trials = trials[trials["cell"].isin(halves.index)]
    if len(trials) < 8:
        return None
    relative = trials["value"] / trials.groupby("cell")["value"].transform("median")
    change = (halves[True] / halves[False]).median() - 1
    return Drift(float(change), float(mannwhitneyu(relative[trials["late"]], relative[~trials["late"]]).pvalue))
