# SPDX-License-Identifier: MIT
"""A comparison for people: a table for the terminal, Markdown for a page."""

from __future__ import annotations

import math
from typing import Callable, Iterable, Iterator, NamedTuple

import numpy as np
import pandas as pd

from results import labels
from compare.export import Comparison, competitors, counts, flags, method, run_label
from compare.trials import METRICS
from results.columns import ORIGIN
from compare.verdicts import FLAGS
from results.columns import WORKLOAD
from common.text import RULE, wrapped
from common.units import count, duration, plural
from stats import inference


class Line(NamedTuple):
    fields: list[str]
    remarks: list[str]


class Group(NamedTuple):
    """The lines that share a workload and, by what is compared, threads or lock."""

    workload: str
    title: str
    lines: list[Line]


class Column(NamedTuple):
    head: str
    width: int  # at least; the names take what they need
    is_text: bool = False


COLUMNS = [Column("", 0, True), Column("against", 7, True), Column("median", 6), Column("against", 7), Column("n", 3),
           Column("ratio", 7), Column("95 % CI", 16), Column("p", 7), Column("verdict", 19, True),
           Column("flags", 0, True)]


def groups(found: Comparison) -> Iterator[Group]:
    """In the order in which people read them: by workload, threads, and the better first."""
    cells = found.cells
    workload, title = _titles(found)
    first_names, second_names = (names.to_numpy() for names in competitors(found))
    value = count if METRICS[found.metric] else duration
    medians = [(">=" if is_bound else "") + value(m) for m, is_bound in zip(cells["median"], cells["is_bound"])]
    is_bound = cells["is_bound"].to_numpy()
    remarks = _remarks(found, value)
    group: Group | None = None
    for row in _ordered(found, workload, title).itertuples():
        a, b = row.first, row.second
        if group is None or (workload[a], title[a]) != group[:2]:
            if group:
                yield group
            group = Group(workload[a], title[a], [])
        group.lines.append(Line([
            first_names[a], second_names[b], medians[a], medians[b],
            f"{row.n}" if row.n == row.n_against else f"{row.n}/{row.n_against}",
            ratio_of(row.ratio, is_bound[a], is_bound[b]),
            interval(row.ratio, row.low, row.high),
            "" if math.isnan(row.p_adjusted) else f"{row.p_adjusted:.2g}", row.verdict, row.flags],
            [remarks[cell] for cell in (a, b) if cell in remarks]))
    if group:
        yield group


def _ordered(found: Comparison, workload: np.ndarray, title: np.ndarray) -> pd.DataFrame:
    first = found.table["first"].to_numpy()
    cells = found.cells
    keys = pd.DataFrame({
        "workload": pd.factorize(workload)[0][first], "threads": cells["threads"].to_numpy()[first],
        "title": pd.factorize(title)[0][first],
        "second": -cells["merit"].to_numpy()[found.table["second"]],
        "first": -cells["merit"].to_numpy()[first]})
    by = {"threads": ["workload", "title", "threads"], "placement": ["workload", "threads", "title"],
          "layout": ["workload", "threads", "title"]}
    usual = ["workload", "threads", "title", "first", "second"]
    order = keys.sort_values(by.get(found.by, usual), kind="stable").index
    return found.table.assign(flags=flags(found.table)).loc[order]


