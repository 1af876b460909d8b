# SPDX-License-Identifier: MIT
"""What others have published of locks that go by NUMA nodes, beside what the model says: by how much such a lock is
faster than Linux's qspinlock.

A gain is held against the one of our locks that stands for what it was measured over, like over like. CNA there is
another queue behind the word of qspinlock, so what that word costs is on both sides, and on neither side of our `cna`
over `mcs`, which are the queues alone. HQ-lock, as `cohort`, has a queue and a word for each domain, so that most
arrivals do not come to the word of all: it is held against our `qspinlock`. The ratio over the other one is printed
beside it.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from simulation.runs import plain_options, simulate

MACHINES = Path(__file__).resolve().parents[3] / "src" / "simulate" / "machines"
NEAR = 1.5  # a factor
SAME = 0.1  # what is no gain and no loss
OVER = ("mcs", "qspinlock")
WINDOW_S = "0.002"  # some turns of the domains


class Shape(NamedTuple):
    """A machine of a published run, with the transfers of a profile: it may have more cores, and is divided into those
    domains that the lock was told. `blocks` are cores in a row and what a line takes between two of one block; what the
    description divides differently than the transfers are."""

    name: str
    profile: str
    topology: str
    blocks: tuple[tuple[int, str], ...] = ()


class Gain(NamedTuple):
    """Over Linux's qspinlock, for which `over` stands beside our `lock`."""

    words: str
    shape: Shape
    lock: str
    over: str
    by_threads: dict[int, float]
    source: str


GENOA = ((8, "llc"), (96, "node"), (192, "remote"))
FOUR_HASWELL = Shape("4 x 18 x 2 Haswell", "haswell4", "pack:4 [numa] l3:1 core:18 pu:2")
KUNPENG = Shape("4 x 24 Kunpeng 920", "kunpeng920", "pack:2 numa:2 l3:1 core:24 pu:1")


def genoa(domains: int) -> Shape:
    """Two sockets, each divided into so many domains; a domain is told to the lock as a NUMA node, or as its cache."""
    inner = {1: "[numa] l3:1 core:96", 2: "numa:2 l3:1 core:48", 4: "numa:4 l3:1 core:24", 12: "[numa] l3:12 core:8"}
    return Shape(f"2 x 96 Genoa, {2 * domains} domains", "genoa2", f"pack:2 {inner[domains]} pu:1", GENOA)


GAINS = (
    Gain("CNA, locktorture", FOUR_HASWELL, "cna", "mcs",
         {8: 7.00 / 5.09, 16: 8.78 / 5.87, 36: 9.99 / 6.43, 72: 10.22 / 6.34, 142: 10.42 / 5.90},
         "A. Kogan, cover letter of 'Add NUMA-awareness to qspinlock', v13: four E7-8895 v3, 25 runs, sd about 3 %"),
    Gain("CNA, will-it-scale lock2", FOUR_HASWELL, "cna", "mcs",
         {8: 4.03 / 4.16, 32: 3.97 / 2.44, 72: 3.94 / 1.85, 142: 3.92 / 1.84}, "the same"),
    Gain("CNA, turns of 1 ms", FOUR_HASWELL, "cna", "mcs", {142: 1.97},
         "A. Kogan, in the discussion of that series: 2.18 with turns of 10 ms and 1.14 with 100 us; our turn of 16 "
         "hand-offs a thread is some 0.5 ms and cannot be chosen"),
    Gain("HQ, locktorture", genoa(1), "cohort", "qspinlock", {64: 1.11, 128: 1.09},
         "A. Stepanov, cover letter of 'Introduce Hierarchical Queued NUMA-aware spinlock', 2025-11-28: two EPYC 9654"),
    Gain("HQ, locktorture", genoa(2), "cohort", "qspinlock", {64: 1.12, 128: 1.17}, "the same"),
    Gain("HQ, locktorture", genoa(4), "cohort", "qspinlock", {64: 1.30, 128: 1.37}, "the same"),
    Gain("HQ, locktorture", genoa(12), "cohort", "qspinlock", {64: 2.52, 128: 2.63}, "the same"),
    Gain("HQ, locktorture", KUNPENG, "cohort", "qspinlock", {8: 1.93, 16: 2.42, 32: 2.29, 64: 2.52, 96: 2.58},
         "the same: two Kunpeng 920; the profile has what a line takes between two clusters, not between two sockets"),
    Gain("CNA on EPYC", genoa(1), "cna", "mcs", {96: 1.0, 192: 1.0},
         "N. Fedorov, cover letter of HQ-lock v3, 2026-04-15: 'CNA behaved the same as a regular qspinlock'"),
)


