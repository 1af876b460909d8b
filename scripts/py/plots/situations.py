# SPDX-License-Identifier: MIT
"""Figures in which each panel is one number of threads: who pays what, the tail of the waits, where the lock went."""

from __future__ import annotations

import textwrap
from typing import Any, Callable, Iterator

import numpy as np
import pandas as pd

from plots import line_ends
from results.cells import DISTANCES, PERCENTILES
from plots.style import GREY, PALETTE, family_style, lock_style, pyplot, value_axis

MAX_COLUMNS = 4
MAX_IN_PANEL = 8
# One in so many acquisitions waited that long; the longest wait has no share of its own and lies one step below.
TAIL = dict(zip([*PERCENTILES, "wait_max_ns"], (0.5, 0.1, 0.01, 0.001, 0.0001)))
TAIL_NAMES = ("1 in 2", "1 in 10", "1 in 100", "1 in 1000", "longest")
MARKER_NAMES = ("circle", "square", "diamond", "triangle up", "triangle down", "plus", "cross", "triangle left")
DISTANCE_NAMES = ("SMT sibling", "same last-level cache", "same NUMA node", "farther")


def thread_counts(cells: pd.DataFrame) -> list[float]:
    """At most MAX_COLUMNS of them, spread over all; one thread has nobody to wait for."""
    counts = sorted(n for n in cells["threads"].unique() if n > 1)
    if len(counts) <= MAX_COLUMNS:
        return counts
    return [counts[i] for i in np.linspace(0, len(counts) - 1, MAX_COLUMNS).round().astype(int)]


