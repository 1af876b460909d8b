# SPDX-License-Identifier: MIT
"""What the runs of programs show, by the rules of compare: each program is a run of its own, its threads a workload."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Sequence

import numpy as np
import pandas as pd

from common.units import plural, rough
from compare import verdicts
from compare.command import limits
from compare.export import Comparison
from compare.trials import Trials
from programs import catalogue
from programs.catalogue import Program
from programs.runs import COLUMNS, PASS, TWIN
from results.cautions import drifted
from results.columns import ABSENT, NUMBERS, TEXT
from results.reading import ResultsError, Run
from stats import inference

METRIC = "ops_per_s"
NAME = "programs.csv"
# More CPU time of other programs than this part of what the CPUs had is told.
FOREIGN = 0.1


class Line(NamedTuple):
    """A lock in one program at a number of threads, held against another. Numbers that there are not are nan."""

    lock: str
    ratio: float
    low: float
    high: float
    verdict: str
    failure: str  # why there is no ratio: which of the two had no good run


class Panel(NamedTuple):
    """The locks of a program at a number of threads, the fastest first, those without a ratio last."""

    program: Program
    threads: int
    floor: float  # what the twin shows of nothing
    lines: list[Line]


def csv_of(given: str | os.PathLike[str]) -> Path | None:
    """Of the folder of a campaign, or its CSV; None: it is no campaign's."""
    path = Path(given)
    if path.is_dir() and not (path / "results.csv").exists():
        path = path / NAME
    return path if path.name == NAME and path.is_file() else None


def read(path: Path) -> pd.DataFrame:
    """Raises ResultsError."""
    texts = {name: str for name in COLUMNS if name in (*TEXT, "program", "operation")}
    try:
        rows = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={
            name: [""] for name in COLUMNS if name not in texts})
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path}: cannot be read: {error}") from None
    missing = [name for name in COLUMNS if name not in rows]
    if missing:
        raise ResultsError(f"{path}: no column {missing[0]!r}; give a CSV that scripts/programs wrote")
    return rows


def programs_of(path: Path) -> list[Program]:
    """Those of a file, in the order of the catalogue; behind them what is not in there, as far as the file tells of it:
    the program of scripts/try. Raises ResultsError."""
    listed = {program.name: program for program in catalogue.PROGRAMS}
    told = read(path).drop_duplicates("program")
    named = dict(zip(told["program"], zip(told["operation"], told["kind"])))
    return [*(program for name, program in listed.items() if name in named),
            *(Program(name, "", "", "", operation, locks=kind) for name, (operation, kind) in named.items()
              if name not in listed)]


def judge(path: Path, host: dict[str, Any], against: str, programs: Sequence[Program]) -> Comparison:
    """Of a file with all columns. Raises ResultsError where no run was good."""
    names = [program.name for program in programs]
    rows = read(path).sort_values("program", key=lambda column: column.map(names.index), kind="stable",
                                  ignore_index=True)
    run = Run(path, _as_trials(rows), host)
    trials = Trials.of([run], METRIC, inference.MARGIN)
    table = verdicts.compare(trials, verdicts.within(trials.cells, "lock", against))
    notes = [*_controls(trials.cells, rows, table, programs), *_floors(trials.cells), *_foreign(rows),
             *drifted(run, str(path)), *_failures(rows), *limits(table)]
    in_words = {program.name: _in_words(program) for program in programs}
    return Comparison([str(path)], [_provenance(host)], [], METRIC, "lock", trials.margin, "order", trials.cells,
                      table, notes, workloads=trials.cells["run_id"].map(in_words))


def panels(found: Comparison, programs: Sequence[Program]) -> Iterator[Panel]:
    """In the order of the programs, and of the numbers of threads."""
    first, second = (found.cells.loc[found.table[name]].reset_index(drop=True) for name in ("first", "second"))
    table = found.table.reset_index(drop=True).assign(program=first["run_id"], threads=first["threads"],
                                                      lock=first["lock"], n_own=first["n"], against=second["lock"])
    situations = {*zip(table["program"], table["threads"])}
    for program in programs:
        for threads in sorted(threads for name, threads in situations if name == program.name):
            group = table[(table["program"] == program.name) & (table["threads"] == threads)]
            own = found.cells[(found.cells["run_id"] == program.name) & (found.cells["threads"] == threads)]
            lines = [Line(row.lock, row.ratio, row.low, row.high, row.verdict,
                          f"no good run of {row.lock if row.n_own == 0 else row.against}")
                     for row in group.sort_values("ratio", ascending=False, na_position="last").itertuples()]
            yield Panel(program, int(threads), float(own["floor"].max()), lines)


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
    command = program.command.format(threads="THREADS", data="DATA")
    return (f"{program.name}{', a control' if program.is_control else ''}, an operation is: {program.operation}"
            + (f"; {command}" if command else ""))


def _provenance(host: dict[str, Any]) -> str:
    parts = [host.get("host"), host.get("cpu_model"), plural(host.get("n_cpus_allowed", 0), "CPU") + " allowed",
             host.get("kernel"), host.get("lockbench")]
    return ", ".join(str(part) for part in parts if part)


def _controls(cells: pd.DataFrame, rows: pd.DataFrame, table: pd.DataFrame,
              programs: Sequence[Program]) -> Iterator[str]:
    """1.00 is expected of them under each lock that lets go of the CPU. One that only spins takes it from a program
    with more threads than CPUs, however seldom it waits."""
    first = cells.loc[table["first"]]
    lets_go = ~first["lock"].isin(rows.loc[rows["waits"] == "spin", "lock"]).to_numpy()
    for program in programs:
        own = table[(first["run_id"] == program.name).to_numpy() & lets_go & table["ratio"].notna()]
        if not program.is_control or own.empty:
            continue
        shown = own[own["verdict"] != verdicts.NONE]
        found = f"{own['ratio'].min():.2f} to {own['ratio'].max():.2f} in {plural(len(own), 'comparison')}"
        said = "and no difference is shown" if shown.empty else (
            f"and {plural(len(shown), 'difference')} shown: something besides the locks is at work in this campaign")
        yield (f"{program.name} is a control, which hardly waits for locks: 1.00 is expected where a lock does not "
               f"only spin, found {found}, {said}")


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
