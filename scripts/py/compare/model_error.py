# SPDX-License-Identifier: MIT
"""How far a simulated run is off a run that was measured on the machine that it is a model of: simulated over measured
operations per second, cell by cell and lock by lock. It judges the model, never a lock."""

from __future__ import annotations

import json
from typing import Callable, Iterator, NamedTuple

import numpy as np
import pandas as pd

from common.text import RULE, wrapped
from common.units import count, plural
from compare import compatibility
from results import labels
from results.columns import CELL
from results.reading import ResultsError, Run

KEY = [column for column in CELL if column != "simulated"]
SIGN = {"one": "1", "many": "+"}
NOTES = {SIGN["one"]: "one thread: the model knows accesses, not instructions",
         SIGN["many"]: "more threads than CPUs: the scheduler counts for more than the lock"}


class ModelError(NamedTuple):
    """`cells`: KEY, cpus, words (of the workload), measured (a median), simulated (with the profile's own numbers), low
    and high (of all draws), ratio (simulated / measured). `locks`, by lock: n, off, low and high (of the ratios),
    covered (measured within the draws)."""

    measured: Run
    simulated: Run
    model: str
    cells: pd.DataFrame
    locks: pd.DataFrame


def is_simulated(run: Run) -> bool:
    return bool((run.rows["simulated"] != "").all())


def factor_off(ratios: pd.Series) -> float:
    """The mean factor, whether above or below."""
    return float(np.exp(np.abs(np.log(ratios)).mean()))


def of(runs: list[Run]) -> ModelError:
    """Of a measured and a simulated run, in either order. Raises ResultsError."""
    simulated = [run for run in runs if is_simulated(run)]
    measured = [run for run in runs if (run.rows["simulated"] == "").all()]
    if len(runs) != 2 or len(simulated) != 1 or len(measured) != 1:
        raise ResultsError(f"--model-error takes two runs, one measured and one simulated; given: "
                           f"{len(measured)} measured, {len(simulated)} simulated, {len(runs)} in all")
    models = sorted(simulated[0].rows["simulated"].unique())
    if len(models) > 1:
        raise ResultsError(f"{simulated[0].path} mixes {plural(len(models), 'model')}: {', '.join(models)}")
    cells = _cells(measured[0], simulated[0])
    return ModelError(measured[0], simulated[0], models[0], cells, _locks(cells))


def _cells(measured: Run, simulated: Run) -> pd.DataFrame:
    by = {"dropna": False, "observed": True, "sort": False}
    sides = [run.throughput().astype({column: object for column in KEY}) for run in (measured, simulated)]
    medians = sides[0].groupby(KEY, **by).agg(
        measured=("ops_per_s", "median"), cpus=("cpus", "first")).reset_index()
    draws = sides[1].sort_values("repetition").groupby(KEY, **by).agg(
        simulated=("ops_per_s", "first"), low=("ops_per_s", "min"), high=("ops_per_s", "max"),
        model_cpus=("cpus", "first")).reset_index()
    cells = medians.merge(draws, on=KEY)
    cells = cells[(cells["cpus"] == cells["model_cpus"]) & (cells["simulated"] > 0) & (cells["measured"] > 0)]
    if cells.empty:
        both = pd.concat([medians.assign(side=0), draws.assign(side=1, cpus=draws["model_cpus"])], ignore_index=True)
        raise ResultsError(f"no cell in common: {compatibility.no_common(both, [*KEY, 'cpus'])}")
    words = [labels.workload_label(row) for _, row in cells.assign(simulated="").iterrows()]
    cells = cells.assign(words=words, ratio=(cells["simulated"] / cells["measured"]).astype(float))
    return cells.sort_values(["words", "lock", "threads"], ignore_index=True)


def _locks(cells: pd.DataFrame) -> pd.DataFrame:
    covered = (cells["low"] <= cells["measured"]) & (cells["measured"] <= cells["high"])
    groups = cells.assign(covered=covered).groupby("lock", observed=True)
    table = groups.agg(n=("ratio", "size"), off=("ratio", factor_off), low=("ratio", "min"), high=("ratio", "max"),
                       covered=("covered", "sum"))
    return table.sort_values("off")


