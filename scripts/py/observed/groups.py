# SPDX-License-Identifier: MIT
"""The locks of a profile that were made at one place, as one; and which are taken under which."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from observed.profile import HISTOGRAMS, Lock, Profile

SUMS = ("instances", "acquisitions", "reads", "contended", "trylocks", "trylocks_failed", "timed", "condition_waits",
        "handoffs", "wait_total_ns", "hold_total_ns", "sections_timed", "yields")
LARGEST = ("wait_longest_ns", "threads")
MIN_LOOKS = 5  # a share that was estimated from fewer is not told
Histogram = list[tuple[int, int]]  # the upper end of a bucket in ns, and how many are in it


class Site(NamedTuple):
    name: str
    acquisitions: int
    waited_ns: int
    caused_wait_ns: int
    looks: int  # at the stack, from which that was estimated; 0: it was counted

    def caused_pct(self, waited_ns: int) -> str:
        """Of all waiting for the lock; empty where that would say more than is known."""
        if 0 < self.looks < MIN_LOOKS:
            return ""
        return f"{100 * self.caused_wait_ns / max(1, waited_ns):.0f}"


@dataclass(frozen=True)
class Group:
    name: str
    kind: str
    locks: list[Lock]
    figures: dict[str, int]
    histograms: dict[str, Histogram]
    sites: list[Site]  # by what they made others wait, largest first

    @property
    def title(self) -> str:
        n = self.figures["instances"]
        return f"{n} locks: {self.name}" if n > 1 else self.name

    @property
    def cause(self) -> Site | None:
        """Where it was held from when others waited longest for it."""
        return self.sites[0] if self.sites and self.sites[0].caused_wait_ns > 0 else None


class Nesting(NamedTuple):
    outer: str  # a title, or "" where that is not known
    inner: str
    times: int
    is_both_ways: bool  # some two locks are each taken under the other


def groups(profile: Profile) -> list[Group]:
    """By time lost, largest first: the order of the table that observe prints."""
    by_place: dict[tuple[str, str], list[Lock]] = {}
    for lock in profile.locks:
        by_place.setdefault((lock["name"], lock["kind"]), []).append(lock)
    found = [_group(name, kind, locks) for (name, kind), locks in by_place.items()]
    return sorted(found, key=lambda group: (-group.figures["wait_total_ns"], -group.figures["acquisitions"],
                                            group.locks[0]["id"]))


def _group(name: str, kind: str, locks: list[Lock]) -> Group:
    figures = {key: sum(lock[key] for lock in locks) for key in SUMS}
    figures |= {key: max(lock[key] for lock in locks) for key in LARGEST}
    histograms: dict[str, Histogram] = {}
    for key in HISTOGRAMS:
        counts: Counter[int] = Counter()
        for lock in locks:
            counts.update({upper: count for upper, count in lock[key]})
        histograms[key] = sorted((upper, count) for upper, count in counts.items() if count)
    by_site: dict[str, list[tuple[int, int, int, int]]] = {}
    for lock in locks:
        for site in lock["sites"]:
            by_site.setdefault(site["site"], []).append((site["acquisitions"], site["waited_ns"],
                                                         site["caused_wait_ns"], site.get("caused_from_looks", 0)))
    sites = [Site(place, *map(sum, zip(*parts))) for place, parts in by_site.items()]
    sites.sort(key=lambda site: (-site.caused_wait_ns, -site.acquisitions, site.name))
    return Group(name, kind, locks, figures, histograms, sites)


def quantile(histogram: Histogram, share: float) -> float:
    """The upper end of the bucket below which that share lies; NaN: nothing was timed."""
    n, seen = sum(count for _, count in histogram), 0
    for upper, count in histogram:
        seen += count
        if seen >= share * n:
            return float(upper)
    return float("nan")


def nestings(found: list[Group]) -> list[Nesting]:
    """Which place's locks are taken inside of which others', most often first."""
    title = {lock["id"]: group.title for group in found for lock in group.locks}
    pairs = {(outer["lock"], inner["id"]): outer["times"] for group in found for inner in group.locks
             for outer in inner["under"] if outer["times"] > 0}
    times: Counter[tuple[str, str]] = Counter()
    both: set[tuple[str, str]] = set()
    for (outer, inner), n in pairs.items():
        place = title.get(outer, ""), title[inner]
        times[place] += n
        if outer != inner and (inner, outer) in pairs:
            both.add(place)
    return [Nesting(*place, n, place in both)
            for place, n in sorted(times.items(), key=lambda item: (-item[1], item[0]))]