class Row(NamedTuple):
    gain: Gain
    threads: int
    simulated: dict[str, float]  # by the lock of OVER

    def off(self, over: str) -> float:
        return self.simulated[over] / self.gain.by_threads[self.threads]

    def is_right(self, over: str) -> bool:
        """Within the factor, and both a gain, both a loss, or both neither."""
        return (abs(math.log(self.off(over))) <= math.log(NEAR)
                and _side(self.simulated[over]) == _side(self.gain.by_threads[self.threads]))


def _side(ratio: float) -> int:
    return 0 if abs(ratio - 1) <= SAME else 1 if ratio > 1 else -1


def profile_name(shape: Shape) -> str:
    return re.sub(r"\W+", "_", shape.name)


def write_profile(folder: Path, shape: Shape) -> Path:
    """As a file that `lockbench simulate --machine` takes."""
    profile: dict[str, Any] = json.loads((MACHINES / f"{shape.profile}.json").read_text(encoding="utf-8"))
    profile["name"] = profile_name(shape)
    profile["topology"] = shape.topology
    if shape.blocks:
        cores = range(shape.blocks[-1][0])
        words = [[next(word for size, word in shape.blocks if a // size == b // size) for b in cores] for a in cores]
        matrix = folder / f"{profile['name']}.csv"
        matrix.write_text("".join(",".join(str(profile["transfers"][word]["ns"]) for word in row) + "\n"
                                  for row in words), encoding="utf-8")
        profile["matrix"] = matrix.name
    path = folder / f"{profile['name']}.json"
    path.write_text(json.dumps(profile), encoding="utf-8")
    return path


def rows(program: str) -> Iterator[Row]:
    """Simulates each shape and lock once."""
    known: dict[tuple[Shape, str, int], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = {shape: write_profile(Path(folder), shape) for shape in {gain.shape for gain in GAINS}}
        for gain in GAINS:
            for threads in gain.by_threads:
                for lock in (gain.lock, *OVER):
                    if (gain.shape, lock, threads) not in known:
                        known[gain.shape, lock, threads] = simulate(
                            program, paths[gain.shape], *plain_options([lock], [threads]), "--placement", "scatter",
                            "--duration", WINDOW_S)[lock][threads]
                rate = known[gain.shape, gain.lock, threads]
                yield Row(gain, threads, {over: rate / known[gain.shape, over, threads] for over in OVER})


def print_table(program: str) -> None:
    print("gain over qspinlock, published and simulated (simulated / published); like over like is judged")
    print(f"  {'published':26} {'machine':28} {'threads':>7} {'published':>9} "
          + " ".join(f"{'over ' + over:>17}" for over in OVER))
    found: list[Row] = []
    for row in rows(program):
        found.append(row)
        cells = " ".join(f"{row.simulated[over]:10.2f} ({row.off(over):4.2f})" for over in OVER)
        verdict = "ok" if row.is_right(row.gain.over) else "MISS"
        print(f"  {row.gain.words:26} {row.gain.shape.name:28} {row.threads:7} "
              f"{row.gain.by_threads[row.threads]:9.2f} {cells} {verdict:>5} over {row.gain.over}", flush=True)
    counts = [f"{sum(row.is_right(row.gain.over) for row in found)} like over like",
              *(f"{sum(row.is_right(over) for row in found)} over {over}" for over in OVER)]
    print(f"of {len(found)}, within a factor of {NEAR} and in the same direction: {', '.join(counts)}")
    for gain in GAINS:
        if gain.source != "the same":
            print(f"  {gain.words}, {gain.shape.name}: {gain.source}")
