# SPDX-License-Identifier: MIT
"""Whether several runs can be held against each other, and what differs if not."""

from __future__ import annotations

from typing import Callable, NamedTuple

import pandas as pd

from results.columns import MACHINE
from compare.verdicts import Pairs
from results.columns import CELL
from results.reading import Run
from common.units import plural

# Windows that differ by more than this are another experiment; a real one is never exactly what was asked for.
WINDOW_FACTOR = 1.2
# Changing any of these changes the code that runs.
BUILD: dict[str, Callable[[Run], str]] = {
    "commit": lambda run: _names(run, "git_sha"),
    "compiler": lambda run: _build(run, "compiler"),
    "flags": lambda run: _build(run, "flags"),
    "build type": lambda run: _build(run, "type"),
}
# What a run was told that is of all its cells.
SETTINGS: dict[str, Callable[[Run], str]] = {
    "slice extension": lambda run: {True: "on", False: "off", None: ""}[run.extends_slices],
}


class Differences(NamedTuple):
    """`against`: reasons not to compare. `studied`: what the comparison is about, then."""

    against: list[str]
    studied: list[str]


def _names(run: Run, column: str) -> str:
    return ", ".join(sorted(run.rows[column].astype(str).unique()))


def _build(run: Run, key: str) -> str:
    build = run.host.get("build")
    return str(build.get(key, "")).strip() if isinstance(build, dict) else ""


def _machine(run: Run) -> str:
    hosts = run.rows[MACHINE].drop_duplicates().astype(str)
    return ", ".join(sorted(f"{host} (topology {topology})" for host, topology in hosts.itertuples(index=False)))


def several_machines(runs: list[Run]) -> bool:
    return any(len(run.rows[MACHINE].drop_duplicates()) > 1 for run in runs)


def differences(runs: list[Run]) -> Differences:
    """Of whole runs: each one against the first."""
    against, studied = [], []
    first = runs[0]
    for run in runs[1:]:
        machine = _differing({"machine": _machine}, first, run)
        build = _differing(BUILD, first, run)
        settings = _differing(SETTINGS, first, run)
        studied += machine + build + settings
        causes = {"machine": [] if several_machines(runs) else machine, "build": build, "settings": settings}
        at_once = [name for name, found in causes.items() if found]
        if len(at_once) > 1:
            against.append(f"{' and '.join(at_once)} differ at once, so a difference has no one cause: "
                           + "; ".join(text for found in causes.values() for text in found))
        against += _window(first, run)
        against += _simulated(first, run)
    for run in runs:
        commits = run.rows["git_sha"].unique()
        if len(commits) > 1:
            against.append(f"{run.path} mixes {plural(len(commits), 'commit')}: {_names(run, 'git_sha')}")
    return Differences(list(dict.fromkeys(against)), list(dict.fromkeys(studied)))


def _differing(parts: dict[str, Callable[[Run], str]], first: Run, run: Run) -> list[str]:
    """What host.json does not tell is not known to differ."""
    values = [(name, value(first), value(run)) for name, value in parts.items()]
    return [f"{name} {a} against {b}" for name, a, b in values if a and b and a != b]


def _window(first: Run, run: Run) -> list[str]:
    found = []
    for column in ("duration_s", "warmup_s"):
        a, b = (r.rows[column].median() for r in (first, run))
        if (a == 0) != (b == 0) or a > 0 and b > 0 and not 1 / WINDOW_FACTOR <= a / b <= WINDOW_FACTOR:
            found.append(f"{column} {a:.3g} against {b:.3g}")
    return found


def _simulated(first: Run, run: Run) -> list[str]:
    """A model's operations per second are no machine's: only what was simulated alike compares."""
    a, b = (_names(r, "simulated") for r in (first, run))
    return [] if a == b else [f"simulated on {a} against {b}"]


def models_and_machines(runs: list[Run]) -> str:
    """What is said of a simulated and a measured run, which have no cell in common; "" of others."""
    of_models = [run for run in runs if (run.rows["simulated"] != "").any()]
    if len(of_models) in (0, len(runs)):
        return ""
    return (f"{of_models[0].path} is simulated ({_names(of_models[0], 'simulated')}) and another is measured, which "
            "says nothing of a lock; --model-error tells how far the model is off")


def cell_differences(cells: pd.DataFrame, pairs: Pairs, by_machine: bool) -> list[str]:
    """Of the cells that they have in common: none at all, or with another number of CPUs."""
    if not len(pairs.first):
        return [f"no cell in common: {no_common(cells, [*CELL, *(MACHINE if by_machine else [])])}"]
    cpus = cells["cpus"].to_numpy()
    a, b = cpus[pairs.second], cpus[pairs.first]
    if (a != b).any():
        i = int((a != b).argmax())
        threads = cells["threads"].iloc[pairs.first[i]]
        return [f"cpus {a[i]:g} against {b[i]:g}: {plural(threads, 'thread')} are not the same load on both"]
    return []


def no_common(cells: pd.DataFrame, columns: list[str]) -> str:
    """The columns of which the runs share no value, and so could not share a cell."""
    sides = [{name: _texts(side[name]) for name in columns} for _, side in cells.groupby("side")]
    apart = [name for name in columns if all(not sides[0][name] & side[name] for side in sides[1:])]
    return "; ".join(f"{name} {_listed(sides[0][name])} against {_listed(sides[1][name])}" for name in apart) \
        or "each value is in both, but no combination of them"


def _texts(values: pd.Series) -> set[str]:
    return {value if isinstance(value, str) else "none" if pd.isna(value) else f"{value:g}"
            for value in values.unique()}


def _listed(texts: set[str]) -> str:
    some = sorted(texts)[:4]
    return ", ".join(some) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")