def chunks(cells: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """The locks of one panel, by family where one panel cannot hold them all."""
    locks = cells.drop_duplicates("lock").sort_values("lock")
    if len(locks) <= MAX_IN_PANEL:
        return [("", list(locks["lock"]))]
    return [(family, list(part)) for family, members in locks.groupby("family")
            for part in np.array_split(members["lock"], -(-len(members) // MAX_IN_PANEL))]


def who_pays(cells: pd.DataFrame, words: list[str]) -> Any:
    """Throughput against fairness: the corner at the top right is where nobody pays."""
    cells = cells[(cells["ops_per_s"] > 0) & cells["least_even"].notna()]
    counts = thread_counts(cells)
    if not counts:
        return None
    families = sorted(cells["family"].unique())
    fig, axes = _grid("Throughput against fairness: who pays what", words + _family_key(families), 1, len(counts),
                      2.6, max(3.2, 0.13 * cells["lock"].nunique()), _label_room(cells))
    for ax, n in zip(axes, counts):
        here = cells[cells["threads"] == n]
        ax.set_title(_title(n, here), loc="left", fontsize=9.5, fontweight="bold")
        value_axis(ax, "count", here["ops_per_s"].min(), here["ops_per_s"].max(), along="x")
        ax.set_xlabel("operations per second")
        ax.set_ylim(-0.03, 1.06)
        labels = []
        for cell in here.itertuples():
            style = family_style(families.index(cell.family))
            ax.plot([cell.ops_per_s], [cell.least_even], marker=style.marker, color=style.color, markersize=5)
            labels.append(line_ends.Label(cell.lock, cell.ops_per_s, cell.least_even, style))
        line_ends.draw(ax, labels)
    axes[0].set_ylabel("least served thread: part of an even share, worst trial")
    return fig


def wait_tail(cells: pd.DataFrame, words: list[str]) -> Any:
    """The distribution of the waits by its tail, which is what users feel."""
    cells = cells[cells["wait_max_ns"].notna()]
    counts = thread_counts(cells)
    if not counts:
        return None
    groups = chunks(cells)
    fig, axes = _grid("Waits: one in so many acquisitions waited that long or longer", words, len(groups), len(counts),
                      2.6, 2.2, _label_room(cells))
    low, high = cells["wait_p50_ns"].min(), cells["wait_max_ns"].max()
    for (family, locks), row in zip(groups, _rows(axes, len(counts))):
        for ax, n in zip(row, counts):
            here = cells[(cells["threads"] == n) & cells["lock"].isin(locks)].set_index("lock")
            ax.set_title(f"{family}, {_title(n, cells)}" if family else _title(n, cells), loc="left", fontsize=9,
                         fontweight="bold")
            value_axis(ax, "ns", max(low, 1), high, along="x")
            ax.set_yscale("log")
            ax.set_ylim(6e-5, 0.8)
            ax.set_yticks(list(TAIL.values()), TAIL_NAMES)
            ax.minorticks_off()
            labels = []
            for i, lock in enumerate(locks):
                if lock in here.index:
                    style = lock_style(i)
                    points = [here.loc[lock, column] for column in TAIL]
                    ax.plot(points, list(TAIL.values()), color=style.color, marker=style.marker, markersize=4,
                            linewidth=1.4, linestyle=style.line)
                    labels.append(line_ends.Label(lock, points[-2], list(TAIL.values())[-2], style))
            line_ends.draw(ax, labels)
    return fig


def hand_offs(cells: pd.DataFrame, words: list[str]) -> Any:
    """Of the exclusive acquisitions: by another CPU, how far away, or none of that: the lock stayed where it was."""
    cells = cells[cells[DISTANCES].notna().any(axis=1) & (cells["exclusive"] > 0)]
    counts = thread_counts(cells)
    if not counts:
        return None
    locks = sorted(cells["lock"].unique(), reverse=True)
    fig, axes = _grid("Where the lock went: share of the acquisitions that took it from another CPU", words, 1,
                      len(counts), 2.8, 0.6 + 0.17 * len(locks), 0.15, left=0.3 + 0.08 * max(map(len, locks)))
    for ax, n in zip(axes, counts):
        here = cells[cells["threads"] == n].set_index("lock").reindex(locks)
        ax.set_title(_title(n, cells), loc="left", fontsize=9.5, fontweight="bold")
        start = np.zeros(len(locks))
        for column, name, color in zip(DISTANCES, DISTANCE_NAMES, PALETTE):
            share = (here[column] / here["exclusive"]).fillna(0).clip(0, 1).to_numpy()
            ax.barh(locks, share, left=start, color=color, height=0.7, label=name)
            start += share
        ax.set_xlim(0, 1)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", labelsize=8)
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="upper right", ncols=4, fontsize=8, frameon=False)
    return fig


FIGURES: dict[str, Callable[[pd.DataFrame, list[str]], Any]] = {
    "who_pays": who_pays, "wait_tail": wait_tail, "hand_offs": hand_offs}


def figures(cells: pd.DataFrame, words: list[str]) -> Iterator[tuple[str, Any]]:
    """Name and figure, of the locks of one workload; `words` go below each."""
    for name, make in FIGURES.items():
        figure = make(cells[cells["kind"] != "baseline"], words)
        if figure is not None:
            yield name, figure


def _title(n: float, cells: pd.DataFrame) -> str:
    return f"{n:g} threads" + (" *" if n > cells["cpus"].min() else "")


def _family_key(families: list[str]) -> list[str]:
    return ["Markers: " + ", ".join(f"{MARKER_NAMES[i]}: {family}" for i, family in enumerate(families)) + "."]


def _label_room(cells: pd.DataFrame) -> float:
    return 0.4 + 0.075 * max(map(len, cells["lock"]))


def _rows(axes: list[Any], n_columns: int) -> Iterator[list[Any]]:
    for i in range(0, len(axes), n_columns):
        yield axes[i:i + n_columns]


def _grid(title: str, words: list[str], n_rows: int, n_columns: int, width: float, height: float, right: float,
          left: float = 0.75) -> tuple[Any, list[Any]]:
    """Axes placed in inches, row by row, with a title above and words below."""
    page = max(n_columns * (left + width + right) + 0.1, 7)
    lines = [line for text in [*words, "* more threads than CPUs"] for line in textwrap.wrap(text, int(page * 15))]
    bottom, top, between = 0.6 + 0.16 * len(lines), 0.8, 0.75
    tall = top + n_rows * height + (n_rows - 1) * between + bottom
    fig = pyplot.figure(figsize=(page, tall))
    axes = [fig.add_axes([(column * (left + width + right) + left) / page,
                          (tall - top - row * (height + between) - height) / tall, width / page, height / tall])
            for row in range(n_rows) for column in range(n_columns)]
    fig.text(0.2 / page, 1 - 0.32 / tall, title, fontsize=13, fontweight="bold")
    fig.text(0.2 / page, 0.1 / tall, "\n".join(lines), fontsize=7.5, color=GREY, va="bottom", linespacing=1.4)
    return fig, axes
