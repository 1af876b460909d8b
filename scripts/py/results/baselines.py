# SPDX-License-Identifier: MIT
"""What the parts of a hand-off cost on a run's machine, from its host.json, and what locks make of them."""

from __future__ import annotations

from math import nan
from typing import Any, Iterator, NamedTuple

import pandas as pd

from results.reading import Run
from common.units import duration

DISTANCES = {"same_cpu": "on one CPU", "smt": "between SMT siblings", "llc": "within a last-level cache",
             "node": "within a NUMA node", "remote": "to another NUMA node"}
# A lock of which one acquisition in ten at most is by the last owner hands over; others hoard as well.
LEAST_CHANGES = 0.9


class Park(NamedTuple):
    """A parked hand-off, one way; NaN where not measured."""

    distance: str
    ns: float
    p99_ns: float


def _time(host: dict[str, Any], *path: str) -> float:
    """A time in host.json; NaN where it is not there: older runs have none, and others may be null."""
    value: Any = host
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else nan


def parks(host: dict[str, Any]) -> list[Park]:
    """Those that were measured, nearest first."""
    listed = host.get("park_transfers")
    found = [Park(str(pair.get("distance")), _time(pair, "one_way_ns"), _time(pair, "one_way_p99_ns"))
             for pair in (listed if isinstance(listed, list) else []) if isinstance(pair, dict)]
    order = list(DISTANCES)
    return sorted((park for park in found if park.distance in order and park.ns > 0),
                  key=lambda park: order.index(park.distance))


def park_ns(host: dict[str, Any], cpus: float) -> float:
    """What a parked hand-off among so many CPUs is held against: to the nearest other CPU where there is one."""
    return next((park.ns for park in parks(host) if (park.distance == "same_cpu") == (cpus == 1)), nan)


def line(run: Run) -> str:
    """All that was measured, in one line; "" for a run from before there were these baselines."""
    times = [("clock", _time(run.host, "clocks", "system", "read_ns")),
             ("clock of the waits", _time(run.host, "clocks", "waits", "read_ns")),
             ("futex wake without a waiter", _time(run.host, "futex_wake_without_waiter_ns"))]
    parts = [f"{name} {duration(ns)}" for name, ns in times if ns > 0]
    parked = [f"{duration(park.ns)} {DISTANCES[park.distance]}"
              + (f" (p99 {duration(park.p99_ns)})" if park.p99_ns > 0 else "") for park in parks(run.host)]
    parts += ["parked hand-off " + ", ".join(parked)] if parked else []
    return "Baselines: " + ", ".join(parts) if parts else ""


def with_handoffs(table: pd.DataFrame, host: dict[str, Any]) -> pd.DataFrame:
    """Adds to cells() the time from owner to owner, `handoff_ns`, and the same in multiples of a baseline.

    Only where that time is a hand-off and nothing else: of a mutex with several threads that have nothing to do outside
    and inside its section, and that goes to another owner nearly each time. The baseline is what such a lock cannot do
    without: a line transfer of the same trials (`handoff_lines`) while each thread has a CPU and may spin, a parked
    hand-off (`handoff_parks`) where it sleeps. A lock that spins without a CPU waits for the scheduler: no baseline.
    """
    hands_over = ((table["kind"] == "mutex") & (table["threads"] > 1) & (table["locks"] == 1) & (table["cs_ns"] == 0)
                  & (table["cs_lines"] == 0) & (table["think"] == "none") & (table["trylock"] == "no")
                  & table["rate_per_s"].isna()
                  & (table["change_share"] >= LEAST_CHANGES))
    parks_here = (table["waits"] == "park") | ((table["waits"] == "hybrid") & table["is_over"])
    handoff_ns = (1e9 / table["owner_rate"]).where(hands_over)
    park = pd.Series([park_ns(host, cpus) for cpus in table["cpus"]], table.index, dtype=float)
    return table.assign(
        handoff_ns=handoff_ns, park_ns=park.where(parks_here),
        handoff_lines=(handoff_ns / table["line_ns"]).where(~parks_here & ~table["is_over"]),
        handoff_parks=(handoff_ns / park).where(parks_here))


def held_against(group: pd.DataFrame) -> Iterator[str]:
    """The hand-offs of the cells of one table in multiples of their baselines, shortest first."""
    park = duration(group["park_ns"].max())
    for column, baseline in (("handoff_lines", "line transfers"), ("handoff_parks", f"parked hand-offs of {park}")):
        found = group[group[column].notna()].sort_values([column, "lock"])
        if not found.empty:
            yield (f"Hand-offs in {baseline}: "
                   + ", ".join(f"{lock} {_times(value)}" for lock, value in zip(found["lock"], found[column])))


def _times(value: float) -> str:
    return f"{value:#.2g}" if value < 9.95 else f"{value:.0f}"
