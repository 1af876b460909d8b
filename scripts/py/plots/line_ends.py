# SPDX-License-Identifier: MIT
"""Names at line ends, moved apart just enough not to overlap."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from plots.style import Style

FONT_POINTS = 8.5


class Label(NamedTuple):
    """A name and the point where its curve ends."""

    text: str
    x: float
    y: float
    style: Style


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending positions, at least `gap` apart and within low..high, nearest to the wanted ones (least squares).

    Less i * gap, the positions need only ascend: isotonic regression by pooling adjacent violators.
    """
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    blocks: list[list[float]] = []
    for i, position in enumerate(wanted):
        blocks.append([position - i * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    top = high - (len(wanted) - 1) * gap
    flat = [min(max(_mean(block), low), top) for block in blocks for _ in block]
    return [position + i * gap for i, position in enumerate(flat)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def draw(ax: Any, labels: list[Label]) -> None:
    """Puts the labels right of the axes, each with its marker and a thin line from the end of its curve."""
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    bottom = ax.get_ylim()[0]

    to_axes = ax.transData - ax.transAxes
    ends = sorted((*to_axes.transform((label.x, max(label.y, bottom)))[::-1], label) for label in labels)
    heights = spread([height * y for y, _, _ in ends], 1.25 * FONT_POINTS, 0, height)
    for (y, x, label), points in zip(ends, heights):
        end = points / height
        outside = {"transform": ax.transAxes, "clip_on": False, "color": label.style.color}
        ax.plot([x, 1, 1.03], [y, y, end], linewidth=0.6, alpha=0.7, **outside)
        ax.plot([1.04], [end], marker=label.style.marker, markersize=4, **outside)
        ax.annotate(label.text, (1.04, end), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
                    va="center", fontsize=FONT_POINTS, color=label.style.text)
