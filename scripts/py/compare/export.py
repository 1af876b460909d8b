# SPDX-License-Identifier: MIT
"""A comparison that was made, and how it is written for programs: CSV and JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Iterator

import numpy as np
import pandas as pd

from stats import inference
from compare.verdicts import FDR, FLAGS, VERDICTS, entries
from results.columns import CELL
from common.units import plural

INTERVALS = {
    "order": "order-statistic intervals of both medians, combined (MOVER)",
    "bootstrap": "percentile bootstrap of the difference of the medians' logarithms",
}


@dataclass(frozen=True)
class Comparison:
    """`table` as comparison.compare makes it, over the numbers of `cells`. `by` is a key of comparison.BY, or `run`;
    `interval` one of INTERVALS. `workloads`: of each cell its workload in words, where the columns do not tell it."""

    paths: list[str]
    provenance: list[str]
    studied: list[str]
    metric: str
    by: str
    margin: float
    interval: str
    cells: pd.DataFrame
    table: pd.DataFrame
    notes: list[str]
    workloads: pd.Series | None = None


def method(found: Comparison) -> str:
    return (f"ratio of medians with its {100 * inference.LEVEL:g} % interval ({INTERVALS[found.interval]}), p of Mann "
            f"& Whitney adjusted after Benjamini & Hochberg (at most {FDR:g}), margin {100 * found.margin:g} % or what "
            "the twin shows")


def change_pct(found: Comparison) -> np.ndarray:
    """How far the first of each pair is above the second."""
    return 100 * (found.table["ratio"].to_numpy() - 1)


def cell_names(found: Comparison) -> pd.Series:
    """A cell in a few words: `mcs at 2 threads`."""
    cells = found.cells
    return cells["lock"].astype(str) + " at " + cells["threads"].map(lambda n: plural(n, "thread"))


def competitors(found: Comparison) -> tuple[pd.Series, pd.Series]:
    """The names of all cells, as what is compared and as what it is compared with."""
    if found.by != "run":
        names = entries(found.cells, found.by)
        return names, names
    runs = found.cells["side"].map(run_label)
    locks = found.cells["lock"].astype(str)
    return (locks if len(found.paths) == 2 else locks + " in " + runs), runs


def run_label(side: int) -> str:
    """A, B, ... Z, run 27."""
    return chr(ord("A") + side) if side < 26 else f"run {side + 1}"


def flags(table: pd.DataFrame) -> np.ndarray:
    """The names of the flags of each pair, with spaces between them."""
    code = sum(table[name].to_numpy().astype(int) << bit for bit, name in enumerate(FLAGS))
    texts = [" ".join(name for bit, name in enumerate(FLAGS) if value >> bit & 1)
             for value in range(1 << len(FLAGS))]
    return np.array(texts, dtype=object)[code]


def counts(found: Comparison) -> str:
    n = found.table["verdict"].value_counts()
    return f"{plural(len(found.table), 'comparison')}: " + ", ".join(f"{n[verdict]} {verdict}" for verdict in VERDICTS)


# Of a pair, beside the columns of its first cell.
PAIR_COLUMNS = ["against", "run_id_against", "host_against", "n", "n_against", "median", "median_against", "ratio",
                "low", "high", "p", "p_adjusted", "verdict", "flags", "is_bound", "is_bound_against"]
CELL_COLUMNS = ["run_id", "host", *CELL]


def _against(found: Comparison) -> pd.Series:
    return found.cells["side"].map(dict(enumerate(found.paths))) if found.by == "run" else competitors(found)[1]


def csv(found: Comparison) -> Iterator[str]:
    """A cell is written out once, however many comparisons it is in."""
    cells = found.cells
    heads = cells[CELL_COLUMNS].to_csv(index=False, header=False, lineterminator="\n",
                                       float_format="%.10g").splitlines()
    against = cells[["run_id", "host"]].assign(against=_against(found))[["against", "run_id", "host"]].to_csv(
        index=False, header=False, lineterminator="\n").splitlines()
    medians = [f"{median:.9g}" if not math.isnan(median) else "" for median in cells["median"]]
    is_bound = ["yes" if bound else "no" for bound in cells["is_bound"]]  # the median is a lower bound
    yield ",".join(CELL_COLUMNS + PAIR_COLUMNS)
    for row, flag in zip(found.table.itertuples(index=False), flags(found.table)):
        a, b = row.first, row.second
        numbers = (row.ratio, row.low, row.high, row.p, row.p_adjusted)
        values = ",".join([f"{x:.6g}" if x == x else "" for x in numbers])
        yield (f"{heads[a]},{against[b]},{row.n},{row.n_against},{medians[a]},{medians[b]},{values},"
               f"{row.verdict},{flag},{is_bound[a]},{is_bound[b]}")


def as_json(found: Comparison) -> Iterator[str]:
    n = found.table["verdict"].value_counts()
    runs = [{"path": path, "provenance": text} for path, text in zip(found.paths, found.provenance)]
    head = {
        "metric": found.metric, "by": found.by, "margin": found.margin, "level": inference.LEVEL,
        "method": method(found), "runs": runs, "studied": found.studied, "notes": found.notes,
        "counts": {verdict: int(n[verdict]) for verdict in VERDICTS}}
    yield json.dumps(head, indent=1)[:-2] + ',\n "comparisons": ['
    cells = [{key: _plain(value) for key, value in cell.items()} for cell in
             found.cells[CELL_COLUMNS + ["median", "is_bound"]].assign(against=_against(found)).to_dict("records")]
    last = len(found.table) - 1
    for i, (row, flag) in enumerate(zip(found.table.itertuples(index=False), flags(found.table))):
        a, b = dict(cells[row.first]), cells[row.second]
        median, is_bound = a.pop("median"), a.pop("is_bound")
        a.update(against=b["against"], run_id_against=b["run_id"], host_against=b["host"], n=row.n,
                 n_against=row.n_against, median=median, median_against=b["median"], ratio=_plain(row.ratio),
                 low=_plain(row.low), high=_plain(row.high), p=_plain(row.p), p_adjusted=_plain(row.p_adjusted),
                 verdict=row.verdict, flags=flag.split(), is_bound=is_bound,
                 is_bound_against=b["is_bound"])
        yield "  " + json.dumps(a) + ("," if i < last else "")
    yield " ]\n}"


def _plain(value: Any) -> Any:
    """JSON has no NaN, and nine digits are more than is known."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.9g}") if math.isfinite(value) else None
