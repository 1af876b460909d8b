# SPDX-License-Identifier: MIT
"""What the cache lines of a simulated run did: misses per operation, by what missed and where the line came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from common.palette import COLORS
from common.units import rough
from plots.situations import DISTANCE_NAMES, grid, thread_counts, title_of
from results.reading import ResultsError, Run

FILE = "counts.csv"
KINDS = {"loads": "", "stores": "////", "rmws": "xxxx"}  # and how they are hatched
KIND_NAMES = ("loads", "stores", "atomic read-modify-writes")
ORIGINS = dict(zip(("smt", "llc", "node", "remote", "memory"), (*DISTANCE_NAMES, "memory")))


def counted(run: Run) -> pd.DataFrame | None:
    """The counts beside a simulated run, a row for each cell and number of threads: medians over the draws, with the
    cell's `lock`, `threads`, `cpus` and `workload`. None if there are none."""
    path = run.path.with_name(FILE)
    if not path.exists() or not (run.rows["simulated"] != "").all():
        return None
    try:
        counts = pd.read_csv(path)
        columns = [f"{kind}_{origin}_per_op" for kind in KINDS for origin in ORIGINS]
        trials = counts[["order_index", "misses_per_op", *columns]]
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, KeyError) as error:
        raise ResultsError(f"{path}: damaged ({error}); simulate again") from None
    cells = run.rows[run.rows["kind"] != "baseline"][["order_index", "cell", "workload", "lock", "threads", "cpus"]]
    medians = cells.merge(trials, on="order_index").groupby("cell")[["misses_per_op", *columns]].median()
    return cells.drop(columns="order_index").drop_duplicates("cell").set_index("cell").join(medians)


def misses(cells: pd.DataFrame, words: list[str]) -> Any:
    """A bar for each lock: colours tell how far away the line was, hatches what missed."""
    cells = cells[cells["misses_per_op"].notna()]
    counts = thread_counts(cells)
    if not counts:
        return None
    locks = sorted(cells["lock"].unique(), reverse=True)
    words = [*words, "Counts do not depend on what a transfer costs. Hatched: " + ", ".join(
        f"{hatch[0]} {name}" for hatch, name in zip(KINDS.values(), KIND_NAMES) if hatch) + "; plain: loads."]
    fig, axes = grid("Misses per operation, by where the line came from", words, len(counts), 3.2,
                     0.6 + 0.17 * len(locks), 0.45, left=0.3 + 0.08 * max(map(len, locks)))
    there_are = [origin for origin in ORIGINS
                 if any((cells[f"{kind}_{origin}_per_op"] > 0.005).any() for kind in KINDS)]
    for ax, n in zip(axes, counts):
        here = cells[cells["threads"] == n].set_index("lock").reindex(locks)
        ax.set_title(title_of(n, cells), loc="left", fontsize=9.5, fontweight="bold")
        start = np.zeros(len(locks))
        for kind, hatch in KINDS.items():
            for origin in there_are:
                values = here[f"{kind}_{origin}_per_op"].fillna(0).to_numpy()
                ax.barh(locks, values, left=start, color=COLORS[list(ORIGINS).index(origin)], hatch=hatch, height=0.7,
                        edgecolor="white", linewidth=0)
                start += values
        for lock, total in zip(locks, here["misses_per_op"]):
            if pd.notna(total):
                ax.annotate(rough(total), (total, lock), xytext=(3, 0), textcoords="offset points", va="center",
                            fontsize=7)
        ax.set_ylim(-0.7, len(locks) - 0.3)
        ax.grid(axis="y", visible=False)
        ax.tick_params(axis="y", labelsize=8)
    fig.legend([Patch(color=COLORS[list(ORIGINS).index(origin)]) for origin in there_are],
               [ORIGINS[origin] for origin in there_are], loc="lower right", ncols=len(there_are), fontsize=8,
               frameon=False)
    return fig
