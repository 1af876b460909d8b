# SPDX-License-Identifier: MIT
"""Which lock? The questions that people come with, each answered from the cells of one run, or left open.

A *situation* is a workload at a number of threads: the locks in it are compared with each other, and with nothing else.
A lock is as good for a question as the geometric mean, over the question's situations, of its throughput over the best
one's there. The best by that is named with its price, and with all that it was not shown to beat, by the verdicts of
compare. A lock that protects only state that may be copied (a seqlock) comes second, whatever its throughput.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Iterator, NamedTuple

import numpy as np
import pandas as pd

from compare.ranking import Ranking
from results.columns import WORKLOAD
from stats import inference
from common.text import wrapped
from common.units import plural, rough
from report.price import Item, price

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
    Question("replay", "The program whose locks are replayed", lambda t: t["profile"] != ""),
    Question("rw", "Readers told from writers, several threads",
             lambda t: t["threads"] > 1, kind="rw"),
]
FOR_COPIES = "for state that may be copied"
# A score that is written as 100 % says only that the lock is the best.
ALL_BUT_BEST = 0.995
# What a terminal has room for.
HEADLINES = ("replay", "short", "crowd", "fair", "rw")


def few(names: list[str]) -> str:
    """As many as one reads: the best ones stand first."""
    more = [f"{len(names) - FEW} more"] if len(names) > FEW else []
    return ", ".join(names[:FEW] + more)


class Second(NamedTuple):
    """A lock for state that may be copied, and how many times as fast as the best lock it is (NaN: there is none)."""

    name: str
    times: float
    is_shown: bool  # that they differ
    price: list[Item]

    @property
    def against(self) -> str:
        """How it stands to the best lock; empty where there is none."""
        if np.isnan(self.times):
            return ""
        return f", {rough(self.times)} times as fast" if self.is_shown else ", no difference shown"


@dataclass(frozen=True)
class Answer:
    """`best` is None where no lock came into question; `alike` are those that were not shown to be worse, `unjudged`
    those that made too few operations to tell whether they starve a thread; `prices` are those of `table`'s locks."""

    question: Question
    n_locks: int  # that were measured
    n_situations: int
    best: str | None
    score: float
    alike: list[str]
    unjudged: list[str]
    table: pd.DataFrame  # one row per lock, best first: score, n_best, n_beaten
    prices: dict[str, list[Item]]
    for_copies: list[Second]

    @property
    def lines(self) -> Iterator[str]:
        """The answer in words: the question with the lock's name, what that costs, what limits it."""
        yield f"{self.question.text}: {self.best or self.none}"
        if self.best is not None:
            yield _listed(self.prices[self.best])
            if self.remarks:
                yield "; ".join(self.remarks)
        for second in self.for_copies:
            yield f"{FOR_COPIES}: {second.name}{second.against}: {_listed(second.price)}"

    @property
    def remarks(self) -> list[str]:
        """What belongs to the best lock's name beside its price."""
        found = ["the only one that was measured"] if self.n_locks == 1 else []
        several = self.n_situations > 1
        if self.score < ALL_BUT_BEST:
            found.append(f"{'on average ' if several else ''}{100 * self.score:.0f} % of the fastest lock's throughput"
                         + (f" in each of {self.n_situations} situations" if several else ""))
        elif several:
            found.append(f"over {self.n_situations} situations")
        if self.alike:
            found.append(f"no difference shown from {few(self.alike)}")
        if self.unjudged:
            found.append(f"not judged: {self._unjudged}")
        return found

    @property
    def none(self) -> str:
        """Why there is no best lock."""
        if not self.n_locks:
            return "none was measured that protects state in place"
        if not self.unjudged:
            return "none of the locks that were measured"
        n_judged = self.n_locks - len(self.unjudged)
        judged = f"none of the {plural(n_judged, 'lock')} that could be judged" if n_judged else "not judged"
        return f"{judged}{'; not judged' if n_judged else ''}: {self._unjudged}"

    @property
    def _unjudged(self) -> str:
        return f"{few(self.unjudged)} (too few operations to tell; a longer --duration does)"


def _listed(price: list[Item]) -> str:
    return ", ".join(f"{item.name} {item.value}" for item in price)


