# SPDX-License-Identifier: MIT
"""How plots look: a palette for all eyes, axes with exact ticks, and files that are the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterable, NamedTuple

import matplotlib

matplotlib.use("Agg")

from matplotlib import colors, pyplot, ticker  # noqa: E402

from common.palette import COLORS, slots  # noqa: E402
from common.units import count, duration, spaced  # noqa: E402

PNG_DPI = 150
INK, GREY, PALE = "#222222", "#777777", "#dddddd"
MARKERS = "osD^vPX<>*"
MARKERS_AS_TEXT = "●■◆▲▼✚✖◀▶★"
LINES = ("-", "--", "-.")

pyplot.rcParams.update({
    "svg.hashsalt": "lockbench", "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": "DejaVu Sans",
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#eeeeee", "axes.axisbelow": True,
})


class Style(NamedTuple):
    color: str
    marker: str
    line: Any

    @property
    def text(self) -> Any:
        """The colour again, dark enough to be read as text."""
        return tuple(0.7 * part for part in colors.to_rgb(self.color))


def lock_style(slot: int) -> Style:
    """Distinct in colour for 8 locks and in marker for 10, which is what one panel holds: readable in grey, too."""
    return Style(COLORS[slot % len(COLORS)], MARKERS[slot % len(MARKERS)], LINES[slot // len(COLORS) % len(LINES)])


def lock_styles(locks: Iterable[str], place: dict[str, int]) -> dict[str, Style]:
    """Of locks in one panel, by their places in the run."""
    return {lock: lock_style(slot) for lock, slot in slots(locks, place).items()}


def baseline_style(place: int) -> Style:
    return Style(GREY, "_", ((0, (5, 2)), (0, (1, 1.5)))[place % 2])


def thread_axis(ax: Any, threads: list[float], cpus: float) -> None:
    """Powers of two are evenly spaced, every measured number is a tick, and oversubscription is marked."""
    ax.set_xscale("log", base=2)
    pad = 1.15 if len(threads) > 1 else 2
    left, right = threads[0] / pad, threads[-1] * pad
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(ticker.FixedLocator(threads))
    ax.xaxis.set_minor_locator(ticker.NullLocator())
    labelled: list[float] = []
    for n in threads:
        # Ticks stay exact where labels would run into each other.
        if not labelled or n / labelled[-1] >= (right / left) ** 0.055:
            labelled.append(n)
    ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda n, _: f"{n:g}" if n in labelled else ""))
    ax.set_xlabel("threads")
    over = [n for n in threads if n > cpus]
    if over:
        below = [n for n in threads if n <= cpus]
        border = (below[-1] * over[0]) ** 0.5 if below else left
        ax.axvspan(border, right, color="#f6f3ea", zorder=-2, linewidth=0)
        if below:
            ax.axvline(border, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=-1)
        ax.annotate(f"more threads than CPUs ({cpus:g})", (border, 1), xycoords=("data", "axes fraction"),
                    xytext=(3, 3), textcoords="offset points", fontsize=7, color=GREY)


def value_axis(ax: Any, unit: str, low: float, high: float, along: str = "y") -> None:
    """`unit` is count, ns or ratio (all logarithmic), or share (0 to 1)."""
    if unit == "share":
        ax.set_ylim(0, 1.04)
        return
    axis = ax.yaxis if along == "y" else ax.xaxis
    # Zero and less, as of a thread that got nothing, are drawn at the bottom instead of being lost.
    (ax.set_yscale if along == "y" else ax.set_xscale)("log", nonpositive="clip")
    (ax.set_ylim if along == "y" else ax.set_xlim)(low / 1.6, high * 1.6)
    close = high / low < (200 if along == "y" else 20)
    axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5) if close else (1,),
                                             numticks=12 if along == "y" else 6))
    axis.set_minor_locator(ticker.NullLocator())
    texts: dict[str, Callable[[float], str]] = {"count": count, "ns": duration, "ratio": "{:.3g}".format}
    text = texts[unit]
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: spaced(text(value))))


def save(figure: Any, stem: Path) -> list[Path]:
    """Writes SVG and PNG; no date inside, so the same data gives the same file."""
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    figure.savefig(files[0], metadata={"Date": None})
    figure.savefig(files[1], dpi=PNG_DPI)
    pyplot.close(figure)
    return files
