# SPDX-License-Identifier: MIT
"""One figure of what the runs of programs show: a panel for each program and number of threads, a lock a line."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Iterable

from common.units import plural
from compare.export import Comparison
from compare.verdicts import FASTER, NONE, SLOWER
from plots.style import GREY, INK, pyplot, save, value_axis
from programs.judging import Panel, judge, panels, programs_of
from programs.runs import SYSTEM
from results.reading import read_host
from stats import inference

COLORS = {FASTER: "#0072b2", SLOWER: "#d55e00", NONE: GREY}
MARKERS = {FASTER: ">", SLOWER: "<", NONE: "o"}
MARKERS_AS_TEXT = "▶ faster, ◀ slower, ● no difference shown"
MAX_COLUMNS = 4


def draw(path: Path, against: str = SYSTEM) -> Iterable[Path]:
    """Of a campaign, beside its CSV; nothing where nothing is held against another."""
    programs = programs_of(path)
    found = judge(path, read_host(path.with_name("host.json")), against, programs)
    shown = list(panels(found, programs))
    return save(figure(shown, found, against), path.with_suffix("")) if shown else []


def figure(shown: list[Panel], found: Comparison, against: str) -> Any:
    per_program = max(sum(panel.program == other.program for panel in shown) for other in shown)
    n_columns = min(len(shown), max(1, MAX_COLUMNS // per_program) * per_program)
    rows = [shown[i:i + n_columns] for i in range(0, len(shown), n_columns)]
    heights = [0.75 + 0.17 * max(len(panel.lines) for panel in row) for row in rows]
    fig, grid = pyplot.subplots(len(rows), n_columns, figsize=(max(7.0, 3.7 * n_columns), 1.0 + sum(heights)),
                                squeeze=False, height_ratios=heights, layout="constrained")
    for row, axes in zip(rows, grid):
        n_lines = max(len(panel.lines) for panel in row)
        for ax, panel in zip(axes, row):
            _draw(ax, panel, n_lines)
        for ax in axes[len(row):]:
            ax.set_visible(False)
    fig.suptitle(f"Real programs: operations per second, relative to {against}", x=0.01, ha="left", fontsize=11,
                 fontweight="bold")
    fig.supxlabel("\n".join([
        f"bars: {100 * inference.LEVEL:g} % intervals of the ratio; {MARKERS_AS_TEXT}; shaded: what the twin shows of "
        "nothing", *found.provenance]), x=0.01, ha="left", fontsize=7.5, color=GREY)
    return fig


def _draw(ax: Any, panel: Panel, n_lines: int) -> None:
    """Lines as far apart as if there were so many."""
    places = range(len(panel.lines))
    timed = [(place, line) for place, line in zip(places, panel.lines) if not math.isnan(line.ratio)]
    ends = [1.0, *(value for _, line in timed for value in (line.ratio, line.low, line.high) if math.isfinite(value))]
    ax.set_title(f"{panel.program.name}, {plural(panel.threads, 'thread')}", loc="left", fontsize=9, fontweight="bold")
    value_axis(ax, "ratio", min(ends), max(ends), along="x")
    ax.set_ylim(n_lines - 0.4, -0.6)
    ax.set_yticks(list(places), [line.lock for line in panel.lines], fontsize=7.5)
    ax.tick_params(axis="both", length=0)
    ax.grid(axis="x")
    ax.grid(axis="y", visible=False)
    if not math.isnan(panel.floor):
        ax.axvspan(1 / (1 + panel.floor), 1 + panel.floor, color="#f0f0f0", zorder=-2, linewidth=0)
    ax.axvline(1, color=INK, linewidth=0.8, zorder=-1)
    for place, line in timed:
        color = COLORS[line.verdict]
        if math.isfinite(line.low) and math.isfinite(line.high):
            ax.plot([line.low, line.high], [place, place], color=color, linewidth=1.4, solid_capstyle="butt")
        ax.plot(line.ratio, place, MARKERS[line.verdict], color=color, markersize=4.5)
    for place, line in zip(places, panel.lines):
        if math.isnan(line.ratio):
            ax.annotate(line.failure, (0.02, place), xycoords=("axes fraction", "data"), fontsize=7, color=GREY,
                        va="center")
