# SPDX-License-Identifier: MIT
"""Several runs of machines, commits or compilers: which pairs of locks stand in another order here than there.

Within each run the pairs are judged as `compare` judges them. A flip is a claim of its own, that one lock wins in a run
and the other in another one, and so is corrected by itself, over all pairs that runs share (Benjamini & Heller,
Screening for partial conjunction hypotheses, Biometrics 64, 2008). Simulated with 7 trials and heavy tails on five
machines, where all pairs differed on the first and none on the others, 9 of 720 pairs flipped by the verdicts alone,
all of them falsely; the correction leaves none.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple

import numpy as np
import pandas as pd

from compare import verdicts
from results import labels
from stats import inference
from compare.trials import Trials
from compare.verdicts import FASTER, FDR, NONE, SLOWER
from stats.ratios import benjamini_hochberg
from results.columns import CELL
from results.reading import Run
from common.units import plural

METRIC = "ops_per_s"
# What two runs must share for a pair of locks to be the same question in both.
PLACE = [column for column in CELL if column != "lock"]


class Flips(NamedTuple):
    """How many pairs, and of those that flip one row per run that compared them: PLACE, side (which of the runs), pair,
    first, second, winner and ratio, in the order of PLACE and pair."""

    n_alone: int  # compared in one run only
    n_shared: int
    n_same: int  # the same winner in all runs
    n_undecided: int  # no difference shown in any
    n_open: int  # both win somewhere, but not clearly enough for so many pairs
    rows: pd.DataFrame

    @property
    def n_flips(self) -> int:
        return self.rows["pair"].nunique()

    def counts(self) -> Iterator[str]:
        """A sentence for each count that tells something."""
        n_some = self.n_shared - self.n_flips - self.n_same - self.n_undecided - self.n_open
        yield (f"Pairs of locks compared in two runs or more: {self.n_shared}; {self.n_flips} flip, {self.n_same} have "
               f"the same winner in all, {self.n_undecided} show no difference in any, {n_some} show one in some")
        if self.n_open:
            yield (f"Pairs that may flip: {self.n_open}; both locks win somewhere, but among {self.n_shared} pairs "
                   "that can be chance; more repetitions or fewer cells show more")
        if self.n_alone:
            yield (f"Pairs measured in one run only, and left out: {self.n_alone}; the same --locks and --threads in "
                   "all of them make more comparable")


def find(runs: list[Run], margin: float = inference.MARGIN) -> Flips:
    """Raises ResultsError where no run has a rate."""
    rows = ranked(runs, margin)
    rows["pair"] = rows.groupby([*PLACE, "first", "second"], dropna=False, sort=True, observed=True).ngroup()
    pairs = rows.groupby("pair")["winner"].agg(["size", "min", "max"])
    pairs["p"] = np.maximum(_wins_nowhere(rows, 1), _wins_nowhere(rows, -1))
    shared = pairs[pairs["size"] > 1]
    same = shared["min"] == shared["max"]
    undecided = same & (shared["min"] == 0)
    opposed = (shared["min"] < 0) & (shared["max"] > 0)
    flip = opposed & (benjamini_hochberg(shared["p"].to_numpy()) <= FDR)
    return Flips(len(pairs) - len(shared), len(shared), int((same & ~undecided).sum()), int(undecided.sum()),
                 int((opposed & ~flip).sum()),
                 rows[rows["pair"].isin(shared.index[flip])].sort_values(["pair", "side"], ignore_index=True))


def ranked(runs: list[Run], margin: float) -> pd.DataFrame:
    """One row per run and pair of locks within it: PLACE, side, first, second (names, in the order of the alphabet),
    winner (1: the first, -1: the second, 0: no difference shown), ratio of the first to the second, and p."""
    trials = Trials.of(runs, METRIC, margin)
    pairs = verdicts.within(trials.cells, "lock", None)
    table = verdicts.compare(trials, pairs)
    cells = trials.cells
    found = cells.loc[table["first"], [*PLACE, "side"]].reset_index(drop=True)
    first, second = (cells["lock"].astype(str).to_numpy()[table[name]] for name in ("first", "second"))
    swapped = first > second
    winner = table["verdict"].map({FASTER: 1, SLOWER: -1, NONE: 0}).astype(int).to_numpy()
    return found.assign(
        first=np.where(swapped, second, first), second=np.where(swapped, first, second),
        winner=np.where(swapped, -winner, winner), ratio=np.where(swapped, 1 / table["ratio"], table["ratio"]),
        p=table["p"])


def _wins_nowhere(rows: pd.DataFrame, winner: int) -> pd.Series:
    """p of each pair, for that lock winning in none of the runs: Simes' (Biometrika 73, 1986), over the runs."""
    p = rows["p"].where(rows["winner"] == winner, 1.0)
    by_pair = p.groupby(rows["pair"])
    return (p * by_pair.transform("size") / by_pair.rank(method="first")).groupby(rows["pair"]).min()


def title(row: pd.Series) -> str:
    """Where a pair was compared."""
    return f"{labels.workload_label(row)}, {plural(row['threads'], 'thread')}"
