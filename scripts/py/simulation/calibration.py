# SPDX-License-Identifier: MIT
"""Makes a profile of a machine from a run on it, for `lockbench simulate`, and holds the model against that run.

What the run's rulers tell is taken as it is (`lockbench simulate --machine RUN/host.json`). What they do not tell is
fitted to a few cells of the run, one number to one cell, in this order, and to nothing else; what the model then says
of all other locks is a prediction, and is printed beside what was measured.
"""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

import pandas as pd

from common.program import Parser, UserError
from common.units import plural
from compare import model_error
from results import reading
from simulation.runs import plain_options, simulate, simulate_into

RANGE = 0.1  # of a fitted number, either way, for the draws
STEPS = 12  # of the search, on a logarithmic scale
WIDEST = 6.0  # times what it is without the fit, either way
NEAR = 1.05  # a fit that does not come that near is told
WINDOW_S = "0.0005"

# A run's operations without anything that the model would have to be told beside them.
PLAIN: dict[str, Any] = {"cs_ns": 0, "cs_lines": 0, "think": "none", "locks": 1, "trylock": "no", "layout": "apart",
                         "profile": "", "simulated": "", "spin_ns": 1000, "backoff_max_ns": 10000}


class Fit(NamedTuple):
    """The parameters, all by one factor, that make the first of these locks that the run has as fast as it was."""

    words: str
    parameters: tuple[str, ...]  # () stands for the transfers between cores
    locks: tuple[str, ...]
    is_alone: bool  # with one thread; else with the fewest above one, which all have a CPU


FITS = (
    Fit("instructions and hits", ("access_ns", "hit_ns", "store_ns"), ("empty",), True),
    Fit("an atomic operation", ("rmw_ns",), ("counter", "tas", "ticket"), True),
    Fit("transfers between cores", (), ("ticket", "mcs", "counter"), False),
    Fit("the way into a futex wait", ("futex_check_ns",), ("futex",), False),
)


class Done(NamedTuple):
    fit: Fit
    lock: str
    threads: int
    factor: float
    reached: float  # simulated over measured, with that factor

    def told(self) -> str:
        words = f"{self.fit.words}: x {self.factor:.2f}, by {self.lock} with {plural(self.threads, 'thread')}"
        near = 1 / NEAR < self.reached < NEAR
        return words if near else words + f" (which it does not reach: {self.reached:.2f} of what was measured)"


