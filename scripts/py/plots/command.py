# SPDX-License-Identifier: MIT
"""Draws a run into its folder: throughput, scaling, fairness, CPU per operation and, when measured, waits against
threads; and, by number of threads, throughput against fairness, the tail of the waits, and hand-offs by distance. Of a
simulated run also the misses, by what missed and how far away the line was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable, Iterable, Iterator, NamedTuple

import numpy as np
import pandas as pd

from plots import panels
from plots import programs
from plots import situations
from plots import traffic
from common import palette
from programs import judging
from results import labels
from results import reading
from stats import inference
from results.cells import cells
from plots.panels import Metric, Panel, Subject
from plots.style import save
from common.program import Parser, UserError
from common.units import spaced

# With more locks than this one panel becomes one per family, none of which holds more than MAX_IN_PANEL.
MAX_IN_ONE = 10
MAX_IN_PANEL = 8


def longest(values: pd.Series) -> inference.Median:
    """The maximum over all trials in the shape of a median: it has no interval."""
    return inference.Median(len(values), *[float(values.max())] * 3)


class Plot(NamedTuple):
    name: str
    title: str
    metrics: list[Metric]
    trials: Callable[[reading.Run], pd.DataFrame] = reading.Run.throughput
    baselines: bool = True


SCALING = "scaling"
PLOTS = [
    Plot("throughput", "Throughput: operations of all threads together",
         [Metric("ops_per_s", "operations per second", "count")]),
    Plot(SCALING, "Scaling: throughput over that of the same lock at the fewest threads",
         [Metric("scaling", "throughput, relative to its own", "ratio")]),
    Plot("fairness", "Fairness: how evenly the threads got the lock",
         [Metric("jain", "Jain's index (1 is even)", "share"),
          Metric("evenness", "smallest share / even share", "share")], baselines=False),
    Plot("cpu_per_op", "CPU time per operation: what waiting costs other threads",
         [Metric("cpu_ns_per_op", "CPU time per operation", "ns")]),
    Plot("wait", "Waiting for the lock (waits still open at the close: as long as they were then, or longer)",
         [Metric("wait_p50_ns", "median wait", "ns", essential=False),
          Metric("wait_p99_ns", "wait, 99th percentile", "ns"),
          Metric("wait_p999_ns", "wait, 99.9th percentile", "ns", essential=False),
          Metric("wait_max_ns", "longest wait of all trials", "ns", longest)],
         trials=reading.Run.latency),
]


def panels_of(metrics: list[Metric], competitors: pd.DataFrame) -> list[Panel]:
    """One panel per metric, or, with many locks, one per family and metric."""
    if len(competitors) <= MAX_IN_ONE:
        return [Panel("", metric, list(competitors["lock"])) for metric in metrics]
    metrics = [metric for metric in metrics if metric.essential]
    found = []
    for name, members in competitors.groupby("family"):
        n_chunks = -(-len(members) // MAX_IN_PANEL)
        for i, chunk in enumerate(np.array_split(members["lock"], n_chunks), 1):
            title = name if n_chunks == 1 else f"{name} ({i} of {n_chunks})"
            found += [Panel(title, metric, list(chunk)) for metric in metrics]
    return found


def failures(rows: pd.DataFrame) -> list[panels.Failure]:
    """What went wrong where: a curve that just ends would hide it."""
    failed = rows[rows["status"].isin(reading.FAILURES)].groupby(["lock", "threads", "status"], observed=True).size()
    return sorted(panels.Failure(lock, threads, f"{n} {status}") for (lock, threads, status), n in failed.items())


def with_derived(trials: pd.DataFrame) -> pd.DataFrame:
    """Adds what is drawn but no column of the CSV."""
    fewest = trials[trials["threads"] == trials["threads"].min()]
    own = trials["lock"].map(fewest.groupby("lock", observed=True)["ops_per_s"].median()).astype(float)
    return trials.assign(evenness=trials["min_share"] * trials["threads"], scaling=trials["ops_per_s"] / own)


def draw(run: reading.Run, folder: Path) -> Iterator[Path]:
    """Yields each file as it is written."""
    slugs = labels.workload_slugs(run.rows)
    table = cells(run)
    places = palette.places(table)
    counted = traffic.counted(run)
    for workload, rows in run.rows.groupby("workload"):
        locks = rows.drop_duplicates("lock").sort_values("lock")
        locks = locks.assign(family=[labels.family(lock) for _, lock in locks.iterrows()])
        failed = failures(rows)
        for plot in PLOTS:
            trials = plot.trials(run)
            trials = with_derived(trials[trials["workload"] == workload])
            trials = trials.dropna(subset=[metric.column for metric in plot.metrics], how="all")
            is_baseline = locks["kind"] == "baseline"
            measured = locks["lock"].isin(trials["lock"]) | locks["lock"].isin(failure.lock for failure in failed)
            shown = locks[measured & (plot.baselines | ~is_baseline)]
            if trials.empty or shown.empty or plot.name == SCALING and rows["threads"].nunique() == 1:
                continue
            subject = Subject(plot.title, spaced(labels.workload_label(rows.iloc[0])), labels.provenance(run), shown,
                              trials, failed, places)
            figure = panels.figure(subject, panels_of(plot.metrics, locks[measured & ~is_baseline]))
            yield from save(figure, folder / (plot.name + slugs[workload]))
        words = [spaced(labels.workload_label(rows.iloc[0])), labels.provenance(run)]
        for name, figure in situations.figures(table[table["workload"] == workload], words, places):
            yield from save(figure, folder / (name + slugs[workload]))
        if counted is not None and (figure := traffic.misses(counted[counted["workload"] == workload], words)):
            yield from save(figure, folder / ("misses" + slugs[workload]))


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/plot", "Draws a run as SVG and PNG, into its folder.")
    parser.add_argument("run", metavar="RUN",
                        help="the folder of a run, or a CSV file, of scripts/programs too; the plots go beside it")
    given = parser.parse_args(arguments).run
    campaign = judging.csv_of(given)
    if campaign is not None:
        return show(campaign, programs.draw(campaign))
    run = reading.load(given)
    return show(run.path, draw(run, run.path.parent))


def show(csv: Path, drawn: Iterable[Path]) -> int:
    n_drawn = 0
    try:
        for path in drawn:
            print(path, flush=True)
            n_drawn += 1
    except OSError as error:
        raise UserError(f"{error.filename or csv.parent}: {error.strerror}; the plots go into the folder of the "
                        "run") from None
    if n_drawn == 0:
        print(f"warning: {csv}: nothing is drawn, no trial was good", file=sys.stderr)
    return 0
