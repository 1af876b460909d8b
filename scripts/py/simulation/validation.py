# SPDX-License-Identifier: MIT
"""Holds `lockbench simulate` against lock runs that others have measured on machines with 40 to 160 threads.

Prints, for each machine and lock, simulated over measured throughput. The length of the section is not published
("1000"), so it is fitted: on MCS with the fewest threads, and on nothing else. With --left-out the parameters of the
coherence protocol that are not measured are chosen from a grid, once as they fit the machine itself best and once as
they fit the other three: what then is off is what to expect on a machine that nobody has measured.

With --published it is held against what others have published of locks that go by NUMA nodes, by how much they are
faster than Linux's qspinlock; that needs no data beside what is kept here.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Sequence

from common.program import Parser, UserError
from simulation import gains, published
from simulation.published import LOCKS, MACHINES, Machine
from simulation.runs import plain_options, simulate

# What was chosen for each machine by its protocol: see docs/simulate.md.
CHOSEN: dict[str, dict[str, float]] = {
    "ivybridge2": {}, "haswell4": {},
    "westmere8": {"occupancy": 0.5, "contention": 1},
    "opteron48": {"occupancy": 1, "bypass": 0.8, "from_writer": 1, "broadcast_ns": 125},
}
GRID = [{"occupancy": occupancy, "bypass": bypass, "contention": contention, "from_writer": moesi,
         "broadcast_ns": 125 * moesi}
        for occupancy, bypass, contention, moesi in itertools.product((0.3, 0.5, 1.0), (0.8, 0.95), (0, 1), (0, 1))]
STEPS = 8  # of the search for the section's length, to 3000 / 2^8 ns
LONGEST_NS = 3000.0


class Fit(NamedTuple):
    """Simulated over measured, by lock and threads, with sections of cs_ns."""

    cs_ns: int
    ratios: dict[str, dict[int, float]]

    def off(self, lock: str | None = None) -> float:
        """The mean factor by which it is off."""
        logs = [abs(math.log(ratio)) for name, by_threads in self.ratios.items() if lock in (None, name)
                for ratio in by_threads.values()]
        return math.exp(sum(logs) / len(logs))


class Validation:
    """A machine's data and the program that simulates it."""

    def __init__(self, program: str, data: Path, machine: Machine, window_s: float) -> None:
        self.program, self.machine, self.window_s = program, machine, window_s
        self.measured = published.runs(data, machine)
        self.cycles = published.matrix(data, machine)

    def simulate(self, profile: Path, locks: Sequence[str], threads: Sequence[int], cs_ns: int,
                 window_s: float) -> dict[str, dict[int, float]]:
        """Operations per second by lock and number of threads."""
        return simulate(self.program, profile, *plain_options(locks, threads), "--read-pct", "0", "--cs-ns", str(cs_ns),
                        "--counted-sections", "--duration", f"{window_s:g}")

    def fit(self, parameters: dict[str, float], few: bool = False) -> Fit:
        """`few`: of the numbers of threads every other one, in a third of the window."""
        with tempfile.TemporaryDirectory() as folder:
            profile = published.write_profile(Path(folder), self.machine, self.cycles, parameters)
            fewest = min(self.measured["mcs"])
            low, high = 0.0, LONGEST_NS
            for _ in range(STEPS):
                middle = (low + high) / 2
                rate = self.simulate(profile, ["mcs"], [fewest], round(middle), 0.0002)["mcs"][fewest]
                low, high = (middle, high) if rate > self.measured["mcs"][fewest] else (low, middle)
            cs_ns = round((low + high) / 2)
            ratios: dict[str, dict[int, float]] = {}
            for lock in LOCKS:
                threads = sorted(self.measured[lock])
                threads = threads[1::2] if few and len(threads) > 4 else threads
                window_s = self.window_s / 3 if few else self.window_s
                simulated = self.simulate(profile, [lock], threads, cs_ns, window_s)[lock]
                ratios[lock] = {n: max(simulated[n], 1) / self.measured[lock][n] for n in threads}
        return Fit(cs_ns, ratios)


