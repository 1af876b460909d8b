# SPDX-License-Identifier: MIT
"""What limits the conclusions from a run."""

from __future__ import annotations

from typing import Iterator

import pandas as pd

from common.units import plural
from results.reading import Run
from results.resolution import MIN_OPS_PER_THREAD, QUANTILES
from stats import inference


def cautions(run: Run, table: pd.DataFrame) -> Iterator[str]:
    """What limits the conclusions, most telling first."""
    yield from drifted(run, "the run")
    steal = run.rows.loc[run.rows["status"] == "ok", "steal_pct"]
    if (steal > 2).any():
        yield (f"steal: the hypervisor took more than 2 % of the CPU time in {(steal > 2).sum()} of "
               f"{plural(steal.count(), 'counted trial')} (median {steal.median():.1f} %, worst {steal.max():.1f} %)")
    throttled = run.rows.loc[run.rows["status"] == "ok", "throttled_pct"]
    if (throttled > 1).any():
        yield (f"quota: a limit of a control group kept {(throttled > 1).sum()} of "
               f"{plural(throttled.count(), 'counted trial')} from CPU time (median {throttled.median():.1f} %, worst "
               f"{throttled.max():.1f} %): they tell of the limit, not of the lock")
    if table["two_modes"].any():
        yield (f"two modes: {plural(table['two_modes'].sum(), 'cell')} fell into two groups of trials (see the "
               "remarks); their medians stand for neither group")
    few = table["speed"].map(lambda m: 0 < m.n < inference.MIN_TRIALS)
    if few.any():
        yield (f"few trials: {few.sum()} of {plural(len(table), 'cell')} have fewer than {inference.MIN_TRIALS}, "
               "so nothing can be shown there; 7 or more repetitions are needed")
    unjudged = (table["n_unjudged"] > 0) & (table["kind"] != "baseline") & (table["threads"] > 1)
    if unjudged.any():
        yield (f"too few operations: in {unjudged.sum()} of {plural(len(table), 'cell')} there are fewer than "
               f"{MIN_OPS_PER_THREAD} per thread, so how they were shared, and whether a thread starved, is not judged "
               "there; a longer --duration tells")
    if table[[f"{column}_is_bound" for column in QUANTILES]].eq(True).any(axis=None):
        yield (">= before a wait: threads still waited when the window closed, so it is a lower bound; two bounds are "
               "never ranked")
    failed = table.loc[table["failed"], "lock"].unique()
    if len(failed):
        yield f"failed trials (timeout, crashed or broken; see the remarks): {', '.join(failed)}"
    if run.rows[["host", "topology_hash"]].drop_duplicates().shape[0] > 1:
        yield "the rows come from more than one machine; compare only within one"
    if not run.host:
        yield "no host.json is beside the CSV: what the harness found suspicious about the machine is not known"
    yield from run.remarks
    yield from run.warnings


def drifted(run: Run, name: str) -> Iterator[str]:
    """At most one line."""
    timed = run.throughput()
    drift = inference.drift(timed["order_index"], timed["ops_per_s"], timed["cell"])
    if drift and drift.shown:
        yield (f"drift: in the second half of {name} the locks made {100 * drift.change:+.1f} % operations per second "
               f"against the first (p = {drift.p:.1g}); something else changed while it ran, measure again")
