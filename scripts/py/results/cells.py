# SPDX-License-Identifier: MIT
"""One row per cell: what its trials say together, for the summary and the report."""

from __future__ import annotations

import pandas as pd

from results import baselines
from stats import inference
from results.columns import CELL
from results.labels import family
from results.reading import FAILURES, REPEATED, Run
from common.units import count, duration, plural

DISTANCES = ["handoffs_smt", "handoffs_llc", "handoffs_node", "handoffs_remote"]
PERCENTILES = ["wait_p50_ns", "wait_p90_ns", "wait_p99_ns", "wait_p999_ns"]


def cells(run: Run) -> pd.DataFrame:
    """Configuration, traits and statistics of every cell; NaN where a cell has no good trial to take them from.

    `speed` is the inference.Median of operations per second, `remarks` what a reader must know before using it.
    """
    fixed = CELL + ["workload", "kind", "fifo", "waits", "source", "cpus", "lock_bytes", "ctx_bytes"]
    table = run.rows.drop_duplicates("cell").set_index("cell")[fixed]
    table["family"] = table.apply(family, axis=1)
    table["is_over"] = table["threads"] > table["cpus"]

    timed = run.throughput()
    timed = timed.assign(owner_rate=timed["owner_changes"] / timed["duration_s"],
                         evenness=timed["min_share"] * timed["threads"],
                         change_share=timed["owner_changes"] / timed["ops"].where(timed["ops"] > 0),
                         # Of readers/writer locks the owners are the writers.
                         exclusive=timed["writes"].where(timed["kind"] == "rw", timed["ops"]))
    trials = timed.groupby("cell")
    table = table.join(trials[["ops_per_s", "writes_per_s", "jain", "min_share", "owner_rate", "cpu_ns_per_op",
                               "line_ns", "try_success_pct", "exclusive", "change_share", *DISTANCES]].median())
    table = table.join(trials.agg(longest_run=("longest_run", "max"), line_low=("line_ns", "min"),
                                  line_high=("line_ns", "max"), least_even=("evenness", "min"),
                                  steal_worst=("steal_pct", "max")))
    waits = run.latency().groupby("cell")
    table = table.join(waits[PERCENTILES].median()).join(waits.agg(wait_max_ns=("wait_max_ns", "max")))
    table = baselines.with_handoffs(table, run.host)
    table["has_roles"] = (table["read_pct"].between(0, 100, inclusive="neither")) | (table["readers"] > 0)

    by_cell = {cell: trials.get_group(cell) if cell in trials.groups else timed.iloc[:0] for cell in table.index}
    modes = {cell: inference.two_modes(group["ops_per_s"]) for cell, group in by_cell.items()}
    statuses = run.rows.groupby(["cell", "status"], observed=True).size()
    table["speed"] = [inference.median(by_cell[cell]["ops_per_s"]) for cell in table.index]
    table["two_modes"] = [modes[cell] is not None for cell in table.index]
    table["failed"] = [any(statuses.get((cell, status), 0) for status in FAILURES) for cell in table.index]
    table["remarks"] = [
        "; ".join([f"{statuses[cell, s]} {s}" for s in (*FAILURES, *REPEATED) if (cell, s) in statuses]
                  + _starved(by_cell[cell]) + _modes(modes[cell], by_cell[cell])) for cell in table.index]
    return table


def _starved(trials: pd.DataFrame) -> list[str]:
    n_starved = int(((trials["min_share"] == 0) & (trials["kind"] != "baseline")).sum())
    return [f"in {n_starved} of {plural(len(trials), 'trial')} a thread got nothing"] if n_starved else []


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
