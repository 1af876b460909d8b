# SPDX-License-Identifier: MIT
"""Cells against each other: which pairs, how they compare, and what stands against a verdict.

`within` pairs the cells of one run, `across` the same cells of several, and `compare` judges the pairs: THE rule for
"no difference shown", which summary, answer, map, fleet and `scripts/compare` share. All tables are DataFrames; a pair
holds the numbers of two rows of Trials' `cells`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from common.units import plural
from compare.trials import METRICS, Trials
from results.columns import CELL, MACHINE, ORIGIN
from results.reading import ResultsError
from stats import inference
from stats import ratios
from stats.ratios import Samples

FASTER, SLOWER, NONE = "faster", "slower", "no difference shown"
VERDICTS = (FASTER, SLOWER, NONE)
# What a comparison by that leaves out of the cells' names, so that cells which differ in it alone are compared.
BY = {"lock": ["lock"], "threads": ["threads", "readers"], "placement": ["placement"], "layout": ["layout"]}
FDR = 0.05
# Trials are alike when a cache line took about as long before them.
ALIKE = 1.25
LINE_P = 0.01

FLAGS = {
    "modes": "a sample fell into two modes: a verdict only if the nearest modes are apart as well",
    "drift": "a sample rose or fell as the run went on: a verdict only if the nearest halves are apart as well",
    "line": "line_ns, the transfer of a cache line, differed between the samples: only trials with alike line_ns were "
            f"compared, and no verdict if fewer than {inference.MIN_TRIALS} were left",
    "baseline": "a baseline moved in the same direction, so the machine did: a verdict only if the lock moved further",
    "few": f"fewer than {inference.MIN_TRIALS} trials: nothing can be shown",
    "failed": "trials timed out, crashed or were broken",
    "bound": "waits were open when the window closed, so a median is a lower bound or its interval has no upper end: a "
             "verdict only that such a wait is longer",
    "coarse": "so few operations that one more or less is beyond the margin: a verdict only beyond that",
}


class Pairs(NamedTuple):
    """Numbers of cells; `second` is what `first` is held against."""

    first: np.ndarray
    second: np.ndarray


def within(cells: pd.DataFrame, by: str, baseline: str | None) -> Pairs:
    """Cells of one run that differ in `by` alone: each against the baseline, or all against each other, the better one
    first. Baselines are no competitors, but can be a baseline. Raises ResultsError."""
    names = entries(cells, by)
    usable = (cells["n"] > 0) | (cells["n_failed"] > 0)
    if by == "lock":
        usable &= (cells["kind"] != "baseline") | (names == baseline)
    chosen = cells[usable]
    key = [c for c in ["side", *ORIGIN, *CELL] if c not in BY[by]]
    group = chosen.groupby(key, dropna=False, sort=False, observed=True).ngroup().to_numpy()
    numbers = chosen.index.to_numpy()
    if baseline is None:
        return _all_pairs(numbers, group, chosen["merit"].to_numpy())
    is_base = (names[usable] == baseline).to_numpy()
    if not is_base.any():
        raise ResultsError(f"no {by} {baseline!r} to compare with; there is: {', '.join(names.unique())}")
    base = np.full(group.max() + 1, -1)
    base[group[is_base]] = numbers[is_base]
    paired = ~is_base & (base[group] >= 0)
    return Pairs(numbers[paired], base[group[paired]])


def entries(cells: pd.DataFrame, by: str) -> pd.Series:
    """The competitors' names: a lock, a placement, a layout, a number of threads (and how many of them read)."""
    if by != "threads":
        return cells[by].astype(str)
    readers = cells["readers"].map(lambda n: "" if pd.isna(n) else f" ({plural(n, 'reader')})")
    return cells["threads"].map("{:g}".format) + readers


def _all_pairs(numbers: np.ndarray, group: np.ndarray, merit: np.ndarray) -> Pairs:
    order = np.lexsort((-merit, group))
    sizes = np.bincount(group)
    starts = np.cumsum(sizes) - sizes
    pieces = [np.zeros((2, 0), dtype=np.int64)]
    for size in np.unique(sizes):
        places = starts[sizes == size][:, None] + np.stack(np.triu_indices(size, 1))[:, None, :]
        pieces.append(places.reshape(2, -1))
    places = np.concatenate(pieces, axis=1)
    places = places[:, np.lexsort(places[::-1])]  # group by group again
    return Pairs(*numbers[order[places]])


