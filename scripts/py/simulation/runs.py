# SPDX-License-Identifier: MIT
"""Runs `lockbench simulate` and reads what it wrote."""

from __future__ import annotations

import csv
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

from common.program import UserError


def simulate_into(program: str, out: Path, machine: str | Path, *options: str) -> None:
    """Leaves the folder of the run in `out`. Raises UserError with the program's own words."""
    result = subprocess.run([program, "simulate", "--machine", str(machine), "--out", str(out), *options],
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        raise UserError(f"{program} simulate failed: {(result.stdout.splitlines() or ['it says nothing'])[-1]}")


def simulate(program: str, machine: str | Path, *options: str) -> dict[str, dict[int, float]]:
    """Operations per second by lock and number of threads."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        simulate_into(program, out, machine, *options)
        found: dict[str, dict[int, float]] = {}
        with (out / "results.csv").open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["lock"], {})[int(row["threads"])] = float(row["ops_per_s"])
    return found


def plain_options(locks: Sequence[str], threads: Sequence[int], seeds: int = 1) -> list[str]:
    return ["--locks", ",".join(locks), "--threads", ",".join(map(str, threads)), "--seeds", str(seeds)]
