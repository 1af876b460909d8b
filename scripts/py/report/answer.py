# SPDX-License-Identifier: MIT
"""Which lock? The questions that people come with, each answered from the cells of one run, or left open.

A *situation* is a workload at a number of threads: the locks in it are compared with each other, and with nothing else.
A lock is as good for a question as the geometric mean, over the question's situations, of its throughput over the best
one's there. The best by that is named together with all that it was not shown to beat, by the verdicts of compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterator, NamedTuple

import numpy as np
import pandas as pd

from compare.ranking import Ranking
from results.columns import WORKLOAD
from stats import inference
from common.units import plural

SITUATION = ["workload", "threads", "readers"]
SHORT_NS = 100
# No thread starves: in no trial one got less than this part of an even share.
EVEN_ENOUGH = 0.5
FEW = 4


class Question(NamedTuple):
    name: str
    text: str
    asks: Callable[[pd.DataFrame], pd.Series]  # which cells it is about
    is_fair: bool = False  # only locks that were shown to starve no thread come into question
    kind: str = "mutex"  # a readers/writer lock that wins by its readers does not answer for a mutex


QUESTIONS = [
    Question("short", f"Sections up to {SHORT_NS} ns, no more threads than CPUs",
             lambda t: (t["cs_ns"] <= SHORT_NS) & ~t["is_over"] & (t["threads"] > 1)),
    Question("alone", "One thread alone", lambda t: t["threads"] == 1),
    Question("long", f"Sections longer than {SHORT_NS} ns, no more threads than CPUs",
             lambda t: (t["cs_ns"] > SHORT_NS) & ~t["is_over"] & (t["threads"] > 1)),
    Question("crowd", "More threads than CPUs", lambda t: t["is_over"]),
    Question("fair", "No thread may starve, no more threads than CPUs",
             lambda t: ~t["is_over"] & (t["threads"] > 1), True),
    Question("fair-crowd", "No thread may starve, more threads than CPUs", lambda t: t["is_over"], True),
    Question("rw", "Readers told from writers, several threads (seqlock: of state that may be copied while it changes)",
             lambda t: t["threads"] > 1, kind="rw"),
]
# What a terminal has room for.
HEADLINES = ("short", "crowd", "fair")


def few(names: list[str]) -> str:
    """As many as one reads: the best ones stand first."""
    more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
    return ", ".join(names[:FEW] + more)


@dataclass(frozen=True)
class Answer:
    """`best` is None where no lock came into question; `alike` are those that were not shown to be worse, `unjudged`
    those that made too few operations to tell whether they starve a thread."""

    question: Question
    n_locks: int  # that were measured
    n_situations: int
    best: str | None
    score: float
    alike: list[str]
    unjudged: list[str]
    table: pd.DataFrame  # one row per lock, best first: score, n_best, n_beaten

    @property
    def text(self) -> str:
        if self.best is None:
            return self._none
        if self.n_locks == 1:
            return f"{self.best}, the only one that was measured"
        text = f"{self.best} ({100 * self.score:.0f} % of the best lock's throughput, over {self._situations})"
        if self.alike:
            text += f"; no difference shown from {few(self.alike)}"
        return text + (f"; not judged: {self._unjudged}" if self.unjudged else "")

    @property
    def _none(self) -> str:
        if not self.unjudged:
            return "none of the locks that were measured"
        n_judged = self.n_locks - len(self.unjudged)
        judged = f"none of the {plural(n_judged, 'lock')} that could be judged" if n_judged else "not judged"
        return f"{judged}{'; not judged' if n_judged else ''}: {self._unjudged}"

    @property
    def _unjudged(self) -> str:
        return f"{few(self.unjudged)} (too few operations to tell; a longer --duration does)"

    @property
    def _situations(self) -> str:
        return plural(self.n_situations, "situation")


def answers(table: pd.DataFrame, ranking: Ranking) -> list[Answer]:
    """Of the cells of one run; questions that the run says nothing about are left out."""
    found = [_answer(question, table[(table["kind"] == question.kind) & question.asks(table)], ranking)
             for question in QUESTIONS]
    return [answer for answer in found if answer is not None]


def _answer(question: Question, cells: pd.DataFrame, ranking: Ranking) -> Answer | None:
    """A lock must have been measured in every situation of the question; a failure there rules it out, and so does a
    thread that starved where that is asked about."""
    groups = [group for _, group in cells.groupby(SITUATION, dropna=False)]
    if not groups:
        return None
    is_out = cells["failed"] | cells["ops_per_s"].isna()
    is_unjudged = pd.Series(False, cells.index)
    if question.is_fair:
        is_out |= cells["least_even"] < EVEN_ENOUGH
        is_unjudged = ~is_out & ((cells["n_unjudged"] > 0) | cells["least_even"].isna())
    n_in, n_fit = (cells[which].groupby("lock", observed=True).size() for which in (~is_out, ~is_out & ~is_unjudged))
    n_locks = cells["lock"].nunique()
    names = list(n_fit.index[n_fit == len(groups)])
    unjudged = sorted(set(n_in.index[n_in == len(groups)]) - set(names))
    empty = pd.DataFrame(columns=["score", "n_best", "n_beaten"])
    if not names:
        return Answer(question, n_locks, len(groups), None, float("nan"), [], unjudged, empty)
    speeds = [dict(zip(group["lock"], group["ops_per_s"])) for group in groups]
    cell_of = [dict(zip(group["lock"], group.index)) for group in groups]
    ratios = {name: [s[name] / max(s.values()) for s in speeds] for name in names}
    score = {name: float(np.exp(np.mean(np.log(np.maximum(r, 1e-12))))) for name, r in ratios.items()}
    best = max(names, key=lambda name: (score[name], name))
    n_beaten = {name: sum(ranking.is_better(c[best], c[name]) for c in cell_of) for name in names}
    rows = pd.DataFrame({"score": score, "n_best": {n: sum(r == 1 for r in ratios[n]) for n in names},
                         "n_beaten": n_beaten}).sort_values("score", ascending=False)
    alike = [name for name in rows.index if name != best and n_beaten[name] == 0]
    return Answer(question, n_locks, len(groups), best, score[best], alike, unjudged, rows)


def headlines(found: list[Answer]) -> Iterator[str]:
    """The answer in three lines."""
    by_name = {answer.question.name: answer for answer in found}
    for name in HEADLINES:
        if name in by_name:
            yield f"{by_name[name].question.text}: {by_name[name].text}"


class Region(NamedTuple):
    """The best lock of one situation. `alike`: those of which no difference from it is shown, best first."""

    threads: float
    cs_ns: float
    cpus: float
    best: str | None
    speed: inference.Median
    alike: list[str]


def regions(table: pd.DataFrame, ranking: Ranking, kind: str) -> list[tuple[pd.Series, list[Region]]]:
    """Maps of threads times section length, one for each set of workloads that differ in nothing else, of one kind.

    With each map comes one of its cells, to tell the rest of the workload.
    """
    locks = table[table["kind"] == kind]
    same = [column for column in WORKLOAD if column != "cs_ns"]
    return [(group.iloc[0], [_region(situation, ranking)
                             for _, situation in group.groupby(["cs_ns", "threads", "readers"], dropna=False)])
            for _, group in locks.groupby(same, dropna=False, sort=False, observed=True)]


def _region(situation: pd.DataFrame, ranking: Ranking) -> Region:
    first = situation.iloc[0]
    finished = situation[situation["ops_per_s"].notna()].sort_values("ops_per_s", ascending=False)
    at = first["threads"], first["cs_ns"], first["cpus"]
    if finished.empty:
        return Region(*at, None, inference.median([]), [])
    best = finished.iloc[0]
    alike = [lock for cell, lock in finished["lock"][1:].items() if not ranking.is_better(finished.index[0], cell)]
    return Region(*at, best["lock"], best["speed"], alike)