def across(cells: pd.DataFrame, by_machine: bool) -> Pairs:
    """The same cells of further runs against those of the first. `by_machine`: a cell of one machine is another's
    only if the machine is the same."""
    key = [*(MACHINE if by_machine else []), *CELL]
    group = cells.groupby(key, dropna=False, sort=False, observed=True).ngroup().to_numpy()
    is_base = (cells["side"] == 0).to_numpy()
    base = np.full(group.max() + 1, -1)
    base[group[is_base]] = np.flatnonzero(is_base)
    paired = ~is_base & (base[group] >= 0)
    return Pairs(np.flatnonzero(paired), base[group[paired]])


def compare(trials: Trials, pairs: Pairs, bootstrap: bool = False) -> pd.DataFrame:
    """One row per pair: first, second, n, n_against, ratio, low, high, p, p_adjusted, verdict, and each of FLAGS."""
    found = ratios.ratios(trials.logs, *pairs, bootstrap)
    a, b = (_Columns(trials.cells, numbers) for numbers in pairs)
    table = pd.DataFrame({"first": pairs.first, "second": pairs.second, "n": a["n"], "n_against": b["n"],
                          "ratio": found.value, "low": found.low, "high": found.high, "p": found.p})
    for flag in ("modes", "drift"):
        table[flag] = a[flag] | b[flag]
    table["failed"] = (a["n_failed"] > 0) | (b["n_failed"] > 0)
    table["baseline"] = False
    table["line"] = _line_differs(trials, pairs)
    _compare_alike(trials, pairs, table, bootstrap)
    table["bound"] = _compare_bounds(trials, pairs, table)
    table["few"] = np.minimum(table["n"], table["n_against"]) < inference.MIN_TRIALS
    table.loc[table["few"], "p"] = np.nan
    table["p_adjusted"] = ratios.benjamini_hochberg(table["p"].to_numpy())
    step = np.maximum(a["step"], b["step"]) * (1 + 1e-9)  # one operation more is a step, however it is rounded
    table["coarse"] = step > trials.margin
    unknowable = np.fmax(np.fmax(a["floor"], b["floor"]), np.fmax(a["misfit"], b["misfit"]))
    least = np.maximum(step, np.fmax(trials.margin, unknowable))
    up = (table["ratio"] > 1).to_numpy()
    nearest = np.where(up, a["low"] / b["high"], b["low"] / a["high"])
    shown = _is_shown(table, least) & (nearest > 1 + least)
    better = up == METRICS[trials.metric]
    table["verdict"] = pd.Categorical.from_codes(np.where(shown, np.where(better, 0, 1), 2), categories=VERDICTS)
    return table


def _is_shown(table: pd.DataFrame, least: np.ndarray | float) -> np.ndarray:
    """The interval excludes 1, p withstands the correction, and the ratio is beyond the least that counts."""
    excluded = (table["low"] > 1) | (table["high"] < 1)
    is_beyond = np.abs(np.log(table["ratio"])) > np.log1p(least)
    return (excluded & (table["p_adjusted"] <= FDR) & is_beyond).to_numpy()


def differ(x: ArrayLike, y: ArrayLike, margin: float = inference.MARGIN) -> bool:
    """Whether two samples of positive values, compared with nothing else, show a difference."""
    sides = [np.asarray(side, dtype=float) for side in (x, y)]
    if min(map(len, sides)) < inference.MIN_TRIALS:
        return False
    samples = Samples.of(np.log(np.concatenate(sides)), np.repeat([0, 1], list(map(len, sides))), 2)
    found = ratios.ratios(samples, np.array([0]), np.array([1]))
    table = pd.DataFrame({"ratio": found.value, "low": found.low, "high": found.high, "p_adjusted": found.p})
    return bool(_is_shown(table, margin)[0])


def _compare_bounds(trials: Trials, pairs: Pairs, table: pd.DataFrame) -> np.ndarray:
    """Compares the pairs again of which a side has lower bounds, and says which those are.

    Whether the first is longer is asked of its waits as they were told against the longest that the second's may have
    been, which is what a bound says; whether it is shorter, the other way round. Between two bounds no ratio is known.
    """
    open_cells = np.bincount(trials.trials["cell"], np.isinf(trials.trials["log_at_most"]), len(trials.cells)) > 0
    has_bound = open_cells[pairs.first] | open_cells[pairs.second]
    at = np.flatnonzero(has_bound)
    if not len(at):
        return has_bound
    first, second = pairs.first[at], pairs.second[at]
    longer = ratios.against(trials.logs, trials.at_most, first, second)
    shorter = ratios.against(trials.at_most, trials.logs, first, second)
    is_bound = trials.cells["is_bound"].to_numpy()
    value = np.where(is_bound[first] & is_bound[second], np.nan, table["ratio"].to_numpy()[at])
    p = np.where(value > 1, longer.p, shorter.p)
    p[table["line"].to_numpy()[at]] = np.nan  # of alike trials too few would be left to tell from bounds
    rows = table.index[at]
    table.loc[rows, ["ratio", "low", "high", "p"]] = np.stack([value, longer.low, shorter.high, p]).T
    table.loc[rows, ["n", "n_against"]] = trials.logs.counts[np.stack([first, second])].T
    return has_bound


