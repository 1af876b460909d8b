# SPDX-License-Identifier: MIT
"""Reads a profile (docs/profile.md). What is not one is refused by a line that says what is wrong with it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from common.program import UserError

SCHEMA = 1
NAME = "profile.json"
Lock = dict[str, Any]
Wait = dict[str, Any]

ADVICE = "give a profile.json that `lockbench observe` wrote, or its folder"
WHOLE: Mapping[str, type | tuple[type, ...]] = {
    "lockbench": str, "commit": str, "host": str, "started_at": str, "program": list, "ended": str,
    "seconds": (int, float), "cpus": int, "threads": int, "processes": int, "lost_events": int,
    "unmatched_unlocks": int, "cost": dict, "locks": list, "waits": list}
LOCK: Mapping[str, type | tuple[type, ...]] = {
    "id": int, "name": str, "kind": str, "instances": int, "acquisitions": int, "reads": int, "contended": int,
    "trylocks": int, "trylocks_failed": int, "timed": int, "condition_waits": int, "threads": int, "handoffs": int,
    "wait_total_ns": int, "wait_longest_ns": int, "hold_total_ns": int, "sections_timed": int, "hold_ns": list,
    "wait_ns": list, "gap_ns": list, "sites": list, "under": list, "yields": int}
HISTOGRAMS = ("hold_ns", "wait_ns", "gap_ns")
SITE: Mapping[str, type | tuple[type, ...]] = {"site": str, "acquisitions": int, "waited_ns": int,
                                               "caused_wait_ns": int, "caused_from_looks": int}
UNDER: Mapping[str, type | tuple[type, ...]] = {"lock": (int, type(None)), "times": int}
WAIT: Mapping[str, type | tuple[type, ...]] = {"lock": int, "thread": int, "holder": (int, type(None)),
                                               "start_ns": int, "wait_ns": int}


class ProfileError(UserError):
    """About a profile."""


@dataclass(frozen=True)
class Profile:
    path: Path
    whole: dict[str, Any]

    @property
    def seconds(self) -> float:
        return float(self.whole["seconds"])

    @property
    def locks(self) -> list[Lock]:
        return list(self.whole["locks"])

    @property
    def waits(self) -> list[Wait]:
        return list(self.whole["waits"])

    @property
    def program(self) -> str:
        return os.path.basename(str(self.whole["program"][0]))

    @property
    def lanes(self) -> tuple[float, dict[int, list[int]]]:
        """The length of a slice of time, and for each thread (and those after it) what it waited in each; none of a
        profile of before there were any."""
        waited = self.whole.get("waited", {"slice_ns": 1.0, "lanes": []})
        return float(waited["slice_ns"]), {lane["thread"]: lane["waited_ns"] for lane in waited["lanes"]}


def find(given: str | os.PathLike[str]) -> Path | None:
    """The profile that is meant: a file of JSON, or that in a folder which is no run. None: it is none."""
    path = Path(given)
    if path.is_dir():
        path = path / NAME
        return path if path.exists() and not path.with_name("results.csv").exists() else None
    return path if path.suffix == ".json" else None


def load(path: Path) -> Profile:
    """Raises ProfileError."""
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}; {ADVICE}") from None
    except ValueError as error:
        raise ProfileError(f"{path}: no JSON ({str(error).splitlines()[0]}); {ADVICE}") from None
    if not isinstance(whole, dict) or "schema" not in whole or "locks" not in whole:
        raise ProfileError(f"{path}: no profile of lockbench; {ADVICE}")
    if whole["schema"] != SCHEMA:
        raise ProfileError(f"{path}: schema {whole['schema']!r}; this lockbench reads schema {SCHEMA}: use one that is "
                           "as new as what recorded it, or record again")
    try:
        _check(whole)
    except ValueError as error:
        raise ProfileError(f"{path}: damaged ({error}); {ADVICE}") from None
    return Profile(path, whole)


def _check(whole: dict[str, Any]) -> None:
    _check_types("the profile", whole, WHOLE)
    if not whole["program"] or not math.isfinite(whole["seconds"]) or whole["seconds"] <= 0:
        raise ValueError("it took no time, or has no program")
    ids = set()
    for i, lock in enumerate(whole["locks"], 1):
        what = f"lock {i} of the list"
        if isinstance(lock, dict):
            lock.setdefault("yields", 0)  # which profiles had not always
        _check_types(what, lock, LOCK)
        for key in HISTOGRAMS:
            _check_histogram(f"{key} of {what}", lock[key])
        for site in lock["sites"]:
            _check_types(f"a site of {what}", {"caused_from_looks": 0, **site}, SITE)  # which counted ones have not
        for outer in lock["under"]:
            _check_types(f"what {what} is under", outer, UNDER)
        ids.add(lock["id"])
    if len(ids) < len(whole["locks"]):
        raise ValueError("two locks have one id")
    for wait in whole["waits"]:
        _check_types("a wait", wait, WAIT)
        if wait["start_ns"] < 0 or wait["wait_ns"] < 0:
            raise ValueError("a wait began or ended before it could")
    if "waited" in whole:
        _check_lanes(whole["waited"])


def _check_types(what: str, given: Any, wanted: Mapping[str, type | tuple[type, ...]]) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"{what} is no object")
    for key, types in wanted.items():
        if key not in given or not isinstance(given[key], types) or isinstance(given[key], bool):
            raise ValueError(f"{what} has no {key}, or one of another kind")


def _check_histogram(what: str, given: list[Any]) -> None:
    before = -1
    for bucket in given:
        if not isinstance(bucket, list) or len(bucket) != 2 or not all(type(n) is int for n in bucket):
            raise ValueError(f"{what} has something else than [upper_ns, count]")
        if bucket[0] <= before or bucket[1] < 0:
            raise ValueError(f"{what} is not in ascending order, or counts less than nothing")
        before = bucket[0]


def _check_lanes(waited: Any) -> None:
    _check_types("waited", waited, {"slice_ns": (int, float), "lanes": list})
    if not math.isfinite(waited["slice_ns"]) or waited["slice_ns"] <= 0:
        raise ValueError("slice_ns is no length of time")
    for lane in waited["lanes"]:
        _check_types("a lane", lane, {"thread": int, "waited_ns": list})
        if not all(type(ns) is int and ns >= 0 for ns in lane["waited_ns"]):
            raise ValueError("a lane has something else than times")
