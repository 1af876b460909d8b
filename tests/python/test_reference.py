# SPDX-License-Identifier: MIT
"""The reference runs in git: what results/README.md promises of every `ok` row holds of each of theirs. The harness
checks most of it before it writes a row; this reads what was written, with other code."""

from __future__ import annotations

import unittest

import numpy as np
import pandas as pd

import support
from results import reading

ROUNDING = 1e-6
RUNS = sorted((support.ROOT / "results").glob("*/results.csv"))
QUANTILES = [f"wait_{name}_ns" for name in ("p50", "p90", "p99", "p999", "max")]


def violations(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Of each invariant, by what it says, which rows break it. What is empty was not measured, and breaks none."""
    threads, ops = rows["threads"], rows["ops"]
    counts_all = (rows["kind"] != "baseline") | (rows["twin_of"].fillna("") != "")  # a baseline loses counts
    exclusive = ops.where(rows["kind"] != "rw", rows["writes"])
    handoffs = rows[[name for name in rows if name.startswith("handoffs_")]].sum(axis=1)
    waits = rows[QUANTILES].to_numpy()
    is_rate = rows["ops_per_s"].notna()
    return {
        "reads and writes are the operations": rows["reads"] + rows["writes"] != ops,
        "the rate is the operations of the window":
            is_rate & ((rows["ops_per_s"] * rows["duration_s"] - ops).abs() > 1e-6 * ops + 1e-3),
        "a trial has a rate or waits, not both": is_rate & rows["wait_max_ns"].notna(),
        "the least share is at most 1/n": rows["min_share"] * threads > 1 + ROUNDING,
        "the greatest share is at least 1/n": rows["max_share"] * threads < 1 - ROUNDING,
        "Jain's index is 1/n to 1": (rows["jain"] * threads < 1 - ROUNDING) | (rows["jain"] > 1 + ROUNDING),
        "hand-offs are owner changes": counts_all & (handoffs > rows["owner_changes"]),
        "a run is no longer than the owner changes allow":
            counts_all & (rows["longest_run"] > exclusive - rows["owner_changes"] + 1 + threads),
        "quantiles grow": pd.Series((np.diff(waits, axis=1) < 0).any(axis=1), rows.index),
        "overlap is at most the whole": rows["overlap_pct"] > 100 + ROUNDING,
        "no more is done than was due": ops > rows["due_ops"] + threads,
    }


class Reference(unittest.TestCase):
    def test_every_row_holds_what_the_readme_promises(self) -> None:
        self.assertGreater(len(RUNS), 0)
        for path in RUNS:
            rows = reading.load(path).rows
            rows = rows[rows["status"] == "ok"]
            self.assertGreater(len(rows), 100)
            for name, broken in violations(rows).items():
                with self.subTest(run=path.parent.name, invariant=name):
                    self.assertEqual([], list(rows.loc[broken, "order_index"]))

    def test_each_invariant_can_be_broken(self) -> None:
        """By a row of a real run in which one number is changed."""
        rows = reading.load(RUNS[0]).rows
        rows = rows[(rows["status"] == "ok") & (rows["kind"] == "mutex") & (rows["threads"] > 1)]
        rate, wait = rows[rows["ops_per_s"].notna()].head(1), rows[rows["wait_p99_ns"].notna()].head(1)
        for column, value, row in (
                ("reads", 1e9, rate), ("ops_per_s", 1, rate), ("wait_max_ns", 1, rate), ("min_share", 0.9, rate),
                ("max_share", 0.1, rate), ("jain", 1.1, rate), ("handoffs_llc", 1e12, rate),
                ("longest_run", 1e12, rate), ("wait_p90_ns", 1e12, wait), ("overlap_pct", 101, rate),
                ("due_ops", 0, rate)):
            with self.subTest(column):
                self.assertFalse(any(broken.any() for broken in violations(row).values()))
                self.assertTrue(any(broken.any() for broken in violations(row.assign(**{column: value})).values()))

    def test_runs_before_schema_2_were_measured_apart(self) -> None:
        for path in RUNS:
            with self.subTest(path.parent.name):
                rows = reading.load(path).rows
                self.assertEqual(set(rows.loc[rows["schema"] == 1, "layout"]) - {"apart"}, set())
