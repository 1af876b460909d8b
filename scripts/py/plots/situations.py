# SPDX-License-Identifier: MIT
"""Figures in which each panel is one number of threads: throughput against fairness, the tail of the waits, and
hand-offs by distance."""

from __future__ import annotations

import textwrap
from typing import Any, Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from common.palette import COLORS
from plots import line_ends
from plots.style import GREY, MARKERS, MARKERS_AS_TEXT, lock_styles, pyplot, value_axis
from results.cells import DISTANCES, PERCENTILES

MAX_PANELS = 4
MAX_COLUMNS = 2  # wider figures cannot be read where a page makes them fit
MAX_IN_PANEL = 8
MAX_NAMED = 10  # points in one panel whose names fit beside it
# One in so many acquisitions waited that long; the longest wait has no share of its own and lies one step below.
TAIL = dict(zip([*PERCENTILES, "wait_max_ns"], (0.5, 0.1, 0.01, 0.001, 0.0001)))
TAIL_NAMES = ("1 in 2", "1 in 10", "1 in 100", "1 in 1000", "longest")
DISTANCE_NAMES = ("SMT sibling", "same last-level cache", "same NUMA node", "farther")
Places = dict[str, int]  # of all locks of the run, in the palette


def thread_counts(cells: pd.DataFrame) -> list[float]:
    """At most MAX_PANELS of them, spread over all; one thread waits for no other."""
    counts = sorted(n for n in cells["threads"].unique() if n > 1)
    if len(counts) <= MAX_PANELS:
        return counts
    return [counts[i] for i in np.linspace(0, len(counts) - 1, MAX_PANELS).round().astype(int)]


