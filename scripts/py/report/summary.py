# SPDX-License-Identifier: MIT
"""Prints what a run shows, and what it does not: per workload and thread count the locks ordered by throughput."""

from __future__ import annotations

from math import isnan
from typing import Any, Callable, Iterator, NamedTuple

import pandas as pd

from compare.ranking import Ranking
from results import baselines
from results import labels
from results import reading
from stats import inference
from results.cautions import cautions
from results.cells import cells
from common.program import Parser
from common.text import RULE, WIDTH, wrapped
from common.units import count, duration, plural, rough


class Column(NamedTuple):
    """`text` of one cell; empty where not measured, and a column that is empty in the whole run is left out."""

    head: str
    text: Callable[[Any], str]
    meaning: str


COLUMNS = [
    Column("ops/s", lambda c: count(c.speed.value), "operations per second, median over the trials"),
    Column("95 % CI", lambda c: interval(c.speed),
           "of that median, relative to it, by order statistics; '?': wider than the median itself"),
    Column("writes", lambda c: count(c.writes_per_s) if c.has_roles else "", "the writers' part of ops/s"),
    Column("jain", lambda c: "" if isnan(c.jain) else f"{c.jain:.2f}",
           "Jain's fairness index: 1 is even, 1/threads is one thread alone"),
    Column("min%", lambda c: "" if isnan(c.min_share) else f"{100 * c.min_share:.1f}",
           "share of the thread that got least, in per cent of all operations"),
    Column("own/s", lambda c: count(c.owner_rate), "owner changes per second: few of them at many ops/s is hoarding"),
    Column("run", lambda c: count(c.longest_run), "longest run of one owner, in operations, over all trials"),
    Column("p99", lambda c: waited(c.wait_p99_ns, c.wait_p99_ns_is_bound),
           "99th percentile of the wait (median over trials of their own)"),
    Column("max", lambda c: waited(c.wait_max_ns, c.wait_max_ns_is_bound), "longest wait of all trials"),
    Column(">1ms%", lambda c: "" if isnan(c.wait_time_1ms_pct) else rough(c.wait_time_1ms_pct),
           "share of the threads' time that was spent in waits of 1 ms or more, in per cent"),
    Column("cpu/op", lambda c: duration(c.cpu_ns_per_op), "CPU time per operation"),
    Column("line", lambda c: "" if isnan(c.line_ns) else f"{c.line_ns:.0f} ({c.line_low:.0f}-{c.line_high:.0f})",
           "one-way transfer of a cache line just before the trials, ns: median (range)"),
    Column("n", lambda c: str(c.speed.n), "throughput trials behind the medians"),
]

RANKS = """\
rk       place by throughput. '=': no difference shown from the last place above, by the rule of
         scripts/compare, corrected for all pairs of locks in the run. '?': fewer than 6 trials
         give no 95 % interval, the range is shown. 'ref': a baseline, no competitor: `empty` is
         what the harness costs, `counter` what a shared line allows, a twin is a lock again.
         'cpy': for state that may be copied while it changes, and so no competitor either."""

HANDOFFS = (
    "hand-off time from owner to owner of a mutex, where 9 in 10 acquisitions or more change the owner and the section "
    "is empty: in line transfers while each thread has a CPU to spin on, in parked hand-offs of this machine where the "
    "lock puts threads to sleep")


def waited(ns: float, is_bound: bool) -> str:
    """>=60ms where the wait was still open at the close."""
    return (">=" if is_bound else "") + duration(ns)


def interval(m: inference.Median) -> str:
    """-1.2 +3.4%"""
    if m.says_nothing:
        return "?"
    if m.n < 2 or not m.value:
        return ""
    low, high = (100 * abs(limit / m.value - 1) for limit in (m.low, m.high))
    return f"-{_percent(low)} +{_percent(high)}%"


