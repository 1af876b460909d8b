# SPDX-License-Identifier: MIT
"""Prints what a run shows, and what it does not: per workload and thread count the locks ordered by throughput."""

from __future__ import annotations

import textwrap
from math import isnan
from typing import Any, Callable, Iterator, NamedTuple

import pandas as pd

from common import program
from results import labels
from results import reading
from results import baselines
from stats import inference
from results.cells import cells
from common.units import count, duration, mops, plural

WIDTH = 100
RULE = "-" * WIDTH


class Column(NamedTuple):
    """`text` of one cell; empty where not measured, and a column that is empty in the whole run is left out."""

    head: str
    text: Callable[[Any], str]
    meaning: str


COLUMNS = [
    Column("Mops/s", lambda c: mops(c.speed.value), "million operations per second, median over the trials"),
    Column("95 % CI", lambda c: interval(c.speed), "of that median, relative to it (interpolated order statistics)"),
    Column("writes", lambda c: mops(c.writes_per_s) if c.has_roles else "", "the writers' part of Mops/s"),
    Column("jain", lambda c: "" if isnan(c.jain) else f"{c.jain:.2f}",
           "Jain's fairness index: 1 is even, 1/threads is one thread alone"),
    Column("min%", lambda c: "" if isnan(c.min_share) else f"{100 * c.min_share:.1f}",
           "share of the thread that got least, in per cent of all operations"),
    Column("own/s", lambda c: count(c.owner_rate), "owner changes per second: few of them and many Mops/s is hoarding"),
    Column("run", lambda c: count(c.longest_run), "longest run of one owner, in operations, over all trials"),
    Column("p99", lambda c: duration(c.wait_p99_ns), "99th percentile of the wait (median over trials of their own)"),
    Column("max", lambda c: duration(c.wait_max_ns), "longest wait of all trials"),
    Column("cpu/op", lambda c: duration(c.cpu_ns_per_op), "CPU time per operation"),
    Column("line", lambda c: "" if isnan(c.line_ns) else f"{c.line_ns:.0f} ({c.line_low:.0f}-{c.line_high:.0f})",
           "one-way transfer of a cache line just before the trials, ns: median (range)"),
    Column("n", lambda c: str(c.speed.n), "throughput trials behind the medians"),
]

RANKS = """\
rk       place by throughput. '=': no difference shown from the last place above, because the
         intervals overlap or the medians are within 5 %. '?': fewer than 6 trials give no 95 %
         interval, the range is shown. 'ref': a baseline, no lock: `empty` is what the harness
         costs, `counter` what a shared line allows."""

HANDOFFS = (
    "hand-off time from owner to owner of a mutex, where 9 in 10 acquisitions or more change the owner and the section "
    "is empty: in line transfers while each thread has a CPU to spin on, in parked hand-offs of this machine where the "
    "lock puts threads to sleep")


def interval(m: inference.Median) -> str:
    """-1.2 +3.4%"""
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
    yield from heading(run, table)
    columns = [column for column in COLUMNS if any(column.text(c) for c in table.itertuples())]
    layout = Layout(columns, table)
    for _, workload in table.groupby("workload"):
        yield RULE
        yield from wrapped("Workload: " + labels.workload_label(workload.iloc[0]))
        for _, group in workload.groupby(["threads", "readers"], dropna=False):
            yield ""
            yield from thread_count(group, layout)
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
                       + ("; a noisy trial had the machine in its way and was run again"
                          if n_rows.get("noisy", 0) else ""))
    narrow = [speed.half_width <= 0.05 for speed in table["speed"] if speed.has_interval]
    if narrow:
        yield f"Precision: the median is known to within 5 % in {sum(narrow)} of {plural(len(narrow), 'cell')}"


