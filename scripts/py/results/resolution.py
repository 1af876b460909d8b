# SPDX-License-Identifier: MIT
"""What a trial is too coarse to tell, and which of its waits are lower bounds.

Whatever judges trials asks here first: nothing is judged below its resolution, and "not judged" is an answer of its
own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Shares, Jain's index and starvation need that many operations per thread. With fewer, one operation moves the share of
# a thread by more than 5 % of an even share, and whether a thread got any is decided by where the window was cut.
MIN_OPS_PER_THREAD = 20
SHARES = ["jain", "min_share", "max_share"]

# Of all waits, how many are at most this long.
QUANTILES = {"wait_p50_ns": 0.5, "wait_p90_ns": 0.9, "wait_p99_ns": 0.99, "wait_p999_ns": 0.999, "wait_max_ns": 1.0}
# A quantile needs that many waits beyond it, else it is one of the longest few: 10 waits for the median, 500 for p99.
MIN_WAITS_BEYOND = 5

# Files before schema 3 do not tell which waits were open at the close; one about as long as the window was.
OPEN_FROM = 0.9
# Until schema 3 `longest_run` went on from the warm-up into the window.
LONGEST_RUN_SINCE = 3


def mark(rows: pd.DataFrame) -> list[str]:
    """Empties in place what a trial is too coarse to tell and what its lockbench counted wrongly, and adds the column
    `few_ops`: too few operations to judge how they were shared. Returns the reasons that a reader must know."""
    rows["few_ops"] = rows["ops"] < MIN_OPS_PER_THREAD * rows["threads"]
    rows.loc[rows["few_ops"], SHARES] = np.nan
    n_waits = rows["wait_count"].fillna(rows["ops"])  # which older files do not have
    for column, q in QUANTILES.items():
        if q < 1:
            rows.loc[n_waits * (1 - q) < MIN_WAITS_BEYOND - 1e-9, column] = np.nan
    return _mark_saturated(rows) + _mark_longest_run(rows)


def _mark_saturated(rows: pd.DataFrame) -> list[str]:
    """A saturated trial tells no wait, and would have told long ones: the others of its cell are not the rest of it."""
    tells_none = (rows["saturated"] == "yes") & rows["ops_per_s"].isna() & (rows["status"] == "ok")
    is_left = rows["cell"].isin(rows.loc[tells_none, "cell"]) & rows["wait_max_ns"].notna()
    rows.loc[is_left, list(QUANTILES)] = np.nan
    if not is_left.any():
        return []
    return [f"saturated: in {rows.loc[is_left, 'cell'].nunique()} of {rows['cell'].nunique()} cells some trials could "
            "not keep up with the rate; no wait is given for these cells, since the trials that are left would make it "
            "look short"]


def _mark_longest_run(rows: pd.DataFrame) -> list[str]:
    """Each further owner ends a run, so one can have no more operations than that leaves over; the two snapshots of the
    counts see each thread somewhere within an operation."""
    most = rows["ops"] - rows["owner_changes"] + 1 + rows["threads"]
    is_wrong = (rows["schema"] < LONGEST_RUN_SINCE) & (rows["kind"] == "mutex") & (rows["longest_run"] > most)
    rows.loc[is_wrong, "longest_run"] = np.nan
    if not is_wrong.any():
        return []
    return [f"longest_run: {is_wrong.sum()} of {len(rows)} rows are left out, and no longest run is given for their "
            f"cells: before schema {LONGEST_RUN_SINCE} it counted the warm-up, and here it is longer than the owner "
            "changes of the window allow"]


def is_bound(rows: pd.DataFrame, column: str) -> pd.Series:
    """Whether the wait in that column (one of QUANTILES) is a lower bound, trial by trial."""
    told = QUANTILES[column] > rows["wait_bound_from_q"]
    as_long_as_the_window = rows[column] >= OPEN_FROM * 1e9 * rows["duration_s"]
    return (told | (rows["waits_open"].isna() & as_long_as_the_window)) & rows[column].notna()
