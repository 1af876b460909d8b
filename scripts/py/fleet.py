# SPDX-License-Identifier: MIT
"""Across machines: which lock wins where, and which rankings flip from one machine to another."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Iterator

import numpy as np
import pandas as pd

import comparison
import results
import stats
from comparison import FASTER, NONE, SLOWER, Trials
from results import CELL, ResultsError, Run, plural
from summary import wrapped

METRIC = "ops_per_s"
# What two machines must share for a pair of locks to be the same question on both.
PLACE = [column for column in CELL if column != "lock"]


def verdicts(runs: list[Run], margin: float = stats.MARGIN) -> pd.DataFrame:
    """One row per run and pair of locks within it: PLACE, side, first, second (names, in the order of the alphabet),
    winner (1: the first, -1: the second, 0: no difference shown) and ratio of the first to the second."""
    trials = Trials.of(runs, METRIC, margin)
    pairs = comparison.within(trials.cells, "lock", None)
    table = comparison.compare(trials, pairs, margin)
    cells = trials.cells
    found = cells.loc[table["first"], [*PLACE, "side"]].reset_index(drop=True)
    first, second = (cells["lock"].astype(str).to_numpy()[table[name]] for name in ("first", "second"))
    swapped = first > second
    winner = table["verdict"].map({FASTER: 1, SLOWER: -1, NONE: 0}).astype(int).to_numpy()
    return found.assign(
        first=np.where(swapped, second, first), second=np.where(swapped, first, second),
        winner=np.where(swapped, -winner, winner), ratio=np.where(swapped, 1 / table["ratio"], table["ratio"]))


def report(runs: list[Run], names: list[str]) -> Iterator[str]:
    for name, run in zip(names, runs):
        yield from wrapped(f"{name}: {results.provenance(run)}")
    found = verdicts(runs)
    pairs = found.groupby([*PLACE, "first", "second"], dropna=False, sort=True, observed=True)["winner"]
    shared = found[pairs.transform("size") > 1]
    counts = pairs.agg(["size", "min", "max"])
    counts = counts[counts["size"] > 1]
    flips = (counts["min"] < 0) & (counts["max"] > 0)
    undecided = (counts["min"] == 0) & (counts["max"] == 0)
    agree = counts["min"] == counts["max"]
    yield ""
    yield from wrapped(
        f"Pairs of locks compared on two machines or more: {len(counts)}; {flips.sum()} flip, "
        f"{(agree & ~undecided).sum()} have the same winner on all, {undecided.sum()} show no difference on any, "
        f"{(~flips & ~agree).sum()} show one on some")
    alone = len(pairs) - len(counts)
    if alone:
        yield from wrapped(f"Pairs measured on one machine only, and left out: {alone}; the same list of --threads for "
                           "all machines makes more of them comparable")
    yield from flipped(shared, names)


def flipped(shared: pd.DataFrame, names: list[str]) -> Iterator[str]:
    """The pairs of which one lock wins here and the other there."""
    groups = shared.groupby([*PLACE, "first", "second"], dropna=False, sort=True, observed=True)
    signs = groups["winner"].transform("min") < 0, groups["winner"].transform("max") > 0
    flips = shared[signs[0] & signs[1]]
    place = ""
    for _, group in flips.groupby([*PLACE, "first", "second"], dropna=False, sort=True, observed=True):
        row = group.iloc[0]
        title = f"{results.workload_label(row)}, {plural(row['threads'], 'thread')}"
        if title != place:
            place = title
            yield ""
            yield from wrapped(title)
        yield from wrapped(f"  {row['first']} or {row['second']}? " + "; ".join(_sides(group, row, names)), rest="    ")


def _sides(group: pd.DataFrame, row: pd.Series, names: list[str]) -> Iterator[str]:
    for winner, text in ((1, row["first"]), (-1, row["second"]), (0, "no difference shown")):
        members = group[group["winner"] == winner]
        if members.empty:
            continue
        where = [names[side] + ("" if winner == 0 else f" ({ratio ** winner:.2f} times)")
                 for side, ratio in zip(members["side"], members["ratio"])]
        yield f"{text} on {', '.join(where)}"


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0].startswith("-"):
        print("usage: fleet.py DIR... (the folder of a run on each machine)", file=sys.stderr)
        return 2
    try:
        runs = [results.load(path) for path in arguments]
        print("\n".join(report(runs, [Path(path).resolve().name for path in arguments])))
    except ResultsError as error:
        print(f"fleet: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(main(sys.argv[1:]))
