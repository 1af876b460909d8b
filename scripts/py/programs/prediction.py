# SPDX-License-Identifier: MIT
"""Which locks should suit a program: what `lockbench run --profile` makes of its profile, held against its own lock."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common.program import UserError
from compare import verdicts
from compare.trials import Trials
from results import reading
from stats import inference

METRIC = "ops_per_s"
OWN = {"mutex": "pthread_mutex", "rw": "pthread_rwlock"}


class Predicted(NamedTuple):
    """Times the throughput of the program's own lock, with the limits of its interval, and compare's verdict."""

    lock: str
    ratio: float
    low: float
    high: float
    verdict: str


class Prediction(NamedTuple):
    """Best first; without the locks that came to no end. `misfit`: how far the replay is from the program."""

    locks: list[Predicted]
    misfit: float


def read_profile(path: Path) -> dict[str, Any]:
    """Only as far as it is needed here; `lockbench run` checks the rest."""
    try:
        profile = json.loads(path.read_text(encoding="utf-8"))
        kind_of(profile)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a profile of `lockbench observe`"
        raise UserError(f"--profile: {path}: {reason}") from None
    return profile


def kind_of(profile: dict[str, Any]) -> str:
    """Which of its locks are replayed, mutex or rw: as bench/profile_replay.c has it."""
    sums = {"mutex": (0.0, 0.0), "rw": (0.0, 0.0)}
    for lock in profile["locks"]:
        kind = "rw" if lock["kind"] == "rwlock" else "mutex"
        sums[kind] = (sums[kind][0] + lock["wait_total_ns"], sums[kind][1] + lock["acquisitions"])
    return "rw" if sums["rw"] > sums["mutex"] else "mutex"


def threads_played(lockbench: str, profile: Path, kind: str) -> int:
    """As many as were at its locks at once, without those that hardly take one."""
    done = subprocess.run([lockbench, "run", "--profile", str(profile), "--locks", OWN[kind], "--no-twin",
                           "--benchmark_list_tests"], text=True, capture_output=True, check=False)
    listed = re.search(r"/threads:(\d+)/", done.stdout)
    if done.returncode != 0 or listed is None:
        raise _failed(done.stderr)
    return int(listed[1])


def _failed(said: str) -> UserError:
    return UserError((said.strip().splitlines() or ["the replay failed"])[-1].removeprefix("lockbench: "))


def replay(lockbench: str, profile: Path, locks: list[str], duration_s: float, out: Path) -> None:
    """Leaves the folder of a run; one that was interrupted is finished."""
    begun = (out / "results.csv").exists()
    what = ["--resume", str(out)] if begun else ["--profile", str(profile), "--locks", ",".join(locks), "--duration",
                                                 str(duration_s), "--out", str(out)]
    done = subprocess.run([lockbench, "run", *what],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 and not (out / "results.csv").exists():  # a lock that has failed is told by its rows
        raise _failed(done.stderr)


def predict(out: Path, kind: str, locks: list[str]) -> Prediction:
    """Of these locks, in the folder that replay() has left; others are there for a twin. Raises ResultsError."""
    run = reading.load(out)
    trials = Trials.of([run], METRIC, inference.MARGIN)
    table = verdicts.compare(trials, verdicts.within(trials.cells, "lock", OWN[kind]))
    names = trials.cells["lock"].astype(str).to_numpy()[table["first"]]
    found = [Predicted(name, row.ratio, row.low, row.high, str(row.verdict))
             for name, row in zip(names, table.itertuples()) if np.isfinite(row.ratio) and name in locks]
    misfit = trials.cells["misfit"].max()
    return Prediction(sorted(found, key=lambda lock: -lock.ratio), float(misfit))