def thread_count(group: pd.DataFrame, layout: Layout) -> Iterator[str]:
    """One table: the baselines, then the locks, best first; those without a finished trial last."""
    first = group.iloc[0]
    title = plural(first["threads"], "thread")
    if pd.notna(first["readers"]):
        title += f" ({plural(first['readers'], 'reader')} + {plural(first['writers'], 'writer')})"
    if (group["threads"] > group["cpus"]).any():
        title += f" on {plural(group['cpus'].min(), 'CPU')}: the scheduler is measured along with the lock"
    yield from wrapped(title)

    ordered = list(group.sort_values(["ops_per_s", "lock"], ascending=[False, True]).itertuples())
    references = [c for c in ordered if c.kind == "baseline"]
    finished = [c for c in ordered if c.kind != "baseline" and c.speed.n]
    unfinished = [c for c in ordered if c.kind != "baseline" and not c.speed.n]
    marks = ["ref"] * len(references) + inference.ranks([c.speed for c in finished]) + ["-"] * len(unfinished)
    yield layout.header
    for mark, cell in zip(marks, references + finished + unfinished):
        yield layout.line(mark, cell)
        if cell.remarks:
            yield from wrapped(cell.remarks, "    ! ", "      ")
    for held in baselines.held_against(group):
        yield from wrapped(held, "    ", "    ")
    yield from collapse(finished, unfinished)


def collapse(finished: list[Any], unfinished: list[Any]) -> Iterator[str]:
    """Why FIFO spin locks fall behind where threads outnumber CPUs: people take it for a bug."""
    best = finished[0].ops_per_s if finished else 0
    names = [c.lock for c in finished + unfinished if c.threads > c.cpus and c.waits == "spin"
             and c.fifo in ("yes", "nearly", "bounded") and not c.ops_per_s > best / 2]
    if names:
        yield from wrapped(
            f"FIFO spin locks collapse here ({', '.join(names)}): the lock may go only to the next in line, and when "
            "that thread is not running, everybody spins until the scheduler gives it its time slice. This is what "
            "the order costs, not a bug.", "    ", "    ")


def cautions(run: reading.Run, table: pd.DataFrame) -> Iterator[str]:
    """What limits the conclusions, most telling first."""
    yield from drifted(run, "the run")
    steal = run.rows.loc[run.rows["status"] == "ok", "steal_pct"]
    if (steal > 2).any():
        yield (f"steal: the hypervisor took more than 2 % of the CPU time in {(steal > 2).sum()} of "
               f"{plural(steal.count(), 'counted trial')} (median {steal.median():.1f} %, worst {steal.max():.1f} %)")
    if table["two_modes"].any():
        yield (f"two modes: {plural(table['two_modes'].sum(), 'cell')} fell into two groups of trials (see the "
               "remarks); their medians stand for neither group")
    few = table["speed"].map(lambda m: 0 < m.n < inference.MIN_TRIALS)
    if few.any():
        yield (f"few trials: {few.sum()} of {plural(len(table), 'cell')} have fewer than {inference.MIN_TRIALS}, "
               "so nothing can be shown there; 7 or more repetitions are needed")
    failed = table.loc[table["failed"], "lock"].unique()
    if len(failed):
        yield f"failed trials (timeout, crashed or broken; see the remarks): {', '.join(failed)}"
    if run.rows[["host", "topology_hash"]].drop_duplicates().shape[0] > 1:
        yield "the rows come from more than one machine; compare only within one"
    if not run.host:
        yield "no host.json is beside the CSV: what the harness found suspicious about the machine is not known"
    yield from run.warnings


def drifted(run: reading.Run, name: str) -> Iterator[str]:
    """At most one line."""
    timed = run.throughput()
    drift = inference.drift(timed["order_index"], timed["ops_per_s"], timed["cell"])
    if drift and drift.shown:
        yield (f"drift: in the second half of {name} the locks made {100 * drift.change:+.1f} % operations per second "
               f"against the first (p = {drift.p:.1g}); something else changed while it ran, measure again")


def wrapped(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        return program.usage("scripts/summary DIR (the folder of a run, or a CSV file)", arguments)
    print("\n".join(summary(reading.load(arguments[0]))))
    return 0
