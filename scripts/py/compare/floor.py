# SPDX-License-Identifier: MIT
"""How small a difference a run can tell: what its twin, one lock under two names, shows of itself (A/A), and how far a
replay is from what its program did.

Intervals and tests know chance alone. What a build or a machine does to one of two equal locks in every trial they take
for a difference between the locks, so none below what the twin shows is worth a claim.
"""

from __future__ import annotations

from typing import Iterator, Sequence

import numpy as np
import pandas as pd

from common.units import rough
from results.columns import CELL, ORIGIN
from results.reading import Run
from stats import inference

# In which a machine tells equal locks apart by different amounts.
REGIMES = ("one thread", "a CPU for each thread", "more threads than CPUs")
# Of the A/A differences in a regime, this part is not larger than the floor; of fewer than 20, none is.
SHARE = 0.95


def regimes(cells: pd.DataFrame) -> np.ndarray:
    """Of each cell: a place in REGIMES."""
    return np.select([cells["threads"] == 1, cells["threads"] <= cells["cpus"]], [0, 1], 2)


def floors(cells: pd.DataFrame, coarse: pd.Series) -> pd.Series:
    """Of each cell the largest ratio that is nothing, less 1; NaN where no twin tells. `cells` as in Trials; `coarse`
    ones have too few operations, and their differences are arithmetic."""
    group = pd.Series(cells.groupby(["side", *ORIGIN], dropna=False, observed=True).ngroup().to_numpy()
                      * len(REGIMES) + regimes(cells), cells.index)
    found = _differences(cells[~coarse & (cells["n"] >= inference.MIN_TRIALS) & ~cells["is_bound"]], group)
    by_group = found.groupby(group.loc[found.index].to_numpy()).agg(
        lambda d: np.quantile(d, SHARE, method="higher"))
    return group.map(by_group).astype(float)


def misfits(cells: pd.DataFrame, runs: Sequence[Run]) -> pd.Series:
    """Of each cell that replays a program: by which part the calibrated replay missed what the program did with its own
    lock. A lock that is better by less may owe that to the replay. NaN where nothing was calibrated."""
    found = [_calibrated(run) for run in runs]
    return pd.Series([found[side].get(str(profile), np.nan) for side, profile in zip(cells["side"], cells["profile"])],
                     cells.index, dtype=float)


def _calibrated(run: Run) -> dict[str, float]:
    """The misfit by profile, from host.json."""
    calibration = run.host.get("calibration")
    if not isinstance(calibration, dict) or not isinstance(calibration.get("misfit"), (int, float)):
        return {}
    return {str(calibration.get("profile")): float(calibration["misfit"])}


def _differences(usable: pd.DataFrame, group: pd.Series) -> pd.Series:
    """Of each usable twin: the ratio to the lock that it is, the larger over the smaller, less 1."""
    place = usable.assign(group=group).groupby(["group", *(c for c in CELL if c != "lock")], dropna=False,
                                               observed=True).ngroup()
    names, twin_of = usable["lock"].astype(str), usable["twin_of"].astype(str)
    originals = dict(zip(zip(place, names), usable["median"]))
    twins = usable.index[twin_of != ""]
    ratio = usable.loc[twins, "median"] / [originals.get((place[i], twin_of[i]), np.nan) for i in twins]
    return np.expm1(np.abs(np.log(ratio.astype(float)))).dropna()


def words(cells: pd.DataFrame, margin: float) -> Iterator[str]:
    """What a run, or several, cannot tell: a sentence or two."""
    misfit = cells["misfit"].max()
    if pd.notna(misfit):
        yield (f"The replay, under the program's own lock, misses what the program did by {rough(100 * misfit)} %: no "
               "smaller difference counts between locks")
    elif (cells["profile"] != "").any():
        yield "The replay was not calibrated: how far it is from the program is not known"
    names = sorted(set(cells.loc[cells["twin_of"] != "", "twin_of"].astype(str)))
    known = cells["floor"].groupby(regimes(cells)).max().dropna()
    if known.empty:
        reason = ("no lock was measured twice (a twin)" if not names else
                  f"the twin of {', '.join(names)} has too few trials or operations")
        yield (f"How small a difference can be told apart here is not known: {reason}; differences up to the margin of "
               f"{100 * margin:g} % count as none")
        return
    yield (f"This run cannot tell locks apart below {_listed(known)}: so far apart were {', '.join(names)} and its "
           f"twin, the same code under another name. No smaller difference counts, and none up to {100 * margin:g} %")


def _listed(known: pd.Series) -> str:
    return ", ".join(f"{rough(100 * floor)} % with {REGIMES[regime]}" for regime, floor in known.items())
