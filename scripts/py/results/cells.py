# SPDX-License-Identifier: MIT
"""One row per cell: what its trials say together, for the summary and the report."""

from __future__ import annotations

from math import nan

import pandas as pd

from results import baselines
from results import resolution
from stats import inference
from results.columns import CELL
from results.labels import family
from results.resolution import QUANTILES
from results.reading import FAILURES, INVALID, REPEATED, Run
from common.units import count, duration, plural

DISTANCES = ["handoffs_smt", "handoffs_llc", "handoffs_node", "handoffs_remote"]
PERCENTILES = ["wait_p50_ns", "wait_p90_ns", "wait_p99_ns", "wait_p999_ns"]
# A reader of these copies the state and asks afterwards whether the copy is whole: no lock for any other state.
COPIES = ("seqlock",)
WAIT_TIMES = ["wait_time_1us_pct", "wait_time_10us_pct", "wait_time_100us_pct", "wait_time_1ms_pct",
              "wait_time_10ms_pct", "wait_time_100ms_pct"]


def cells(run: Run) -> pd.DataFrame:
    """Configuration, traits and statistics of every cell; NaN where a cell has no good trial to take them from.

    `speed` is the inference.Median of operations per second, `remarks` what a reader must know before using it. A wait
    is a lower bound where its `*_is_bound` says so. `n_unjudged` trials had too few operations to judge how they were
    shared; `least_even` is of the others. `copies`: the lock protects only state that may be copied.
    """
    fixed = CELL + ["workload", "kind", "twin_of", "fifo", "waits", "source", "cpus", "lock_bytes", "ctx_bytes"]
    table = run.rows.drop_duplicates("cell").set_index("cell")[fixed]
    table["family"] = table.apply(family, axis=1)
    table["copies"] = table["lock"].isin(COPIES)
    table["is_over"] = table["threads"] > table["cpus"]

    timed = run.throughput()
    timed = timed.assign(owner_rate=timed["owner_changes"] / timed["duration_s"],
                         evenness=timed["min_share"] * timed["threads"],
                         change_share=timed["owner_changes"] / timed["ops"].where(~timed["few_ops"]),
                         # Of readers/writer locks the owners are the writers.
                         exclusive=timed["writes"].where(timed["kind"] == "rw", timed["ops"]))
    trials = timed.groupby("cell")
    table = table.join(trials[["ops_per_s", "writes_per_s", "jain", "min_share", "owner_rate", "cpu_ns_per_op",
                               "line_ns", "try_success_pct", "exclusive", "change_share", *DISTANCES]].median())
    table = table.join(trials.agg(longest_run=("longest_run", "max"), line_low=("line_ns", "min"),
                                  line_high=("line_ns", "max"), least_even=("evenness", "min"),
                                  n_unjudged=("few_ops", "sum"), steal_worst=("steal_pct", "max")))
    # The longest run is of all trials, or of none.
    is_partly = timed["longest_run"].isna().groupby(timed["cell"]).any().reindex(table.index, fill_value=False)
    table.loc[is_partly, "longest_run"] = nan
    table = table.join(_waits(run.latency()))
    bounds = [f"{column}_is_bound" for column in QUANTILES]
    table[bounds] = table[bounds].eq(True)
    table = baselines.with_handoffs(table, run.host)
    table["has_roles"] = (table["read_pct"].between(0, 100, inclusive="neither")) | (table["readers"] > 0)

    by_cell = {cell: trials.get_group(cell) if cell in trials.groups else timed.iloc[:0] for cell in table.index}
    modes = {cell: inference.two_modes(group["ops_per_s"]) for cell, group in by_cell.items()}
    statuses = run.rows.groupby(["cell", "status"], observed=True).size()
    table["speed"] = [inference.median(by_cell[cell]["ops_per_s"]) for cell in table.index]
    table["two_modes"] = [modes[cell] is not None for cell in table.index]
    table["failed"] = [any(statuses.get((cell, status), 0) for status in FAILURES) for cell in table.index]
    table["remarks"] = [
        "; ".join([f"{statuses[cell, s]} {s}" for s in (*FAILURES, *REPEATED, INVALID) if (cell, s) in statuses]
                  + _saturated(run.rows, cell) + _shared(by_cell[cell]) + _modes(modes[cell], by_cell[cell]))
        for cell in table.index]
    return table


def _waits(trials: pd.DataFrame) -> pd.DataFrame:
    """Medians of the percentiles, the longest of all, whether they are bounds, and the threads' time in long waits."""
    by_cell = trials.groupby("cell")
    table = by_cell[[*PERCENTILES, *WAIT_TIMES]].median().join(by_cell.agg(wait_max_ns=("wait_max_ns", "max")))
    for column in QUANTILES:
        # A bound below the median may belong above it, and so may the median then; so may any be the longest.
        bounds = trials[resolution.is_bound(trials, column)].groupby("cell")[column].min().reindex(table.index)
        table[f"{column}_is_bound"] = bounds <= table[column]
    return table


def _saturated(rows: pd.DataFrame, cell: int) -> list[str]:
    """Of an open loop: the queue grows for as long as it is measured."""
    trials = rows[(rows["cell"] == cell) & (rows["status"] == "ok") & (rows["saturated"] != "")]
    n = int((trials["saturated"] == "yes").sum())
    return [f"saturated in {n} of {plural(len(trials), 'trial')}: it cannot keep up with the rate"] if n else []


def _shared(trials: pd.DataFrame) -> list[str]:
    """Threads that starved, and trials that cannot tell whether any did."""
    locks = trials[(trials["kind"] != "baseline") & (trials["threads"] > 1)]
    n_starved, n_unjudged = int((locks["min_share"] == 0).sum()), int(locks["few_ops"].sum())
    found = [f"in {n_starved} of {plural(len(trials) - n_unjudged, 'trial')} a thread got nothing"] if n_starved else []
    if n_unjudged:
        found.append(f"too few operations to judge how they were shared in {n_unjudged} of "
                     f"{plural(len(trials), 'trial')}")
    return found


def _modes(modes: inference.Modes | None, trials: pd.DataFrame) -> list[str]:
    """The line transfer beside either mode, since it is the usual cause of both."""
    if modes is None:
        return []
    parts = []
    for rate, part in ((modes.low, trials[~modes.upper]), (modes.high, trials[modes.upper])):
        line = part["line_ns"].dropna().median()
        parts.append(f"{count(rate)}/s in {plural(len(part), 'trial')}"
                     + (f" (line {duration(line)})" if pd.notna(line) else ""))
    return ["two modes: " + ", ".join(parts)]
