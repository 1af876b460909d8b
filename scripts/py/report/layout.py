# SPDX-License-Identifier: MIT
"""How much the layout of the code moves each lock, out of the trials of a run, which sample it.

The trials of a cell are sorted by the copy of the loop that ran (`code_layout`). Whether the copies differ is Kruskal
and Wallis's test. Their medians differ by chance, too: the trials are dealt anew to the copies many times, which
shows how far apart the medians would come without any effect.
"""

from __future__ import annotations

import math
from typing import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kruskal

from common.program import Parser, UserError
from results import labels, reading
from stats.ratios import benjamini_hochberg

N_DEALS = 499
LEAST_TRIALS = 5  # of a layout
TARGET = 0.01  # how near to the mean over all layouts a mean over some of them shall come
LEVEL = 0.05
HEADS = ("lock", "threads", "trials", "slowest to fastest layout", "by chance", "shown", "layouts for 1 %")

Floats = NDArray[np.float64]


def medians(rates: Floats, layouts: NDArray[np.int64]) -> Floats:
    """Of each layout, relative to their mean, along the last axis: trials in, layouts out."""
    of_each = np.stack([np.median(rates[..., layouts == layout], axis=-1) for layout in np.unique(layouts)], axis=-1)
    return of_each / of_each.mean(axis=-1, keepdims=True)


def spread(of_each: Floats) -> Floats:
    """By how much the fastest layout is faster than the slowest: 0.1 is a tenth."""
    return of_each.max(axis=-1) / of_each.min(axis=-1) - 1


def needed(variance: float, n_layouts: int) -> int:
    """How many of the layouts, drawn without return, until the mean's standard error is at most TARGET."""
    for n in range(1, n_layouts):
        if math.sqrt(variance / n * (n_layouts - n) / (n_layouts - 1)) <= TARGET:
            return n
    return n_layouts


def study_cell(rates: Floats, layouts: NDArray[np.int64], seed: int = 1) -> dict[str, float]:
    """`spread`, what it is `by_chance` (median), `p`, and `needed`, which does not count what chance explains."""
    rng = np.random.default_rng(seed)
    found = medians(rates, layouts)
    dealt = medians(rng.permuted(np.tile(rates, (N_DEALS, 1)), axis=1), layouts)
    variance = max(0.0, float(found.var(ddof=1) - dealt.var(axis=-1, ddof=1).mean()))
    groups = [rates[layouts == layout] for layout in np.unique(layouts)]
    return {"spread": float(spread(found)), "by_chance": float(np.median(spread(dealt))),
            "p": float(kruskal(*groups).pvalue) if np.ptp(rates) > 0 else 1.0, "needed": needed(variance, len(found))}


def study(run: reading.Run) -> pd.DataFrame:
    """One row for each cell of a lock that has enough trials of at least two layouts; `q` is p, corrected for many."""
    timed = run.throughput()
    timed = timed[timed["code_layout"].notna() & ((timed["kind"] != "baseline") | (timed["twin_of"] != ""))]
    found = []
    for _, trials in timed.groupby("cell"):
        counts = trials["code_layout"].value_counts()
        trials = trials[trials["code_layout"].isin(counts.index[counts >= LEAST_TRIALS])]
        if trials["code_layout"].nunique() > 1:
            first = trials.iloc[0]
            found.append({"workload": first["workload"], "lock": first["lock"], "threads": int(first["threads"]),
                          "trials": len(trials), **study_cell(trials["ops_per_s"].to_numpy(float),
                                                              trials["code_layout"].to_numpy(np.int64))})
    table = pd.DataFrame(found)
    if not table.empty:
        table["q"] = benjamini_hochberg(table["p"].to_numpy())
    return table


def lines(run: reading.Run, table: pd.DataFrame) -> Iterator[str]:
    """A table for each workload, the most moved first."""
    firsts = run.rows.drop_duplicates("workload").set_index("workload")
    for workload, cells in table.groupby("workload"):
        yield f"{labels.workload_label(firsts.loc[workload])}:\n"
        yield "| " + " | ".join(HEADS) + " |"
        yield "|" + "---|" * len(HEADS)
        for cell in cells.sort_values(["threads", "spread"], ascending=[True, False]).itertuples():
            yield (f"| `{cell.lock}` | {cell.threads} | {cell.trials} | {cell.spread:.1%} | {cell.by_chance:.1%} | "
                   f"{'yes' if cell.q < LEVEL else 'no'} | {cell.needed} |")
        yield ""


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/layout", "Tells how much the place of the machine code moves each lock.")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the folder of a run, or a CSV file; with many "
                        "repetitions (lockbench run --repetitions 40)")
    for given in parser.parse_args(arguments).runs:
        run = reading.load(given)
        table = study(run)
        if table.empty:
            raise UserError(f"{given}: no cell has {LEAST_TRIALS} trials of each of two layouts; "
                            "measure with --repetitions 40")
        print(f"{labels.provenance(run)}\n")
        print("\n".join(lines(run, table)))
    return 0
