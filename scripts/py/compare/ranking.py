# SPDX-License-Identifier: MIT
"""Which locks of one run are shown to be better than which: the verdicts of `scripts/compare RUN`, by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np
import pandas as pd

from compare import floor
from compare import verdicts
from compare.trials import Trials
from compare.verdicts import FASTER, SLOWER
from results.reading import ResultsError, Run
from stats import inference

METRIC = "ops_per_s"


@dataclass(frozen=True)
class Ranking:
    """`floor`: how small a difference the run can tell, in words. Cells are numbered as in Run.rows."""

    floor: list[str]
    shown: frozenset[tuple[int, int]]  # the first cell of each pair is better than the second

    @staticmethod
    def of(run: Run, margin: float = inference.MARGIN, metric: str = METRIC) -> Ranking:
        """Of all pairs of locks in it. Where a file holds several runs, what each that compared two of them shows."""
        try:
            trials = Trials.of([run], metric, margin)
        except ResultsError:  # it was not measured
            return Ranking([], frozenset())
        table = verdicts.compare(trials, verdicts.within(trials.cells, "lock", None))
        cell = trials.cells["run_cell"].to_numpy()
        first, second = cell[table["first"]], cell[table["second"]]
        swapped = first > second
        winner = table["verdict"].map({FASTER: 1, SLOWER: -1}).astype(float).fillna(0).to_numpy()
        pairs = pd.DataFrame({"a": np.where(swapped, second, first), "b": np.where(swapped, first, second),
                              "winner": np.where(swapped, -winner, winner)})
        low, high = (pairs.groupby(["a", "b"])["winner"].agg(limit) for limit in ("min", "max"))
        shown = frozenset([*low.index[low > 0], *((b, a) for a, b in high.index[high < 0])])
        return Ranking(list(floor.words(trials.cells, margin)), shown)

    def is_better(self, a: int, b: int) -> bool:
        """Whether cell a is shown to be better than cell b."""
        return (a, b) in self.shown

    def marks(self, cells: Sequence[int], medians: Sequence[inference.Median]) -> list[str]:
        """One mark per cell, given best first: its place, `=` where no difference from the last place above is shown,
        `?` where there are too few trials to say anything."""
        marks: list[str] = []
        leader: int | None = None
        for place, (cell, median) in enumerate(zip(cells, medians), 1):
            if not median.has_interval:
                marks.append("?")
            elif leader is None or self.is_better(leader, cell):
                leader = cell
                marks.append(str(place))
            else:
                marks.append("=")
        return marks