def _print_machine(validation: Validation, fit: Fit) -> None:
    print(f"{validation.machine.name}: sections of {fit.cs_ns} ns fitted; simulated / measured; off by a factor of "
          f"{fit.off():.2f} on average")
    for lock in LOCKS:
        cells = "  ".join(f"{n}: {validation.measured[lock][n] / 1e3:.0f}k ({ratio:.2f})"
                          for n, ratio in fit.ratios[lock].items())
        print(f"  {lock:7} {cells}")


def _print_order(validations: Sequence[Validation], fits: Sequence[Fit]) -> None:
    """Of two locks that differ by more than a tenth where they were measured: which is the faster?"""
    n = n_right = 0
    for validation, fit in zip(validations, fits):
        for a, b in itertools.combinations(LOCKS, 2):
            for threads in fit.ratios[a].keys() & fit.ratios[b].keys():
                measured = validation.measured[a][threads] / validation.measured[b][threads]
                if abs(math.log(measured)) >= math.log(1.1):
                    n += 1
                    n_right += (measured * fit.ratios[a][threads] / fit.ratios[b][threads] > 1) == (measured > 1)
    print(f"order: {n_right} of {n} pairs of locks that differ by more than 10 % come out as measured")


def _print_left_out(validations: Sequence[Validation], jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        futures = [[pool.submit(validation.fit, parameters, True) for parameters in GRID] for validation in validations]
        fits = [[future.result() for future in row] for row in futures]
    print(f"off by a factor of; from a grid of {len(GRID)} parameters, in-sample and as they fit the others best")
    print(f"  {'machine':12} {'in-sample':>9} {'left out':>9}   of which " + " ".join(f"{lock:>6}" for lock in LOCKS))
    for i, validation in enumerate(validations):
        own = min(range(len(GRID)), key=lambda g: fits[i][g].off())
        others = min(range(len(GRID)), key=lambda g: sum(fits[j][g].off() for j in range(len(fits)) if j != i))
        print(f"  {validation.machine.name:12} {fits[i][own].off():9.2f} {fits[i][others].off():9.2f}            "
              + " ".join(f"{fits[i][others].off(lock):6.2f}" for lock in LOCKS))


def _print_all(validations: Sequence[Validation], left_out: bool, jobs: int) -> None:
    with ThreadPoolExecutor(jobs) as pool:
        fits = list(pool.map(lambda validation: validation.fit(CHOSEN[validation.machine.name]), validations))
    for validation, fit in zip(validations, fits):
        _print_machine(validation, fit)
    _print_order(validations, fits)
    if left_out:
        _print_left_out(validations, jobs)


def main(arguments: Sequence[str]) -> int:
    parser: Any = Parser("scripts/validate-simulation", __doc__)
    parser.add_argument("program", help="the lockbench to run; scripts/validate-simulation fills it in")
    parser.add_argument("data", type=Path, nargs="?",
                        help="a folder with libmctop's desc/*.mct and results/locks/lock_backoff_1_1000_*.txt")
    parser.add_argument("--machines", default=",".join(machine.name for machine in MACHINES),
                        help="with commas (default: all)")
    parser.add_argument("--window", type=float, default=0.0006, metavar="S",
                        help="length of a simulated window (default: 0.0006)")
    parser.add_argument("--left-out", action="store_true", help="the table of in-sample and left-out errors too")
    parser.add_argument("--published", action="store_true", help="the table of published gains; DATA may be left out")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many simulations at a time (default: 1)")
    options = parser.parse_intermixed_args(arguments)  # or DATA behind an option would be refused
    known = {machine.name: machine for machine in MACHINES}
    names = options.machines.split(",")
    for name in names:
        if name not in known:
            raise UserError(f"--machines: unknown machine '{name}'; allowed: {', '.join(known)}")
    if options.data is None and not options.published:
        parser.error("DATA is missing: a folder with libmctop's data; or give --published, which needs none")
    if options.data is not None:
        _print_all([Validation(options.program, options.data, known[name], options.window) for name in names],
                   options.left_out, options.jobs)
    if options.published:
        gains.print_table(options.program)
    return 0