def chunks(cells: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """The locks of one panel, by family where one panel cannot hold them all."""
    locks = cells.drop_duplicates("lock").sort_values("lock")
    if len(locks) <= MAX_IN_PANEL:
        return [("", list(locks["lock"]))]
    return [(family, list(part)) for family, members in locks.groupby("family")
            for part in np.array_split(members["lock"], -(-len(members) // MAX_IN_PANEL))]


def front(here: pd.DataFrame) -> list[str]:
    """The locks that no other beats in throughput and fairness at once."""
    ordered = here.sort_values(["ops_per_s", "least_even"], ascending=False)
    fairest = ordered["least_even"].cummax().shift(fill_value=-1)
    return [str(lock) for lock in ordered.loc[ordered["least_even"] > fairest, "lock"]]


def fronts(here: pd.DataFrame) -> list[str]:
    """The front of the locks, which one for state that may be copied takes no other's place in, and of all."""
    return list(dict.fromkeys([*front(here[~here["copies"]]), *(lock for lock in front(here) if here.loc[
        here["lock"] == lock, "copies"].any())]))


def who_pays(cells: pd.DataFrame, words: list[str], places: Places) -> Any:
    """Throughput against fairness. Of many locks only the front is named at the points; the markers of the others tell
    their families, which are listed below."""
    cells = cells[(cells["ops_per_s"] > 0) & cells["least_even"].notna()]
    counts = thread_counts(cells)
    if not counts:
        return None
    names_all = cells["lock"].nunique() <= MAX_NAMED
    families = sorted(cells["family"].unique())
    here_at = {n: cells[cells["threads"] == n] for n in counts}
    named = {n: list(here["lock"]) if names_all else fronts(here) for n, here in here_at.items()}
    shown = {lock for locks in named.values() for lock in locks}
    fig, axes = grid("Throughput against fairness", words if names_all else words + _families(cells, families),
                     len(counts), 2.5, 2.6, _label_room(shown), left=0.65)
    styles = lock_styles(shown, places)
    for ax, (n, here) in zip(axes, here_at.items()):
        ax.set_title(title_of(n, here), loc="left", fontsize=9.5, fontweight="bold")
        value_axis(ax, "count", here["ops_per_s"].min(), here["ops_per_s"].max(), along="x")
        ax.set_xlabel("operations per second")
        ax.set_ylabel("fairness: least served thread")
        ax.set_ylim(-0.03, 1.06)
        labels = []
        for cell in here.itertuples():
            marker = MARKERS[families.index(cell.family) % len(MARKERS)]
            if cell.lock not in named[n]:
                ax.plot([cell.ops_per_s], [cell.least_even], marker=marker, color=GREY, markersize=4, alpha=0.5)
                continue
            style = styles[cell.lock] if names_all else styles[cell.lock]._replace(marker=marker)
            ax.plot([cell.ops_per_s], [cell.least_even], marker=style.marker, color=style.color, markersize=5, zorder=3)
            labels.append(line_ends.Label(cell.lock, cell.ops_per_s, cell.least_even, style))
        line_ends.draw(ax, labels)
    return fig


def wait_tail(cells: pd.DataFrame, words: list[str], places: Places) -> Any:
    """The distribution of the waits by its tail, which is what users feel."""
    cells = cells[cells["wait_max_ns"].notna()]
    counts = thread_counts(cells)
    if not counts:
        return None
    groups = chunks(cells)
    words = [*words, "Waits still open at the close count as long as they were then: that long, or longer."]
    fig, axes = grid("Tail of the wait: the share of acquisitions that waited that long or longer", words,
                     len(groups) * len(counts), 3.0, 2.2, _label_room(cells["lock"]))
    low, high = cells["wait_p50_ns"].min(), cells["wait_max_ns"].max()
    for ax, (family, locks, n) in zip(axes, ((family, locks, n) for family, locks in groups for n in counts)):
        here = cells[(cells["threads"] == n) & cells["lock"].isin(locks)].set_index("lock")
        ax.set_title(f"{family}, {title_of(n, cells)}" if family else title_of(n, cells), loc="left", fontsize=9,
                     fontweight="bold")
        value_axis(ax, "ns", max(low, 1), high, along="x")
        ax.set_yscale("log")
        ax.set_ylim(6e-5, 0.8)
        ax.set_yticks(list(TAIL.values()), TAIL_NAMES)
        ax.minorticks_off()
        styles = lock_styles(locks, places)
        labels = []
        for lock in locks:
            if lock in here.index:
                points = [here.loc[lock, column] for column in TAIL]
                ax.plot(points, list(TAIL.values()), color=styles[lock].color, marker=styles[lock].marker, markersize=4,
                        linewidth=1.4, linestyle=styles[lock].line)
                known = [(x, y) for x, y in zip(points, TAIL.values()) if pd.notna(x)]  # a quantile may not be judged
                labels.append(line_ends.Label(lock, *known[max(0, len(known) - 2)], styles[lock]))
        line_ends.draw(ax, labels)
    return fig


def hand_offs(cells: pd.DataFrame, words: list[str], _: Places) -> Any:
    """Of the exclusive acquisitions: taken over from another CPU, how far away; the rest stayed on one CPU."""
    cells = cells[cells[DISTANCES].notna().any(axis=1) & (cells["exclusive"] > 0)]
    counts = thread_counts(cells)
    if not counts:
        return None
    locks = sorted(cells["lock"].unique(), reverse=True)
    left = 0.3 + 0.08 * max(map(len, locks))
    fig, axes = grid("Hand-offs by distance: share of the acquisitions that took the lock from another CPU", words,
                     len(counts), 3.2, 0.6 + 0.17 * len(locks), 0.15, left=left)
    there_are = [column for column in DISTANCES if (cells[column] > 0).any()]
    for ax, n in zip(axes, counts):
        here = cells[cells["threads"] == n].set_index("lock").reindex(locks)
        ax.set_title(title_of(n, cells), loc="left", fontsize=9.5, fontweight="bold")
        start = np.zeros(len(locks))
        for column in there_are:
            share = (here[column] / here["exclusive"]).fillna(0).clip(0, 1).to_numpy()
            kind = DISTANCES.index(column)
            ax.barh(locks, share, left=start, color=COLORS[kind], height=0.7, label=DISTANCE_NAMES[kind])
            start += share
        ax.set_xlim(0, 1)
        ax.set_ylim(-0.7, len(locks) - 0.3)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", labelsize=8)
    handles, names = axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="lower right", ncols=len(names), fontsize=8, frameon=False)
    return fig


FIGURES: dict[str, Callable[[pd.DataFrame, list[str], Places], Any]] = {
    "who_pays": who_pays, "wait_tail": wait_tail, "hand_offs": hand_offs}


def figures(cells: pd.DataFrame, words: list[str], places: Places) -> Iterator[tuple[str, Any]]:
    """Name and figure, of the locks of one workload; `words` go below each."""
    for name, make in FIGURES.items():
        figure = make(cells[cells["kind"] != "baseline"], words, places)
        if figure is not None:
            yield name, figure


def title_of(n: float, cells: pd.DataFrame) -> str:
    return f"{n:g} threads" + (" *" if n > cells["cpus"].min() else "")


def _families(cells: pd.DataFrame, families: list[str]) -> list[str]:
    """Which marker each family has, and which locks belong to it: what the names at the points leave out."""
    locks = cells.drop_duplicates("lock").sort_values("lock").groupby("family", observed=True)["lock"].agg(list)
    return ["Named and coloured: no other lock beats it in both throughput and fairness. The others by family:"] + [
        f"{MARKERS_AS_TEXT[i % len(MARKERS)]} {family}: {', '.join(locks[family])}"
        for i, family in enumerate(families)]


def _label_room(locks: Iterable[str]) -> float:
    return 0.4 + 0.075 * max(map(len, locks))


def grid(title: str, words: list[str], n_panels: int, width: float, height: float, right: float,
         left: float = 0.75) -> tuple[Any, list[Any]]:
    """Axes placed in inches, row by row, with a title above and words below."""
    n_columns = min(n_panels, MAX_COLUMNS)
    n_rows = -(-n_panels // n_columns)
    page = max(n_columns * (left + width + right) + 0.1, 7)
    lines = [line for text in [*words, "* more threads than CPUs"] for line in textwrap.wrap(text, int(page * 14))]
    bottom, top, between = 0.75 + 0.16 * len(lines), 0.8, 0.75
    tall = top + n_rows * height + (n_rows - 1) * between + bottom
    fig = pyplot.figure(figsize=(page, tall))
    axes = [fig.add_axes([(column * (left + width + right) + left) / page,
                          (tall - top - row * (height + between) - height) / tall, width / page, height / tall])
            for row, column in (divmod(i, n_columns) for i in range(n_panels))]
    fig.text(0.2 / page, 1 - 0.32 / tall, title, fontsize=13, fontweight="bold")
    fig.text(0.2 / page, 0.1 / tall, "\n".join(lines), fontsize=8, color=GREY, va="bottom", linespacing=1.4)
    return fig, axes