class Calibration:
    """Of one placement and share of reads of a run."""

    def __init__(self, program: str, run: reading.Run, folder: Path) -> None:
        self.program, self.folder, self.run = program, folder, run
        self.rows = plain_rows(run)
        self.measured: pd.Series = self.rows.groupby(["lock", "threads"], observed=True)["ops_per_s"].median()
        first = self.rows.iloc[0]
        self.situation = ["--placement", str(first["placement"]), "--keys", f"{first['keys']:g}",
                          "--read-pct", f"{first['read_pct']:g}"]
        self.path = folder / "profile.json"
        self.profile = self._from_rulers()

    def _from_rulers(self) -> dict[str, Any]:
        """As `lockbench simulate` itself makes it of the run's host.json, with all that it takes as usual."""
        out = self.folder / "rulers"
        simulate_into(self.program, out, self.run.path.with_name("host.json"), *plain_options(["ticket"], [1]),
                      "--duration", "0.00001")
        simulated = json.loads((out / "host.json").read_text(encoding="utf-8"))["simulated"]
        profile: dict[str, Any] = simulated["profile"]
        self.usual: dict[str, float] = simulated["parameters"]
        return profile

    def fit_all(self) -> Iterator[Done]:
        for fit in FITS:
            cell = self._cell(fit)
            if cell is not None:
                yield self._fit(fit, *cell)

    def _cell(self, fit: Fit) -> tuple[str, int] | None:
        cpus = int(self.rows["cpus"].iloc[0])
        for lock in fit.locks:
            threads = sorted(int(n) for name, n in self.measured.index if name == lock
                             and (n == 1 if fit.is_alone else 1 < n <= cpus))
            if threads:
                return lock, threads[0]
        return None

    def _fit(self, fit: Fit, lock: str, threads: int) -> Done:
        goal = self.measured[lock, threads]

        def ratio(factor: float) -> float:
            self._write(self._scaled(fit, factor, "of this fit"))
            rate = simulate(self.program, self.path, *plain_options([lock], [threads]), *self.situation, "--duration",
                            WINDOW_S)[lock][threads]
            return max(rate, 1.0) / goal

        low, high = -math.log(WIDEST), math.log(WIDEST)
        rises = ratio(math.exp(high)) > ratio(math.exp(low))
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if (ratio(math.exp(middle)) > 1) == rises else (middle, high)
        factor = math.exp((low + high) / 2)
        done = Done(fit, lock, threads, factor, ratio(factor))
        self.profile = self._scaled(fit, factor, f"fitted to {lock} with {plural(threads, 'thread')} of run "
                                                 f"{self.rows['run_id'].iloc[0]}")
        self._write(self.profile)
        return done

    def _scaled(self, fit: Fit, factor: float, source: str) -> dict[str, Any]:
        profile: dict[str, Any] = json.loads(json.dumps(self.profile))
        for name in fit.parameters:
            given = profile["parameters"].get(name, {"value": self.usual[name]})
            profile["parameters"][name] = {**_around(given["value"] * factor, "value"), "source": source}
        if not fit.parameters:
            for distance, given in profile["transfers"].items():
                if distance != "source":
                    profile["transfers"][distance] = _around(given["ns"] * factor, "ns")
            profile["transfers"]["source"] = source
        return profile

    def _write(self, profile: dict[str, Any]) -> None:
        self.path.write_text(json.dumps(profile, indent=1) + "\n", encoding="utf-8")

    def predict(self, seeds: int) -> reading.Run:
        """All locks of the run that can be simulated, with one thread up to as many as were measured."""
        out = self.folder / "predicted"
        locks = sorted({str(lock) for lock, _ in self.measured.index})
        threads = sorted({int(n) for _, n in self.measured.index})
        simulate_into(self.program, out, self.path, *plain_options(locks, threads, seeds), *self.situation)
        return replace(reading.load(out), path=Path("this profile"))


def _around(value: float, key: str) -> dict[str, Any]:
    return {key: value, "low": value * (1 - RANGE), "high": value * (1 + RANGE)}


def plain_rows(run: reading.Run) -> pd.DataFrame:
    """The good trials of our own locks with nothing but the lock in their loop, of one placement and one workload: that
    of the most trials."""
    rows = run.throughput()
    rows = rows[(rows["source"] == "ours") & (rows["twin_of"] == "") & rows["rate_per_s"].isna()
                & rows["read_pct"].notna() & (rows["placement"] != "none")]
    for column, value in PLAIN.items():
        rows = rows[rows[column] == value]
    if rows.empty:
        raise UserError(f"{run.path}: no good trial of our own locks with an empty section, no think time and a pinned "
                        "placement, which the model could be held against; measure some: lockbench run --locks "
                        "baseline,mutex --placement cores")
    workload = rows["workload"].value_counts().index[0]
    return rows[rows["workload"] == workload]


def main(arguments: Sequence[str]) -> int:
    parser: Any = Parser("scripts/calibrate-simulation", __doc__)
    parser.add_argument("program", help="the lockbench to run; scripts/calibrate-simulation fills it in")
    parser.add_argument("run", metavar="RUN", help="the folder of a run on the machine, with its host.json")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="write the profile, for `lockbench simulate --machine FILE`")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="draws of the prediction (default: 5)")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds: {options.seeds} given, allowed: 1 or more")
    if options.out is not None and options.out.exists():
        raise UserError(f"{options.out} exists; name a new file with --out")
    run = reading.load(options.run)
    with tempfile.TemporaryDirectory() as folder:
        calibration = Calibration(options.program, run, Path(folder))
        print(f"profile of {calibration.profile['name']} by the rulers of {run.path}; fitted:")
        for done in calibration.fit_all():
            print(f"  {done.told()}", flush=True)
        found = model_error.of([run, calibration.predict(options.seeds)])
        print("\n".join(model_error.table(found)))
        if options.out is not None:
            options.out.write_text(calibration.path.read_text(encoding="utf-8"), encoding="utf-8")
            print(f"profile: {options.out}")
    return 0
