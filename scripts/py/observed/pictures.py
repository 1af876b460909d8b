# SPDX-License-Identifier: MIT
"""Pictures that need no program: how long sections, waits and gaps were, and when threads waited. SVG, coloured by the
page's own style."""

from __future__ import annotations

import math
from collections import Counter
from html import escape
from typing import NamedTuple

from common.units import count, duration, plural, rough, spaced
from observed.groups import Group, Histogram, quantile

WIDTH, LEFT, RIGHT, HEIGHT, GAP, AXIS = 720, 64, 8, 64, 22, 20
ROW, MOST_ROWS = 15, 48
KINDS = (("hold_ns", "held"), ("wait_ns", "waited"), ("gap_ns", "gap"))


class Bar(NamedTuple):
    lower: float  # ns
    upper: float
    n: int


def bars(histogram: Histogram) -> list[Bar]:
    """With their lower ends, as docs/profile.md says. A logarithmic axis has no 0: it begins at half a nanosecond."""
    counts: Counter[int] = Counter()
    for upper, n in histogram:
        counts[max(upper, 1)] += n
    found, before = [], 0.5
    for upper, n in sorted(counts.items()):
        found.append(Bar(max(before, 8 / 9 * upper if upper > 16 else upper - 1), upper, n))
        before = upper
    return found


def _told(ns: float) -> str:
    return escape(spaced(duration(ns)))


def _picture(height: float, label: str, parts: list[str]) -> str:
    """Above an axis with names."""
    return (f'<div class=scroll><svg class=picture viewBox="0 0 {WIDTH} {height + AXIS}" role=img aria-label="{label}">'
            f'{"".join(parts)}</svg></div>')


def histograms(group: Group) -> str:
    """One below the other on one axis of time. The area of a bar is its share."""
    rows = [(name, bars(group.histograms[key]), group.histograms[key]) for key, name in KINDS]
    rows = [row for row in rows if row[1]]
    if not rows:
        return "<p>Nothing of it was timed.</p>"
    first = math.floor(math.log10(min(row[0].lower for _, row, _ in rows)))
    last = max(first + 1, math.ceil(math.log10(max(row[-1].upper for _, row, _ in rows))))

    def at(ns: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(ns) - first) / (last - first)

    bottom = len(rows) * (HEIGHT + GAP)
    parts = [f'<path class=grid d="M{at(10.0 ** power):.1f} {GAP}V{bottom}"/>'
             f'<text x="{at(10.0 ** power):.1f}" y="{bottom + 15}" text-anchor="{_anchor(power, first, last)}">'
             f'{_told(10.0 ** power)}</text>' for power in range(first, last + 1)]
    for i, (name, row, histogram) in enumerate(rows):
        base = (i + 1) * (HEIGHT + GAP)
        n = sum(bar.n for bar in row)
        densities = [bar.n / math.log(bar.upper / bar.lower) for bar in row]
        highest = max(densities)
        parts.append(f'<text x="0" y="{base - HEIGHT + 12}">{name}</text><text x="{LEFT}" y="{base - HEIGHT - 4}" '
                     f'class=figures>{escape(spaced(count(n)))}: half up to {_told(quantile(histogram, .5))}, '
                     f'99 % up to {_told(quantile(histogram, .99))}, all up to {_told(row[-1].upper)}</text>')
        for bar, density in zip(row, densities):
            height = max(0.5, HEIGHT * density / highest)
            parts.append(f'<rect class={name} x="{at(bar.lower):.1f}" y="{base - height:.1f}" '
                         f'width="{max(0.7, at(bar.upper) - at(bar.lower)):.1f}" height="{height:.1f}"><title>'
                         f"{_told(bar.lower)} to {_told(bar.upper)}: {rough(100 * bar.n / n)} %</title></rect>")
        parts.append(f'<path class=axis d="M{LEFT} {base}H{WIDTH - RIGHT}"/>')
    label = "; ".join(f"{name}: half up to {_told(quantile(histogram, .5))}, 99 % up to "
                      f"{_told(quantile(histogram, .99))}" for name, _, histogram in rows)
    return _picture(bottom, label, parts)


def _anchor(power: int, first: int, last: int) -> str:
    return "start" if power == first else "end" if power == last else "middle"


def waiting(slice_ns: float, lanes: dict[int, list[int]], seconds: float) -> str:
    """A row for each thread that waited, the darker the more of a slice it did; empty if none has."""
    rows = [(thread, lane) for thread, lane in lanes.items() if any(lane)]
    if not rows:
        return ""
    most = sorted(rows, key=lambda row: -sum(row[1]))
    shown = sorted(most[:MOST_ROWS])
    left_out = [lane for _, lane in most[MOST_ROWS:]]
    end = max(seconds * 1e9, slice_ns)
    height = len(shown) * ROW
    parts = []
    for row, (thread, lane) in enumerate(shown):
        y = row * ROW
        parts.append(f'<text x="0" y="{y + ROW - 4}">thread {thread}</text><path class=grid d="M{LEFT} {y + ROW}'
                     f'H{WIDTH - RIGHT}"/>')
        for i, waited in enumerate(lane):
            x, next_x = (LEFT + (WIDTH - LEFT - RIGHT) * min(1, at * slice_ns / end) for at in (i, i + 1))
            if waited and next_x > x:
                share = min(1.0, waited / slice_ns)
                parts.append(f'<rect class=waited x="{x:.1f}" y="{y + 1}" width="{max(0.8, next_x - x):.1f}" '
                             f'height="{ROW - 2}" fill-opacity="{0.15 + 0.85 * share:.2f}"><title>thread {thread}, '
                             f"{_told(i * slice_ns)} to {_told((i + 1) * slice_ns)}: waited {rough(100 * share)} %"
                             "</title></rect>")
    ticks = "".join(f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) * part:.0f}" y="{height + 15}" text-anchor="{anchor}">'
                    f"{_told(end * part) if part else '0'}</text>"
                    for part, anchor in ((0, "start"), (0.5, "middle"), (1, "end")))
    rest_ns = sum(sum(lane) for lane in left_out)
    rest = (f"<p class=note>{plural(len(left_out), 'more thread')} waited {_told(rest_ns)} together.</p>" if left_out
            else "")
    return _picture(height, f"When threads waited, in slices of {_told(slice_ns)}", [*parts, ticks]) + rest
