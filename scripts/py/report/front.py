# SPDX-License-Identifier: MIT
"""Who is dominated? In each situation a lock is on the front unless another is shown to be better in all goals at once:
throughput, the longest wait, CPU time per operation. "Shown" is by the verdicts of compare, for each goal among all
pairs of locks in the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, NamedTuple

import pandas as pd

from compare.ranking import Ranking
from report.answer import SITUATION
from results.reading import Run


class Goal(NamedTuple):
    """A column of cells(); of a longest wait that is a bound only the bound is known."""

    column: str
    name: str


GOALS = [Goal("ops_per_s", "throughput"), Goal("wait_max_ns", "longest wait"),
         Goal("cpu_ns_per_op", "CPU per operation")]


@dataclass(frozen=True)
class Front:
    """One situation. `on` and `dominated` have the locks with the highest throughput first; `out` lists those that did
    not finish, or of which a goal was not measured."""

    first: pd.Series  # one of its cells
    cells: pd.DataFrame  # of the locks that are judged, by name
    on: list[str]
    dominated: dict[str, list[str]]  # by whom
    out: list[str]


@dataclass(frozen=True)
class Fronts:
    """`goals`: those that the run has measured. One alone has no front but its best."""

    goals: list[Goal]
    situations: list[Front]

    def by_workload(self) -> Iterator[list[Front]]:
        """Those that differ in nothing but the threads."""
        found: dict[int, list[Front]] = {}
        for front in self.situations:
            found.setdefault(int(front.first["workload"]), []).append(front)
        yield from found.values()


def fronts(run: Run, table: pd.DataFrame) -> Fronts:
    """Of the mutexes of one run, in a closed loop. In an open one each that keeps up does what is due."""
    chosen = table[(table["kind"] == "mutex") & table["rate_per_s"].isna()]
    goals = [goal for goal in GOALS if chosen[goal.column].notna().any()]
    if len(goals) < 2:
        return Fronts(goals, [])
    rankings = [Ranking.of(run, metric=goal.column) for goal in goals]
    groups = chosen.groupby(SITUATION, dropna=False, sort=False)
    found = [_front(group, goals, rankings) for _, group in groups if group["lock"].nunique() > 1]
    return Fronts(goals, sorted(found, key=lambda front: (front.first["workload"], front.first["threads"])))


def _front(group: pd.DataFrame, goals: list[Goal], rankings: list[Ranking]) -> Front:
    columns = [goal.column for goal in goals]
    is_out = group["failed"] | group[columns].isna().any(axis=1)
    judged = group[~is_out].sort_values("ops_per_s", ascending=False)
    beaten = {lock: [other for by, other in judged["lock"].items() if all(r.is_better(by, cell) for r in rankings)]
              for cell, lock in judged["lock"].items()}
    return Front(group.iloc[0], judged.set_index("lock"), [lock for lock, by in beaten.items() if not by],
                 {lock: by for lock, by in beaten.items() if by}, sorted(map(str, group.loc[is_out, "lock"])))
