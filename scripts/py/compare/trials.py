# SPDX-License-Identifier: MIT
"""The good trials of one run or several, as samples by cell, ready to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

import numpy as np
import pandas as pd

from compare import floor
from results import resolution
from results.columns import CELL, MACHINE, ORIGIN
from results.reading import FAILURES, ResultsError, Run
from stats import shapes
from stats.ratios import Samples

# A rate is better when higher, a time when lower.
METRICS = {"ops_per_s": True, "reads_per_s": True, "writes_per_s": True, "cpu_ns_per_op": False, "wait_p50_ns": False,
           "wait_p90_ns": False, "wait_p99_ns": False, "wait_p999_ns": False, "wait_max_ns": False}
FIXED = ["kind", "cpus", "twin_of"]


@dataclass(frozen=True)
class Trials:
    """The good trials of a comparison, and its cells.

    `cells` has one row per cell: `side` (which of the runs), ORIGIN, CELL, FIXED, run_cell (its number in the run),
    and what `of` adds: n, median, merit (the median, or minus the median of a time), is_bound (the median is a lower
    bound), n_failed, line_ns (median), the medians `low` and `high` of its parts if it fell apart (else both the
    median), and why (`modes`, `drift`); step (what one operation more is of it), floor and misfit (floor.py).
    """

    metric: str
    margin: float
    cells: pd.DataFrame
    logs: Samples
    at_most: Samples  # the same, but of what is a lower bound nothing is known above it: infinite
    trials: pd.DataFrame  # cell, log, log_at_most, line_ns; sorted by cell

    @staticmethod
    def of(runs: Iterable[Run], metric: str, margin: float, pooled: bool = False) -> Trials:
        """`pooled`: the runs of one side count as one; else each run_id has cells of its own. Raises ResultsError."""
        runs = list(runs)
        slim = pd.concat([_slim(run, metric, side) for side, run in enumerate(runs)], ignore_index=True, copy=False)
        key = ["side", *(MACHINE if pooled else ORIGIN), *CELL]
        slim["cell"] = slim.groupby(key, dropna=False, sort=False, observed=True).ngroup().astype(np.int32)
        cells = slim.drop_duplicates("cell")[["side", *ORIGIN, *CELL, *FIXED, "run_cell"]].reset_index(drop=True)
        failed = slim["status"].isin(FAILURES)
        cells["n_failed"] = np.bincount(slim.loc[failed, "cell"], minlength=len(cells))
        good = slim[["cell", "log", "log_at_most", "line_ns", "step"]][
            (slim["status"] == "ok") & np.isfinite(slim["log"])]
        if good.empty:
            raise ResultsError(f"no good trial has {metric}" + (
                "; measure with --latency" if metric.startswith("wait_") else "; give a run that has"))
        good = good.sort_values("cell", kind="stable", ignore_index=True)
        logs, at_most = (Samples.of(good[column].to_numpy(), good["cell"].to_numpy(), len(cells))
                         for column in ("log", "log_at_most"))
        cells["n"] = logs.counts
        cells["median"] = np.exp(logs.medians())
        cells["is_bound"] = at_most.medians() > logs.medians()
        cells["merit"] = cells["median"] if METRICS[metric] else -cells["median"]
        cells["line_ns"] = good.groupby("cell")["line_ns"].median().reindex(cells.index)
        _add_parts(cells, logs, good["log"].to_numpy(), margin)
        cells["step"] = good.groupby("cell")["step"].median().reindex(cells.index).fillna(0)
        cells["floor"] = floor.floors(cells, cells["step"] > margin)
        cells["misfit"] = floor.misfits(cells, runs)
        return Trials(metric, margin, cells, logs, at_most, good)


def _slim(run: Run, metric: str, side: int) -> pd.DataFrame:
    """Only what a comparison needs, with the value's logarithm. Rows stay in the order of time."""
    rows = run.rows[[*ORIGIN, *CELL, *FIXED, "status", "line_ns"]].assign(
        side=side, run_cell=run.rows["cell"], step=0.0)
    value, duration_s = run.rows[metric], run.rows["duration_s"]
    if metric.endswith("_per_s"):
        # No operation in the window is less than one, not nothing: half a one keeps the ratio finite.
        value = value.where(value > 0, value + 0.5 / duration_s)
        rows["step"] = 1 / (value * duration_s)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(value)
    is_bound = metric in resolution.QUANTILES and resolution.is_bound(run.rows, metric)
    return rows.assign(log=log, log_at_most=np.where(is_bound, np.inf, log))


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
