# SPDX-License-Identifier: MIT
"""One lock, one colour: in every plot, chart and map of a run.

There are many locks and few colours that the eye tells apart. Each lock has a place, the winners first, so that the
locks that are looked at most differ most; where two that are shown together would get the same colour, the later one
takes the next that is free.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import pandas as pd

# Okabe & Ito 2008 without yellow and black, which vanish on white and on dark paper, and two more.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#a6761d")
SITUATION = ["workload", "threads", "readers"]


def places(cells: pd.DataFrame) -> dict[str, int]:
    """The place of each lock in the cells of a run: first those that are the fastest of some situation, the most often
    fastest first; then by the mean of the logarithm of their throughput over the fastest's. Baselines come last."""
    locks = cells[cells["kind"] != "baseline"]
    timed = locks[locks["ops_per_s"] > 0]
    best = timed.groupby(SITUATION, dropna=False, observed=True)["ops_per_s"].transform("max")
    score = np.log(timed["ops_per_s"] / best).groupby(timed["lock"], observed=True).mean()
    wins = (timed["ops_per_s"] == best).groupby(timed["lock"], observed=True).sum()
    ranked = pd.DataFrame({"wins": wins, "score": score}).sort_values(["wins", "score"], ascending=False).index
    untimed = sorted(set(locks["lock"]).difference(ranked))
    names = [*ranked, *untimed, *sorted(set(cells["lock"]).difference(locks["lock"]))]
    return {str(name): place for place, name in enumerate(names)}


def slots(locks: Iterable[str], place: dict[str, int]) -> dict[str, int]:
    """For locks that are shown together a slot each: slot % len(COLORS) is the colour, and no colour comes twice before
    all have come once."""
    found: dict[str, int] = {}
    for lock in sorted(locks, key=lambda name: place[name]):
        turn, taken = len(found) // len(COLORS) * len(COLORS), set(found.values())
        wanted = (turn + (place[lock] + step) % len(COLORS) for step in range(len(COLORS)))
        found[lock] = next(slot for slot in wanted if slot not in taken)
    return found


def tint(color: str) -> str:
    """The colour as a background for black text."""
    parts = [int(color[at:at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(0.5 * part + 0.5 * 255):02x}" for part in parts)