class _Columns:
    """The columns of many cells, one at a time: all of them, for millions of pairs, would not fit."""

    def __init__(self, cells: pd.DataFrame, numbers: np.ndarray) -> None:
        self.cells, self.numbers = cells, numbers

    def __getitem__(self, name: str) -> np.ndarray:
        return self.cells[name].to_numpy()[self.numbers]


def hold_against_baselines(cells: pd.DataFrame, table: pd.DataFrame, margin: float) -> None:
    """Of two runs on one machine: where a baseline got faster or slower too, a lock has a verdict in the same direction
    only if its whole interval is beyond what the baseline shows, and its ratio by more than the margin. A twin moves as
    the lock does that it is, and so tells nothing of the machine."""
    first, second = (cells.loc[table[name]].reset_index(drop=True) for name in ("first", "second"))
    same_machine = (first[MACHINE].astype(str) == second[MACHINE].astype(str)).all(axis=1)
    is_baseline = (first["kind"] == "baseline") & (first["twin_of"] == "")
    place = first.groupby(["side", *MACHINE, *(c for c in CELL if c != "lock")], dropna=False, observed=True).ngroup()
    moved = table["ratio"].where(is_baseline & same_machine & (table["verdict"] != NONE), 1)
    up, down = (moved.groupby(place).transform(extreme) for extreme in ("max", "min"))
    shown = ~is_baseline & (table["verdict"] != NONE)
    follows = shown & np.where(table["ratio"] > 1, up > 1, down < 1)
    beyond = np.where(table["ratio"] > 1, (table["ratio"] / up > 1 + margin) & (table["low"] > up),
                      (down / table["ratio"] > 1 + margin) & (table["high"] < down))
    table["baseline"] = follows
    table.loc[follows & ~beyond, "verdict"] = NONE


def _line_differs(trials: Trials, pairs: Pairs) -> np.ndarray:
    """Pairs on one machine, of two threads or more, before which a cache line took another time."""
    cells = trials.cells
    line = cells["line_ns"].to_numpy()
    machine = cells.groupby(MACHINE, dropna=False, observed=True).ngroup().to_numpy()
    contended = np.minimum(*(cells["threads"].to_numpy()[numbers] for numbers in pairs)) > 1
    apart = np.abs(np.log(line[pairs.first] / line[pairs.second])) > np.log(ALIKE)
    differs = contended & apart & (machine[pairs.first] == machine[pairs.second])
    known = trials.trials[trials.trials["line_ns"] > 0]
    samples = Samples.of(known["line_ns"].to_numpy(), known["cell"].to_numpy(), len(cells))
    suspects = np.flatnonzero(differs)
    differs[suspects] = ratios.p_values(samples, pairs.first[suspects], pairs.second[suspects]) < LINE_P
    return differs


def _compare_alike(trials: Trials, pairs: Pairs, table: pd.DataFrame, bootstrap: bool) -> None:
    """Compares the pairs flagged `line` again: of each sample the trials that have an alike one in the other."""
    flagged = np.flatnonzero(table["line"])
    if not len(flagged):
        return
    starts, counts = trials.logs.starts, trials.logs.counts  # `trials` is sorted by cell, and so has the same
    log, line = trials.trials["log"].to_numpy(), trials.trials["line_ns"].to_numpy()
    values, sizes = [], []
    for x, y in zip(pairs.first[flagged], pairs.second[flagged]):
        a, b = (slice(starts[i], starts[i] + counts[i]) for i in (x, y))
        alike = np.abs(np.log(line[a][:, None] / line[b])) <= np.log(ALIKE)
        for part, kept in ((a, alike.any(axis=1)), (b, alike.any(axis=0))):
            values.append(np.sort(log[part][kept]))
            sizes.append(len(values[-1]))
    numbers = np.arange(0, len(sizes), 2)
    found = ratios.ratios(Samples(np.concatenate(values), np.array(sizes)), numbers, numbers + 1, bootstrap)
    at = table.index[flagged]
    table.loc[at, ["ratio", "low", "high", "p"]] = np.stack(found).T
    table.loc[at, "n"], table.loc[at, "n_against"] = sizes[0::2], sizes[1::2]