def answers(table: pd.DataFrame, ranking: Ranking) -> list[Answer]:
    """Of the cells of one run; questions that the run says nothing about are left out. In an open loop each lock that
    keeps up does what is due, which says nothing of how much it could do."""
    closed = table[table["rate_per_s"].isna()]
    found = [_answer(question, closed[(closed["kind"] == question.kind) & question.asks(closed)], ranking)
             for question in QUESTIONS]
    return [answer for answer in found if answer is not None]


def _answer(question: Question, cells: pd.DataFrame, ranking: Ranking) -> Answer | None:
    """A lock must have been measured in every situation of the question; a failure there rules it out, and so does a
    thread that starved where that is asked about."""
    if cells.empty:
        return None
    locks, for_copies = cells[~cells["copies"]], cells[cells["copies"]]
    found = _among(question, locks, ranking)
    return replace(found, for_copies=_second(for_copies, locks[locks["lock"] == found.best], ranking))


def _second(cells: pd.DataFrame, best: pd.DataFrame, ranking: Ranking) -> list[Second]:
    """Each that finished in all of its situations, the fastest first, held against the cells of the best lock."""
    there = {tuple(map(str, cell[SITUATION])): cell for _, cell in best.iterrows()}
    found = []
    for name, own in cells.groupby("lock", observed=True):
        if (own["failed"] | own["ops_per_s"].isna()).any():
            continue
        pairs = [(cell, there[at]) for _, cell in own.iterrows() if (at := tuple(map(str, cell[SITUATION]))) in there]
        times = np.exp(np.mean([np.log(a["ops_per_s"] / b["ops_per_s"]) for a, b in pairs])) if pairs else np.nan
        is_shown = any(ranking.is_better(a.name, b.name) or ranking.is_better(b.name, a.name) for a, b in pairs)
        found.append(Second(str(name), float(times), is_shown, price(own)))
    return sorted(found, key=lambda second: -second.times)


def _among(question: Question, cells: pd.DataFrame, ranking: Ranking) -> Answer:
    """The answer among these cells."""
    groups = [group for _, group in cells.groupby(SITUATION, dropna=False)]
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
        return Answer(question, n_locks, len(groups), None, float("nan"), [], unjudged, empty, {}, [])
    speeds = [dict(zip(group["lock"], group["ops_per_s"])) for group in groups]
    cell_of = [dict(zip(group["lock"], group.index)) for group in groups]
    ratios = {name: [s[name] / max(s.values()) for s in speeds] for name in names}
    score = {name: float(np.exp(np.mean(np.log(np.maximum(r, 1e-12))))) for name, r in ratios.items()}
    best = max(names, key=lambda name: (score[name], name))
    n_beaten = {name: sum(ranking.is_better(c[best], c[name]) for c in cell_of) for name in names}
    rows = pd.DataFrame({"score": score, "n_best": {n: sum(r == 1 for r in ratios[n]) for n in names},
                         "n_beaten": n_beaten}).sort_values("score", ascending=False)
    alike = [name for name in rows.index if name != best and n_beaten[name] == 0]
    prices = {name: price(cells[cells["lock"] == name]) for name in names}
    return Answer(question, n_locks, len(groups), best, score[best], alike, unjudged, rows, prices, [])


def headlines(found: list[Answer]) -> Iterator[str]:
    """The answer as a terminal shows it."""
    by_name = {answer.question.name: answer for answer in found}
    for name in HEADLINES:
        for i, line in enumerate(by_name[name].lines if name in by_name else ()):
            yield from wrapped(line, "    " if i else "", "      " if i else "    ")


class Region(NamedTuple):
    """The best lock of one situation. `alike`: those of which no difference from it is shown, best first; `for_copies`:
    the fastest for state that may be copied, if it is shown to be faster than the best, or there is no other."""

    threads: float
    cs_ns: float
    cpus: float
    best: str | None
    speed: inference.Median
    alike: list[str]
    for_copies: str | None


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
    ordered = situation[situation["ops_per_s"].notna()].sort_values("ops_per_s", ascending=False)
    finished, for_copies = ordered[~ordered["copies"]], ordered[ordered["copies"]]
    at = first["threads"], first["cs_ns"], first["cpus"]
    if finished.empty:
        return Region(*at, None, inference.median([]), [], next(iter(for_copies["lock"]), None))
    best = finished.iloc[0]
    second = next((name for cell, name in for_copies["lock"].items() if ranking.is_better(cell, finished.index[0])),
                  None)
    alike = [lock for cell, lock in finished["lock"][1:].items() if not ranking.is_better(finished.index[0], cell)]
    return Region(*at, best["lock"], best["speed"], alike, second)