def _titles(found: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """Of each cell: its workload, and what else its group has in common."""
    cells = found.cells
    if found.workloads is None:
        workloads = _workloads(found)
    else:
        workloads = found.workloads.to_numpy()
    threads = cells["threads"].map(lambda n: plural(n, "thread"))
    lock = cells["lock"].astype(str)
    title = {"threads": lock, "placement": lock + ", " + threads, "layout": lock + ", " + threads}
    return workloads, title.get(found.by, threads).to_numpy()


def _workloads(found: Comparison) -> np.ndarray:
    """Of each cell its workload in words."""
    cells = found.cells
    several = found.by != "run" and len(cells[ORIGIN].drop_duplicates()) > 1
    key = [*(ORIGIN if several else []), *WORKLOAD]
    if found.by == "layout":  # which the lines tell
        cells = cells.assign(layout="apart")
    number_of = cells.groupby(key, dropna=False, sort=False, observed=True).ngroup()
    workloads = []
    for _, cell in cells.loc[~number_of.duplicated()].iterrows():
        workloads.append((f"{cell['host']}, run {cell['run_id']}: " if several else "") + labels.workload_label(cell))
    return np.array(workloads, dtype=object)[number_of]


def _remarks(found: Comparison, value: Callable[[float], str]) -> dict[int, str]:
    """Cells of which the median does not tell enough."""
    names, runs = competitors(found)
    told = {}
    cells = found.cells
    for cell in cells[cells["modes"] | cells["drift"] | (cells["n_failed"] > 0)].itertuples():
        parts = []
        if cell.modes or cell.drift:
            what = "two modes" if cell.modes else "drift, halves"
            parts.append(f"{what} at {value(cell.low)} and {value(cell.high)}")
        if cell.n_failed:
            parts.append(plural(cell.n_failed, "failed trial"))
        name = names[cell.Index] if found.by != "run" else f"{cell.lock} in {runs[cell.Index]}"
        told[cell.Index] = f"{name}: {', '.join(parts)}"
    return told


def ratio_of(ratio: float, is_bound: bool, is_against_bound: bool) -> str:
    """What a lower bound above or below the line makes of it; nothing is known between two."""
    sign = ">=" if is_bound else "<=" if is_against_bound else ""
    return "" if math.isnan(ratio) else sign + number(ratio)


def interval(ratio: float, low: float, high: float) -> str:
    """`?` where it says nothing. One that excludes 1 says which is larger, however wide it is."""
    if math.isnan(low):
        return ""
    if low <= 1 <= high and (math.isnan(ratio) or inference.says_nothing(ratio, low, high)):
        return "?"
    return f"{number(low)}..{number(high)}"


def number(ratio: float) -> str:
    """Three digits behind the point near 1, and no more than are worth reading elsewhere."""
    if math.isnan(ratio):
        return ""
    if 0.01 <= ratio < 1000:
        return f"{ratio:.{3 if ratio < 10 else 1}f}"
    return f"{ratio:.1e}"


def headings(found: Comparison) -> Iterator[str]:
    yield f"{found.metric}: {method(found)}"
    for side, (path, provenance) in enumerate(zip(found.paths, found.provenance)):
        yield (f"{run_label(side)} = " if found.by == "run" else "") + f"{path}: {provenance}"
    if found.studied:
        yield "Compared: " + "; ".join(found.studied)
    yield counts(found)


def table(found: Comparison) -> Iterator[str]:
    for heading in headings(found):
        yield from wrapped(heading)
    names = [max(map(len, names)) for names in competitors(found)]
    widths = [max(column.width, width) for column, width in zip(COLUMNS, names + [0] * (len(COLUMNS) - 2))]
    workload = ""
    for group in groups(found):
        if group.workload != workload:
            workload = group.workload
            yield RULE
            yield from wrapped("Workload: " + workload)
        yield ""
        yield group.title
        yield _row([column.head for column in COLUMNS], widths)
        yield from (_row(line.fields, widths) for line in group.lines)
        yield from (f"    ! {remark}" for remark in _remarks_of(group))
    yield RULE
    for note in [*_legend(found), *found.notes]:
        yield from wrapped(note, "- ")


def _remarks_of(group: Group) -> Iterable[str]:
    """Each once, however many comparisons a cell is in."""
    return dict.fromkeys(remark for line in group.lines for remark in line.remarks)


def _row(fields: Iterable[str], widths: list[int]) -> str:
    return " ".join(field.ljust(width) if column.is_text else field.rjust(width)
                    for field, width, column in zip(fields, widths, COLUMNS)).rstrip()


def _legend(found: Comparison) -> list[str]:
    told = [f"{flag}: {meaning}" for flag, meaning in FLAGS.items() if found.table[flag].any()]
    limits = found.table[["ratio", "low", "high"]].itertuples(index=False)
    if any(interval(*limit) == "?" for limit in limits):
        told.append("?: an interval that is wider than the ratio itself and includes 1, so that it says nothing")
    return told


def markdown(found: Comparison) -> Iterator[str]:
    for heading in headings(found):
        yield heading
        yield ""
    workload = ""
    for group in groups(found):
        if group.workload != workload:
            workload = group.workload
            yield f"## {workload}"
            yield ""
        yield f"### {group.title}"
        yield ""
        yield "| " + " | ".join(column.head for column in COLUMNS) + " |"
        yield "|" + "|".join("---" if column.is_text else "--:" for column in COLUMNS) + "|"
        yield from ("| " + " | ".join(line.fields) + " |" for line in group.lines)
        yield ""
        yield from (f"- {remark}" for remark in _remarks_of(group))
        yield ""
    yield from (f"- {note}" for note in [*_legend(found), *found.notes])