def _percent(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


class Layout:
    """Column widths that hold for the whole run, so that tables can be compared by eye."""

    def __init__(self, columns: list[Column], table: pd.DataFrame) -> None:
        self.texts = [lambda c: str(c.lock)] + [column.text for column in columns]
        heads = ["lock"] + [column.head for column in columns]
        self.widths = [max(len(head), *(len(text(c)) for c in table.itertuples()))
                       for head, text in zip(heads, self.texts)]
        self.gap = "  " if 3 + sum(self.widths) + 2 * len(heads) <= WIDTH else " "
        self.header = self._join("rk", heads)

    def line(self, mark: str, cell: Any) -> str:
        return self._join(mark, [text(cell) for text in self.texts])

    def _join(self, mark: str, texts: list[str]) -> str:
        padded = [text.ljust(width) if i == 0 else text.rjust(width)
                  for i, (text, width) in enumerate(zip(texts, self.widths))]
        return self.gap.join([mark.rjust(3), *padded]).rstrip()


def summary(run: reading.Run) -> Iterator[str]:
    """The lines of the summary."""
    table = cells(run)
    ranking = Ranking.of(run)
    yield from heading(run, table)
    for sentence in ranking.floor:
        yield from wrapped(sentence)
    columns = [column for column in COLUMNS if any(column.text(c) for c in table.itertuples())]
    layout = Layout(columns, table)
    for _, workload in table.groupby("workload"):
        yield RULE
        yield from wrapped("Workload: " + labels.workload_label(workload.iloc[0]))
        for _, group in workload.groupby(["threads", "readers"], dropna=False):
            yield ""
            yield from thread_count(group, ranking, layout)
    yield RULE
    yield from RANKS.splitlines()
    yield from (f"{column.head:8} {column.meaning}" for column in columns)
    if table[["handoff_lines", "handoff_parks"]].notna().any(axis=None):
        yield from wrapped(HANDOFFS, rest=" " * 9)
    notes = list(cautions(run, table))
    if notes:
        yield RULE
        yield "Read with care:"
        for note in notes:
            yield from wrapped(note, "- ", "  ")


def heading(run: reading.Run, table: pd.DataFrame) -> Iterator[str]:
    n_rows = run.rows["status"].value_counts()
    counts = ", ".join(f"{n_rows[s]} {s}" for s in reading.STATUSES if n_rows.get(s, 0))
    yield from wrapped(f"lockbench: {labels.provenance(run)}")
    yield from wrapped(baselines.line(run))
    yield from wrapped(f"{plural(len(run.rows), 'trial')}: {counts}"
                       + ("; noisy or disturbed: the machine was in the way, and the trial was run again"
                          if any(n_rows.get(status, 0) for status in reading.REPEATED) else ""))
    narrow = [speed.half_width <= 0.05 for speed in table["speed"] if speed.has_interval]
    if narrow:
        yield f"Precision: the median is known to within 5 % in {sum(narrow)} of {plural(len(narrow), 'cell')}"


def thread_count(group: pd.DataFrame, ranking: Ranking, layout: Layout) -> Iterator[str]:
    """One table: the baselines, then the locks, best first, those for copies behind them; those without a finished
    trial last."""
    first = group.iloc[0]
    title = plural(first["threads"], "thread")
    if pd.notna(first["readers"]):
        title += f" ({plural(first['readers'], 'reader')} + {plural(first['writers'], 'writer')})"
    if (group["threads"] > group["cpus"]).any():
        title += f" on {plural(group['cpus'].min(), 'CPU')}: the scheduler is measured along with the lock"
    yield from wrapped(title)

    ordered = list(group.sort_values(["ops_per_s", "lock"], ascending=[False, True]).itertuples())
    references = [c for c in ordered if c.kind == "baseline"]
    finished = [c for c in ordered if c.kind != "baseline" and c.speed.n and not c.copies]
    for_copies = [c for c in ordered if c.kind != "baseline" and c.speed.n and c.copies]
    unfinished = [c for c in ordered if c.kind != "baseline" and not c.speed.n]
    marks = ["ref"] * len(references) + ranking.marks(
        [c.Index for c in finished], [c.speed for c in finished]) + ["cpy"] * len(for_copies) + ["-"] * len(unfinished)
    yield layout.header
    for mark, cell in zip(marks, references + finished + for_copies + unfinished):
        yield layout.line(mark, cell)
        if cell.remarks:
            yield from wrapped(cell.remarks, "    ! ", "      ")
    for held in baselines.held_against(group):
        yield from wrapped(held, "    ", "    ")
    yield from collapse(finished, unfinished)


def collapse(finished: list[Any], unfinished: list[Any]) -> Iterator[str]:
    """Why FIFO spin locks fall behind where threads outnumber CPUs: people take it for a bug. Of bounded ones it is not
    true that the lock may go only to the next in line."""
    best = finished[0].ops_per_s if finished else 0
    names = [c.lock for c in finished + unfinished if c.threads > c.cpus and c.waits == "spin"
             and c.fifo == "yes" and not c.ops_per_s > best / 2]
    if names:
        yield from wrapped(
            f"FIFO spin locks collapse here ({', '.join(names)}): the lock may go only to the next in line, and when "
            "that thread is not running, all others spin until the scheduler gives it its time slice. This is what "
            "the order costs, not a bug.", "    ", "    ")


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/summary", "Prints what a run shows, and what it does not.")
    parser.add_argument("run", metavar="RUN", help="the folder of a run, or a CSV file")
    print("\n".join(summary(reading.load(parser.parse_args(arguments).run))))
    return 0
