# SPDX-License-Identifier: MIT
"""What a lock gives and what it takes, over the situations of a question: throughput alone is no answer."""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

import pandas as pd

from common.units import count, duration


class Item(NamedTuple):
    """`value` as a terminal shows it; units.spaced makes it a page's."""

    name: str
    value: str


def price(cells: pd.DataFrame) -> list[Item]:
    """Of the cells of one lock, one for each situation: the range of what is a median, the worst of what is a limit."""
    return [Item("throughput", _range(cells["ops_per_s"], count) + "/s"), *_sharing(cells[cells["threads"] > 1]),
            Item("CPU per operation", _range(cells["cpu_ns_per_op"], duration) or "not measured")]


def _sharing(cells: pd.DataFrame) -> Iterator[Item]:
    """What several threads do to each other; one alone neither shares nor waits."""
    if cells.empty:
        return
    least = cells["least_even"].min()
    unjudged = int(((cells["n_unjudged"] > 0) | cells["least_even"].isna()).sum())
    yield Item("least served thread",
               _partly(f"{_percent(least)} of an even share", unjudged, len(cells), "not judged"))
    longest = cells["wait_max_ns"].max()
    bound = ">=" if cells["wait_max_ns_is_bound"].any() else ""  # any of them may be the longest
    yield Item("longest wait", _partly(bound + duration(longest), int(cells["wait_max_ns"].isna().sum()), len(cells),
                                       "not measured"))


def _partly(text: str, n_missing: int, n_cells: int, what: str) -> str:
    if n_missing == n_cells:
        return what
    return text + (f" ({what} in {n_missing} of {n_cells} situations)" if n_missing else "")


def _range(values: pd.Series, text: Callable[[float], str]) -> str:
    least, most = text(values.min()), text(values.max())
    return least if least == most else f"{least} to {most}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1g} %"