def headings(found: ModelError) -> Iterator[str]:
    off = factor_off(found.cells["ratio"])
    yield (f"Error of the model {found.model}: simulated over measured operations per second, off by a factor of "
           f"{off:.2f} on average in {plural(len(found.cells), 'cell')}")
    yield f"simulated = {found.simulated.path}: {labels.provenance(found.simulated)}"
    yield f"measured = {found.measured.path}: {labels.provenance(found.measured)}"


LOCK_HEADS = ["lock", "cells", "off by", "lowest", "highest", "within draws"]
CELL_HEADS = ["lock", "threads", "measured", "simulated", "draws", "ratio"]


def _lock_rows(found: ModelError) -> list[list[str]]:
    return [[str(lock), f"{row.n}", f"{row.off:.2f}", f"{row.low:.2f}", f"{row.high:.2f}", f"{row.covered} of {row.n}"]
            for lock, row in zip(found.locks.index, found.locks.itertuples())]


def _sign(cell: pd.Series) -> str:
    return SIGN["one"] if cell["threads"] == 1 else SIGN["many"] if cell["threads"] > cell["cpus"] else ""


def _cell_rows(cells: pd.DataFrame) -> list[list[str]]:
    return [[str(cell["lock"]), f"{cell['threads']:g}", count(cell["measured"]), count(cell["simulated"]),
             f"{count(cell['low'])}..{count(cell['high'])}",
             f"{cell['ratio']:.2f}" + (f" ({sign})" if (sign := _sign(cell)) else "")]
            for _, cell in cells.iterrows()]


def _notes(found: ModelError) -> list[str]:
    signs = {_sign(cell) for _, cell in found.cells.iterrows()}
    return [f"({sign}) {words}" for sign, words in NOTES.items() if sign in signs] + found.measured.remarks


def _aligned(heads: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in [heads, *rows]:
        yield "  ".join(field.ljust(width) if i == 0 else field.rjust(width)
                        for i, (field, width) in enumerate(zip(row, widths))).rstrip()


def table(found: ModelError) -> Iterator[str]:
    for heading in headings(found):
        yield from wrapped(heading)
    yield ""
    yield from _aligned(LOCK_HEADS, _lock_rows(found))
    for words, cells in found.cells.groupby("words", sort=False):
        yield RULE
        yield from wrapped(f"Workload: {words}")
        yield ""
        yield from _aligned(CELL_HEADS, _cell_rows(cells))
    yield RULE
    for note in _notes(found):
        yield from wrapped(note, "- ")


def _markdown_table(heads: list[str], rows: list[list[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|---|" + "--:|" * (len(heads) - 1)
    yield from ("| " + " | ".join(row) + " |" for row in rows)
    yield ""


def markdown(found: ModelError) -> Iterator[str]:
    for heading in headings(found):
        yield heading
        yield ""
    yield from _markdown_table(LOCK_HEADS, _lock_rows(found))
    for words, cells in found.cells.groupby("words", sort=False):
        yield f"## {words}"
        yield ""
        yield from _markdown_table(CELL_HEADS, _cell_rows(cells))
    yield from (f"- {note}" for note in _notes(found))


NUMBERS = ["measured", "simulated", "low", "high", "ratio"]


def csv(found: ModelError) -> Iterator[str]:
    yield from found.cells[[*KEY, *NUMBERS]].to_csv(index=False, lineterminator="\n", float_format="%.9g").splitlines()


def as_json(found: ModelError) -> Iterator[str]:
    cells = found.cells[[*KEY, *NUMBERS]].astype(object)
    yield json.dumps({
        "model": found.model, "simulated": str(found.simulated.path), "measured": str(found.measured.path),
        "notes": _notes(found), "off": factor_off(found.cells["ratio"]),
        "locks": json.loads(found.locks.reset_index().to_json(orient="records")),
        "cells": cells.where(cells.notna(), None).to_dict("records")}, indent=1)


FORMATS: dict[str, Callable[[ModelError], Iterator[str]]] = {
    "table": table, "markdown": markdown, "csv": csv, "json": as_json}
