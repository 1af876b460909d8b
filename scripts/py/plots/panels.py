# SPDX-License-Identifier: MIT
"""One figure: a metric, or several, against the number of threads, with a panel for each group of locks."""

from __future__ import annotations

import textwrap
from collections import Counter
from itertools import groupby
from typing import Any, Callable, NamedTuple

import numpy as np
import pandas as pd

from plots import line_ends
from stats import inference
from plots.style import GREY, PALE, Style, baseline_style, lock_styles, pyplot, thread_axis, value_axis


class Metric(NamedTuple):
    column: str
    axis: str
    unit: str  # as in plotstyle.value_axis
    statistic: Callable[[Any], inference.Median] = inference.median
    essential: bool = True  # else left out where many locks need the room


class Panel(NamedTuple):
    """The locks that a panel is about; all others are drawn in pale grey behind them."""

    title: str
    metric: Metric
    locks: list[str]


class Failure(NamedTuple):
    lock: str
    threads: float
    what: str


class Subject(NamedTuple):
    """One workload of a run. `locks` has lock and kind, `trials` the good ones."""

    title: str
    workload: str
    provenance: str
    locks: pd.DataFrame
    trials: pd.DataFrame
    failures: list[Failure]
    places: dict[str, int]  # of all locks of the run, in the palette


Curves = dict[str, list[inference.Median]]


def figure(subject: Subject, panels: list[Panel]) -> Any:
    threads = sorted({*subject.trials["threads"], *(failure.threads for failure in subject.failures)})
    cpus = subject.trials["cpus"].min()
    metrics = {panel.metric for panel in panels}
    curves = {metric: _curves(subject, metric, threads) for metric in metrics}
    limits = {metric: _limits(curves[metric]) for metric in metrics}
    medians = [median for curve in curves.values() for lock in curve.values() for median in lock]
    fig, axes = _grid(subject, panels, any(median.says_nothing for median in medians))
    for ax, panel in zip(axes, panels):
        ax.set_title(panel.title, loc="left", fontsize=9.5, fontweight="bold", pad=14)
        ax.set_ylabel(panel.metric.axis)
        thread_axis(ax, threads, cpus)
        value_axis(ax, panel.metric.unit, *limits[panel.metric])
        _draw(ax, panel, subject, threads, curves[panel.metric])
    return fig


def _curves(subject: Subject, metric: Metric, threads: list[float]) -> Curves:
    """Per lock one median for every number of threads, NaN where it was not measured."""
    measured = subject.trials.groupby(["lock", "threads"], observed=True)[metric.column]
    found = {key: metric.statistic(values) for key, values in measured}
    nothing = inference.median([])
    return {lock: [found.get((lock, n), nothing) for n in threads] for lock in subject.locks["lock"]}


def _limits(curves: Curves) -> tuple[float, float]:
    """The smallest and the largest positive value, bands included: zero has no place on a logarithmic axis."""
    values = [v for medians in curves.values() for m in medians
              for v in ([m.value] if m.says_nothing else [m.low, m.high]) if v > 0]
    return (min(values), max(values)) if values else (1, 10)


def _draw(ax: Any, panel: Panel, subject: Subject, threads: list[float], curves: Curves) -> None:
    baselines = list(subject.locks.loc[subject.locks["kind"] == "baseline", "lock"])
    styles = {lock: baseline_style(i) for i, lock in enumerate(baselines)}
    styles.update(lock_styles(panel.locks, subject.places))
    failed = {failure.lock for failure in subject.failures}
    labels = []
    for lock, medians in curves.items():
        if lock not in styles:
            ax.plot(threads, [m.value for m in medians], color=PALE, linewidth=1, zorder=1)
            continue
        _curve(ax, threads, medians, styles[lock], 3 if lock in panel.locks else 2)
        measured = [(n, m.value) for n, m in zip(threads, medians) if m.n]
        labels.append(line_ends.Label(lock + ("†" if lock in failed else ""),
                                      *(measured[-1] if measured else (threads[-1], 0)), styles[lock]))
    n_crosses: Counter[float] = Counter()
    for failure in subject.failures:
        if failure.lock in panel.locks:
            ax.annotate("×", (failure.threads, 0), xycoords=("data", "axes fraction"), ha="center", fontweight="bold",
                        xytext=(8 * n_crosses[failure.threads], 2), textcoords="offset points",
                        color=styles[failure.lock].color, fontsize=11)
            n_crosses[failure.threads] += 1
    line_ends.draw(ax, labels)


