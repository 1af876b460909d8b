# SPDX-License-Identifier: MIT
"""The lock runs and latency matrices that libmctop publishes of four machines (LPD-EPFL/mctop, results/locks and desc,
MIT), and a profile of each for `lockbench simulate`."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any, NamedTuple

from common.program import UserError

LOCKS = ("mcs", "clh", "ticket", "ttas", "tas")


class Machine(NamedTuple):
    """The clock is what turns cycles into time; `runs` and `matrix` are the data's names for it."""

    name: str
    matrix: str
    runs: str
    ghz: float
    parameters: dict[str, float]


MACHINES = (
    Machine("ivybridge2", "lpdxeon2680", "xeon", 2.8, {"pause_ns": 4, "rmw_ns": 7, "buffer": 36}),
    Machine("haswell4", "lpdquad", "quad", 2.1, {"pause_ns": 5, "rmw_ns": 9, "buffer": 42}),
    Machine("westmere8", "diassrv8", "diassrv8", 2.13, {"pause_ns": 5, "rmw_ns": 9, "buffer": 32}),
    Machine("opteron48", "lpd48core", "lpd48core", 2.1, {"pause_ns": 2, "rmw_ns": 12, "buffer": 44}),
)
Matrix = list[list[float]]


def runs(folder: Path, machine: Machine) -> dict[str, dict[int, float]]:
    """Operations per second by lock and number of threads, without back-off: the median of eleven repetitions."""
    found: dict[str, dict[int, float]] = {}
    lock = ""
    for line in _lines(folder / f"lock_backoff_1_1000_{machine.runs}.txt"):
        if heading := re.match(r"=+ (\w+) =+", line):
            lock = heading[1].lower()
        elif values := re.match(r"no_backoff - (\d+):\s*([\d ]+)", line):
            found.setdefault(lock, {})[int(values[1])] = statistics.median(map(float, values[2].split()))
    missing = [lock for lock in LOCKS if lock not in found]
    if missing:
        raise UserError(f"{folder}: no runs of {', '.join(missing)} for {machine.name}; give the folder with "
                        "libmctop's data")
    return found


def matrix(folder: Path, machine: Machine) -> Matrix:
    """Cycles for each pair of CPUs."""
    rows: Matrix = []
    for line in _lines(folder / f"{machine.matrix}.mct"):
        if line.startswith("#"):
            if rows:
                break
            n = int(re.search(r"#HWCs (\d+)", line)[1])  # type: ignore[index]
            rows = [[0.0] * n for _ in range(n)]
        else:
            a, b, cycles = line.split()
            rows[int(a)][int(b)] = float(cycles)
    return rows


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give the folder with libmctop's data") from None


def _groups(cpus: list[int], cycles: Matrix, limit: float) -> list[list[int]]:
    """CPUs that are no farther apart than that, in the order of their numbers."""
    groups: list[list[int]] = []
    for cpu in cpus:
        group = next((group for group in groups if cycles[group[0]][cpu] <= limit), None)
        if group is None:
            groups.append([cpu])
        else:
            group.append(cpu)
    return groups


def profile(machine: Machine, cycles: Matrix, parameters: dict[str, float], matrix_file: str) -> dict[str, Any]:
    """The shape comes out of the matrix: its two least distances are siblings (if any) and cores of a node."""
    everybody = list(range(len(cycles)))
    distances = sorted({value for row in cycles for value in row if value > 0})
    n_at_least = sum(value == distances[0] for value in cycles[0])
    has_siblings = n_at_least == 1 and len(distances) > 2
    near = distances[1] if has_siblings else distances[0]
    nodes = _groups(everybody, cycles, near)
    within = distances[0] if has_siblings else 0
    order = [cpu for node in nodes for core in _groups(node, cycles, within) for cpu in core]
    n_siblings = 2 if has_siblings else 1
    source = f"libmctop, desc/{machine.matrix}.mct, at {machine.ghz} GHz"
    words = {"llc": near, "remote": distances[-1], **({"smt": distances[0]} if has_siblings else {})}
    return {
        "name": machine.name, "matrix": matrix_file,
        "topology": f"pack:{len(nodes)} [numa] l3:1 core:{len(nodes[0]) // n_siblings} pu:{n_siblings}"
                    f"(indexes={','.join(map(str, order))})",
        "transfers": {"source": source, **{word: {"ns": value / machine.ghz} for word, value in words.items()}},
        "parameters": {name: {"value": value, "source": "of this run of the validation"}
                       for name, value in {**machine.parameters, **parameters}.items()}}


def write_profile(folder: Path, machine: Machine, cycles: Matrix, parameters: dict[str, float]) -> Path:
    """As files that `lockbench simulate --machine` takes."""
    csv = folder / f"{machine.name}.csv"
    csv.write_text("".join(",".join(f"{value / machine.ghz:.3f}" for value in row) + "\n" for row in cycles))
    path = folder / f"{machine.name}.json"
    path.write_text(json.dumps(profile(machine, cycles, parameters, csv.name)))
    return path
