# SPDX-License-Identifier: MIT
"""What the runs of programs show, by the rules of compare: each program is a run of its own, its threads a workload."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Sequence

import numpy as np
import pandas as pd

from common.units import plural, rough
from compare import verdicts
from compare.command import limits
from compare.export import Comparison
from compare.trials import Trials
from programs.catalogue import Program
from programs.runs import COLUMNS, PASS, TWIN
from results.cautions import drifted
from results.columns import ABSENT, NUMBERS, TEXT
from results.reading import Run
from stats import inference

METRIC = "ops_per_s"
# More CPU time of other programs than this part of what the CPUs had is told.
FOREIGN = 0.1


def read(path: Path) -> pd.DataFrame:
    texts = {name: str for name in COLUMNS if name in (*TEXT, "program", "operation")}
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={
        name: [""] for name in COLUMNS if name not in texts})


def judge(path: Path, host: dict[str, Any], against: str, programs: Sequence[Program]) -> Comparison:
    """Of a file with all columns. Raises ResultsError where no run was good."""
    names = [program.name for program in programs]
    rows = read(path).sort_values("program", key=lambda column: column.map(names.index), kind="stable",
                                  ignore_index=True)
    run = Run(path, _as_trials(rows), host)
    trials = Trials.of([run], METRIC, inference.MARGIN)
    table = verdicts.compare(trials, verdicts.within(trials.cells, "lock", against))
    notes = [*_controls(trials.cells, table, programs), *_floors(trials.cells), *_foreign(rows),
             *drifted(run, str(path)), *_failures(rows), *limits(table)]
    in_words = {program.name: _in_words(program) for program in programs}
    return Comparison([str(path)], [_provenance(host)], [], METRIC, "lock", trials.margin, "order", trials.cells,
                      table, notes, workloads=trials.cells["run_id"].map(in_words))


def _as_trials(rows: pd.DataFrame) -> pd.DataFrame:
    """The same runs in the columns of trials. Only within one run_id are locks held against each other, and what a twin
    shows of nothing counts there alone: so each program is one."""
    absent: dict[str, str | float] = {**dict.fromkeys(TEXT, ""), **dict.fromkeys(NUMBERS, np.nan), **ABSENT}
    trials = pd.DataFrame(absent, index=rows.index).assign(**{name: rows[name] for name in COLUMNS if name in absent})
    is_twin = trials["lock"] == TWIN
    return trials.assign(
        run_id=rows["program"], status=rows["status"].replace("failed", "broken"),
        twin_of=np.where(is_twin, PASS, ""), kind=np.where(is_twin, "baseline", "mutex"),
        cell=rows.groupby(["program", "lock", "threads"], sort=False).ngroup())


def _in_words(program: Program) -> str:
    return (f"{program.name}{', a control' if program.is_control else ''}, an operation is: {program.operation}; "
            f"{program.command.format(threads='THREADS', data='DATA')}")


def _provenance(host: dict[str, Any]) -> str:
    parts = [host.get("host"), host.get("cpu_model"), plural(host.get("n_cpus_allowed", 0), "CPU") + " allowed",
             host.get("kernel"), host.get("lockbench")]
    return ", ".join(str(part) for part in parts if part)


def _controls(cells: pd.DataFrame, table: pd.DataFrame, programs: Sequence[Program]) -> Iterator[str]:
    """1.00 is expected of them, whatever the lock."""
    for program in programs:
        own = table[(cells["run_id"].to_numpy()[table["first"]] == program.name) & table["ratio"].notna()]
        if not program.is_control or own.empty:
            continue
        shown = own[own["verdict"] != verdicts.NONE]
        found = f"{own['ratio'].min():.2f} to {own['ratio'].max():.2f} in {plural(len(own), 'comparison')}"
        said = "and no difference is shown" if shown.empty else (
            f"and {plural(len(shown), 'difference')} shown: something besides the locks is at work in this campaign")
        yield f"{program.name} is a control, which hardly waits for locks: 1.00 is expected, found {found}, {said}"


def _floors(cells: pd.DataFrame) -> Iterator[str]:
    """What the twin shows of nothing, program by program."""
    known = cells[cells["floor"].notna() & (cells["lock"] == TWIN)]
    if not known.empty:
        told = ", ".join(f"{rough(100 * cell.floor)} % in {cell.run_id} at {plural(cell.threads, 'thread')}"
                         for cell in known.sort_values(["run_id", "threads"]).itertuples())
        yield f"so far apart were exec without a lock of ours and its twin, and no smaller difference counts: {told}"


def _foreign(rows: pd.DataFrame) -> Iterator[str]:
    good = rows[rows["status"] == "ok"]
    n = int((good["foreign_cpu_s"] > FOREIGN * good["duration_s"] * good["cpus"]).sum())
    if n:
        yield (f"in {n} of {plural(len(good), 'good run')} other programs took more than {100 * FOREIGN:g} % of the "
               "CPUs: measure again on a quiet machine")


def _failures(rows: pd.DataFrame) -> Iterator[str]:
    for (program, lock, threads, status), failed in rows[rows["status"] != "ok"].groupby(
            ["program", "lock", "threads", "status"], sort=False):
        yield f"{program} under {lock} at {plural(threads, 'thread')}: {len(failed)} {status}, {failed['why'].iloc[0]}"