def _curve(ax: Any, threads: list[float], medians: list[inference.Median], style: Style, zorder: int) -> None:
    nothing = float("nan"), float("nan")
    middle, low, high = np.array([(m.value, *(nothing if m.says_nothing else (m.low, m.high))) for m in medians]).T
    known = np.flatnonzero(~np.isnan(middle))
    ax.fill_between(threads, low, high, color=style.color, alpha=0.15, linewidth=0, zorder=zorder)
    told = known[~np.isnan(low[known])]
    ax.vlines(np.array(threads)[told], low[told], high[told], color=style.color, alpha=0.5, linewidth=1, zorder=zorder)
    ax.plot(threads, middle, color=style.color, marker=style.marker, linestyle=style.line, linewidth=1.6,
            markersize=5, zorder=zorder)
    for n, median in zip(threads, medians):
        if median.says_nothing and median.value > 0:
            ax.annotate("?", (n, median.value), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=8,
                        color=style.text)


def _grid(subject: Subject, panels: list[Panel], any_says_nothing: bool) -> tuple[Any, list[Any]]:
    """Axes placed in inches: the room for labels, title and footer must not depend on the number of panels."""
    n_metrics = len({panel.metric for panel in panels})
    if panels[0].title:
        n_columns, width, height, top = 2, 3.3, 2.4, 1.2
    elif n_metrics > 1:
        n_columns, width, height, top = 2, 4.4, 3.1, 0.95
    else:
        n_columns, width, height, top = 1, 7.2, 4.6, 0.95
    n_rows = -(-len(panels) // n_columns)
    left, label, between = 0.85, 0.2 + 0.06 * width + 0.08 * max(map(len, subject.locks["lock"])), 0.9
    page = n_columns * (left + width + label)
    foot = _footer(subject, bool(panels[0].title), any_says_nothing, int(page * 15))
    bottom = 0.65 + 0.16 * len(foot)
    tall = top + n_rows * height + (n_rows - 1) * between + bottom
    fig = pyplot.figure(figsize=(page, tall))
    axes = []
    for i in range(len(panels)):
        row, column = divmod(i, n_columns)
        x, y = column * (left + width + label) + left, tall - top - row * (height + between) - height
        axes.append(fig.add_axes([x / page, y / tall, width / page, height / tall]))
    fig.text(0.2 / page, 1 - 0.32 / tall, subject.title, fontsize=13, fontweight="bold")
    fig.text(0.2 / page, 1 - 0.54 / tall, subject.workload, fontsize=9, color=GREY)
    fig.text(0.2 / page, 0.1 / tall, "\n".join(foot), fontsize=7.5, color=GREY, va="bottom", linespacing=1.4)
    return fig, axes


def _footer(subject: Subject, has_others: bool, any_says_nothing: bool, width: int) -> list[str]:
    key = [f"Markers: median of the trials; bands: its 95 % interval (below {inference.MIN_TRIALS} trials the range)."]
    if "baseline" in set(subject.locks["kind"]):
        key.append("Dashed grey: baselines, not locks.")
    if any_says_nothing:
        key.append("?: an interval wider than the median itself, which says nothing.")
    if has_others:
        key.append("Pale grey: the locks of the other panels.")
    notes = [" ".join(key)]
    if subject.failures:
        by_lock = groupby(subject.failures, key=lambda failure: failure.lock)
        notes.append("† × trials that failed: " + "; ".join(
            f"{lock} " + ", ".join(f"{f.what} at {f.threads:g} threads" for f in found) for lock, found in by_lock))
    notes.append(subject.provenance)
    return [line for note in notes for line in textwrap.wrap(note, width)]
