# SPDX-License-Identifier: MIT
"""Cells against each other: which pairs, how they compare, and what stands against a verdict.

`Trials.of` takes the good trials of one run or several, `within` pairs the cells of one run, `across` the same cells of
several, and `compare` judges the pairs. All tables are DataFrames; a pair holds the numbers of two rows of `cells`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, NamedTuple

import numpy as np
import pandas as pd

from stats import ratios
from stats import shapes
from stats import inference
from stats.ratios import Samples
from results.columns import CELL
from results.reading import FAILURES, ResultsError, Run
from common.units import plural

FASTER, SLOWER, NONE = "faster", "slower", "no difference shown"
VERDICTS = (FASTER, SLOWER, NONE)
MACHINE = ["host", "topology_hash"]
ORIGIN = ["run_id", *MACHINE, "git_sha"]
# What a comparison by that leaves out of the cells' names, so that cells which differ in it alone are compared.
BY = {"lock": ["lock"], "threads": ["threads", "readers"], "placement": ["placement"], "layout": ["layout"]}
# A rate is better when higher, a time when lower.
METRICS = {"ops_per_s": True, "reads_per_s": True, "writes_per_s": True, "cpu_ns_per_op": False, "wait_p50_ns": False,
           "wait_p90_ns": False, "wait_p99_ns": False, "wait_p999_ns": False, "wait_max_ns": False}
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
}


@dataclass(frozen=True)
class Trials:
    """The good trials of a comparison, and its cells.

    `cells` has one row per cell: `side` (which of the runs), ORIGIN, CELL, kind, cpus, and what `of` adds: n, median,
    merit (the median, or minus the median of a time), n_failed, line_ns (median), the medians `low` and `high` of its
    parts if it fell apart (else both the median), and why (`modes`, `drift`).
    """

    metric: str
    cells: pd.DataFrame
    logs: Samples
    trials: pd.DataFrame  # cell, log, line_ns; sorted by cell

    @staticmethod
    def of(runs: Iterable[Run], metric: str, margin: float, pooled: bool = False) -> Trials:
        """`pooled`: the runs of one side count as one; else each run_id has cells of its own. Raises ResultsError."""
        slim = pd.concat([_slim(run, metric, side) for side, run in enumerate(runs)], ignore_index=True, copy=False)
        key = ["side", *(MACHINE if pooled else ORIGIN), *CELL]
        slim["cell"] = slim.groupby(key, dropna=False, sort=False, observed=True).ngroup().astype(np.int32)
        cells = slim.drop_duplicates("cell")[["side", *ORIGIN, *CELL, "kind", "cpus"]].reset_index(drop=True)
        failed = slim["status"].isin(FAILURES)
        cells["n_failed"] = np.bincount(slim.loc[failed, "cell"], minlength=len(cells))
        good = slim[["cell", "log", "line_ns"]][(slim["status"] == "ok") & np.isfinite(slim["log"])]
        if good.empty:
            raise ResultsError(f"no good trial has {metric}" + (
                "; measure with --latency" if metric.startswith("wait_") else "; give a run that has"))
        good = good.sort_values("cell", kind="stable", ignore_index=True)
        logs = Samples.of(good["log"].to_numpy(), good["cell"].to_numpy(), len(cells))
        cells["n"] = logs.counts
        cells["median"] = np.exp(logs.medians())
        cells["merit"] = cells["median"] if METRICS[metric] else -cells["median"]
        cells["line_ns"] = good.groupby("cell")["line_ns"].median().reindex(cells.index)
        _add_parts(cells, logs, good["log"].to_numpy(), margin)
        return Trials(metric, cells, logs, good)


def _slim(run: Run, metric: str, side: int) -> pd.DataFrame:
    """Only what a comparison needs, with the value's logarithm. Rows stay in the order of time."""
    rows = run.rows[[*ORIGIN, *CELL, "kind", "cpus", "status", "line_ns"]].assign(side=side)
    value = run.rows[metric]
    if metric.endswith("_per_s"):
        # No operation in the window is less than one, not nothing: half a one keeps the ratio finite.
        value = value.where(value > 0, value + 0.5 / run.rows["duration_s"])
    with np.errstate(divide="ignore", invalid="ignore"):
        return rows.assign(log=np.log(value))


def _add_parts(cells: pd.DataFrame, logs: Samples, in_time: np.ndarray, margin: float) -> None:
    low = logs.medians()
    high, fell = low.copy(), {"modes": np.zeros(len(cells), dtype=bool), "drift": np.zeros(len(cells), dtype=bool)}
    timed = Samples(in_time, logs.counts)  # not sorted: in the order of time
    for size, which in logs.by_size(np.arange(len(cells))):
        for name, parts in (("drift", shapes.drifts(timed.rows(which, size), np.log1p(margin))),
                            ("modes", shapes.modes(logs.rows(which, size)))):
            apart = parts.n_first > 0
            fell[name][which] = apart
            low[which[apart]] = np.minimum(parts.first, parts.second)[apart]
            high[which[apart]] = np.maximum(parts.first, parts.second)[apart]
    cells["low"], cells["high"] = np.exp(low), np.exp(high)
    for name, found in fell.items():
        cells[name] = found


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


def compare(trials: Trials, pairs: Pairs, margin: float, bootstrap: bool = False) -> pd.DataFrame:
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
    table["few"] = np.minimum(table["n"], table["n_against"]) < inference.MIN_TRIALS
    table.loc[table["few"], "p"] = np.nan
    table["p_adjusted"] = ratios.benjamini_hochberg(table["p"].to_numpy())
    up = (table["ratio"] > 1).to_numpy()
    nearest = np.where(up, a["low"] / b["high"], b["low"] / a["high"])
    excluded = np.where(up, table["low"] > 1, table["high"] < 1)
    shown = (excluded & (table["p_adjusted"] <= FDR) & (np.abs(np.log(table["ratio"])) > np.log1p(margin))
             & (nearest > 1 + margin))
    better = up == METRICS[trials.metric]
    table["verdict"] = pd.Categorical.from_codes(np.where(shown, np.where(better, 0, 1), 2), categories=VERDICTS)
    return table


class _Columns:
    """The columns of many cells, one at a time: all of them, for millions of pairs, would not fit."""

    def __init__(self, cells: pd.DataFrame, numbers: np.ndarray) -> None:
        self.cells, self.numbers = cells, numbers

    def __getitem__(self, name: str) -> np.ndarray:
        return self.cells[name].to_numpy()[self.numbers]


def hold_against_baselines(cells: pd.DataFrame, table: pd.DataFrame, margin: float) -> None:
    """Of two runs on one machine: where a baseline got faster or slower too, a lock has a verdict in the same direction
    only if its whole interval is beyond what the baseline shows, and its ratio by more than the margin."""
    first, second = (cells.loc[table[name]].reset_index(drop=True) for name in ("first", "second"))
    same_machine = (first[MACHINE].astype(str) == second[MACHINE].astype(str)).all(axis=1)
    is_baseline = first["kind"] == "baseline"
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
