# SPDX-License-Identifier: MIT
"""Across machines: which lock wins where, and which rankings flip from one machine to another."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pandas as pd

from compare import flips
from common.program import Parser
from results import labels
from results import reading
from results.reading import Run
from common.text import wrapped


def report(runs: list[Run], names: list[str]) -> Iterator[str]:
    for name, run in zip(names, runs):
        yield from wrapped(f"{name}: {labels.provenance(run)}")
    found = flips.find(runs)
    yield ""
    for count in found.counts():
        yield from wrapped(count)
    place = ""
    for _, pair in found.rows.groupby("pair"):
        row = pair.iloc[0]
        if flips.title(row) != place:
            place = flips.title(row)
            yield ""
            yield from wrapped(place)
        yield from wrapped(f"  {row['first']} or {row['second']}? " + "; ".join(_sides(pair, names)), rest="    ")


def _sides(pair: pd.DataFrame, names: list[str]) -> Iterator[str]:
    row = pair.iloc[0]
    for winner, text in ((1, row["first"]), (-1, row["second"]), (0, "no difference shown")):
        members = pair[pair["winner"] == winner]
        if members.empty:
            continue
        where = [names[side] + ("" if winner == 0 else f" ({ratio ** winner:.2f} times)")
                 for side, ratio in zip(members["side"], members["ratio"])]
        yield f"{text} on {', '.join(where)}"


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/fleet --report", "Tells which rankings of locks flip from one machine to another.")
    parser.add_argument("runs", nargs="+", metavar="DIR", help="the folder of a run on each machine")
    folders = parser.parse_args(arguments).runs
    runs = [reading.load(path) for path in folders]
    print("\n".join(report(runs, [Path(path).resolve().name for path in folders])))
    return 0
