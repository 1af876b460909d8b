# SPDX-License-Identifier: MIT
"""The one module that knows the CSV: reads a run into a DataFrame and names its cells.

A row is one trial. A *cell* is a configuration that is repeated; a *workload* is what a cell shares with the
cells it is compared with, which is everything but the lock and the number of threads. With fixed roles the
writers belong to the workload, so that a curve over threads adds readers and nothing else.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from common.program import UserError
from common.units import duration

SCHEMA = 2
SCHEMAS = (1, SCHEMA)  # that can be read
FAILURES = ("timeout", "crashed", "broken")
STATUSES = ("ok", *FAILURES, "noisy")
KINDS = ("mutex", "rw", "baseline")
LAYOUTS = ("apart", "together")

# `seed` too: 64 bits do not fit a double.
TEXT = ("run_id started_at status lock kind fifo waits source placement think seed topology_hash host git_sha trylock "
        "layout").split()
NUMBERS = (
    "threads readers writers read_pct keys locks cs_ns cs_lines think_ns warmup_s duration_s repetition order_index "
    "cpus reads writes ops ops_per_s reads_per_s writes_per_s overlap_pct jain min_share max_share owner_changes "
    "longest_run handoffs_smt handoffs_llc handoffs_node handoffs_remote wait_p50_ns wait_p90_ns wait_p99_ns "
    "wait_p999_ns wait_max_ns cpu_s cpu_ns_per_op ctx_voluntary ctx_involuntary migrations steal_pct line_ns "
    "lock_bytes ctx_bytes schema spin_ns backoff_max_ns try_success_pct").split()
# What a file of schema 1 was measured with if it lacks them.
LATER: dict[str, Any] = {"trylock": "no", "spin_ns": 1000.0, "backoff_max_ns": 10000.0, "try_success_pct": float("nan"),
                         "layout": "apart"}
# A cell cannot be named without these; `readers` and its like may be empty, but not these.
REQUIRED = ["status", "lock", "kind", "placement", "threads", "cpus", "schema", "layout"]

WORKLOAD = ["placement", "read_pct", "writers", "keys", "locks", "cs_ns", "cs_lines", "think", "think_ns",
            "layout", "trylock", "spin_ns", "backoff_max_ns"]
CELL = WORKLOAD + ["lock", "threads", "readers"]


class ResultsError(UserError):
    """About a run, or a comparison of runs."""


@dataclass(frozen=True)
class Run:
    """A CSV and the machine it came from. `rows` has two columns of its own: `workload` and `cell`, both numbers."""

    path: Path
    rows: pd.DataFrame
    host: dict[str, Any] = field(default_factory=dict)

    def throughput(self) -> pd.DataFrame:
        """Good trials that were timed without the clock in the loop."""
        return self.rows[(self.rows["status"] == "ok") & self.rows["ops_per_s"].notna()]

    def latency(self) -> pd.DataFrame:
        """Good trials whose waits were measured."""
        return self.rows[(self.rows["status"] == "ok") & self.rows["wait_max_ns"].notna()]

    @property
    def warnings(self) -> list[str]:
        """What the harness itself found suspicious about the machine."""
        warnings = self.host.get("warnings")
        return [str(warning) for warning in warnings] if isinstance(warnings, list) else []


def load(given: str | os.PathLike[str]) -> Run:
    """Reads a folder of a run or a CSV file. Raises ResultsError."""
    path = Path(given)
    try:
        if path.is_dir():
            path = path / "results.csv"
            if not path.exists():
                raise ResultsError(f"{given}: no results.csv in it; give the folder of a run or a CSV file")
        rows = _read(path)
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}; give the folder of a run or a CSV file") from None
    except (UnicodeDecodeError, csv.Error):
        raise ResultsError(f"{path}: not a text file; give a CSV that `lockbench run` wrote") from None
    _check_values(path, rows)
    by = {"dropna": False, "observed": True}
    # In place: a copy of a million rows would double the memory.
    rows["workload"] = rows.groupby(WORKLOAD, **by).ngroup()  # sorted: the trials' order is random
    rows["cell"] = rows.groupby(CELL, **by, sort=False).ngroup()
    return Run(path, rows, _host(path.with_name("host.json")))


def _read(path: Path) -> pd.DataFrame:
    columns, n_rows = _check_shape(path)
    try:
        # In chunks, because the parser holds whatever it is given about three times. Columns that are not ours are
        # dropped afterwards: told to skip them, the parser would no longer notice a line with too many fields.
        numbers = [c for c in columns if c in NUMBERS]
        chunks = pd.read_csv(
            path, nrows=n_rows, chunksize=100_000, encoding="utf-8", index_col=False,
            dtype={c: "float64" if c in numbers else str if c == "started_at" else "category" for c in columns},
            keep_default_na=False, na_values={c: ["", "NaN", "nan"] for c in numbers})
        rows = pd.concat(chunks, ignore_index=True)
        for column in set(columns).difference(TEXT, NUMBERS):
            del rows[column]
        for column in set(LATER).difference(columns):
            rows[column] = LATER[column]
        if str(rows["kind"].dtype) == "category":  # files of schemas 1 and 2 say `ruler`
            rows["kind"] = rows["kind"].cat.rename_categories({"ruler": "baseline"})
        return rows.astype({c: "category" for c in TEXT if c != "started_at"}, copy=False)
    except (pd.errors.ParserError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        reason = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise ResultsError(f"{path}: damaged ({reason}); remove the damaged line or measure again") from None


def _check_shape(path: Path) -> tuple[list[str], int | None]:
    """Returns the columns, and how many rows are whole where the last one is not (None: all of them)."""
    with path.open("rb") as file:
        head = file.readline()
        if not head:
            raise ResultsError(f"{path}: empty; measure again, or give a CSV that `lockbench run` wrote")
        columns = _fields(head)
        if "lock" not in columns or "status" not in columns:
            raise ResultsError(f"{path}: not a CSV of lockbench (no columns lock and status); "
                               "give a CSV that `lockbench run` wrote")
        # A newer schema may have renamed columns: its number is the better message, so it is looked at first.
        first_row = _fields(file.readline())
        schema = _schema(path, columns, first_row)
        wanted = [c for c in TEXT + NUMBERS if schema > 1 or c not in LATER]
        missing = [c for c in wanted if c not in columns]
        if missing:
            raise ResultsError(f"{path}: column missing: {', '.join(missing)}; schema {schema} has "
                               f"{len(wanted)} columns, measure again with this lockbench")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(head), size - 65536))
        tail = file.read()
        last = tail.rstrip(b"\r\n").rsplit(b"\n", 1)[-1]
        whole = tail.endswith(b"\n") and len(_fields(last)) == len(columns)
        if not tail.strip() or (not whole and b"\n" not in tail.rstrip(b"\r\n")):
            raise ResultsError(f"{path}: 0 rows; the run wrote no whole trial, measure again")
        if len(first_row) != len(columns):
            raise ResultsError(f"{path}: line 2 is damaged; remove that line or measure again")
        if whole:
            return columns, None
        print(f"warning: {path}: the last line is cut off and is left out", file=sys.stderr)
        file.seek(0)
        # Header and cut line are no rows; the cut line counts only where it ends in a newline.
        newlines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        return columns, newlines - (2 if tail.endswith(b"\n") else 1)


def _fields(line: bytes) -> list[str]:
    return next(csv.reader([line.decode().rstrip("\r\n")]), [])


def _schema(path: Path, columns: list[str], first_row: list[str]) -> int:
    """Of the first row; where it does not tell, the oldest, which asks for the fewest columns."""
    schema = first_row[columns.index("schema")] if "schema" in columns and len(first_row) == len(columns) else ""
    if not schema:
        return SCHEMAS[0]
    if schema not in map(str, SCHEMAS):
        advice = "use a newer lockbench" if schema.isdigit() and int(schema) > SCHEMA else "measure again"
        raise ResultsError(f"{path}: schema {schema!r}; this lockbench reads schema {' and '.join(map(str, SCHEMAS))}: "
                           f"{advice}")
    return int(schema)


def _check_values(path: Path, rows: pd.DataFrame) -> None:
    for column in REQUIRED:
        empty = rows[column].isna() | (rows[column] == "")
        if empty.any():
            raise ResultsError(f"{path}: line {int(empty.to_numpy().argmax()) + 2} is damaged (no {column}); "
                               "remove that line or measure again")
    first_schema = (int(rows["schema"].iloc[0]),)
    for column, allowed in (("status", STATUSES), ("kind", KINDS), ("layout", LAYOUTS), ("schema", first_schema)):
        unknown = ~rows[column].isin(allowed)
        if unknown.any():
            raise ResultsError(f"{path}: {column} {rows.loc[unknown, column].iloc[0]!r} in line "
                               f"{int(unknown.to_numpy().argmax()) + 2}; allowed: {', '.join(map(str, allowed))}")


def _host(path: Path) -> dict[str, Any]:
    """The provenance is worth a warning, never a refusal: the numbers stand without it."""
    try:
        host = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        print(f"warning: {path}: not readable as JSON ({error}); going on without it", file=sys.stderr)
        return {}
    return host if isinstance(host, dict) else {}


def provenance(run: Run) -> str:
    """Where and when, in one line, from whatever is known."""
    host, rows = run.host, run.rows
    names = host.get("host") or ", ".join(rows["host"].unique())
    n_cpus = host.get("n_cpus_allowed")
    machine = "virtual or not: unknown"
    if "hypervisor" in host:
        machine = f"virtual machine ({host['hypervisor']})" if host["hypervisor"] else "no virtual machine"
    runs = rows["run_id"].unique()
    allowed = plural(n_cpus, "CPU") + " allowed" if isinstance(n_cpus, int) else None
    commits = [sha[:7] + "-dirty" * sha.endswith("-dirty") for sha in rows["git_sha"].unique()]
    parts = [names, host.get("cpu_model"), allowed, machine,
             f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs", f"git {', '.join(commits)}"]
    return ", ".join(str(part) for part in parts if part)


def roles(row: pd.Series) -> str:
    """Who does what: `90 % reads`, or the fixed writers of a workload."""
    if pd.notna(row["read_pct"]):
        return f"{row['read_pct']:g} % reads"
    return plural(row["writers"], "fixed writer") if pd.notna(row["writers"]) else "roles unknown"


def workload_label(row: pd.Series) -> str:
    """A workload in words, from any of its rows."""
    think = "no think time" if row["think"] == "none" else f"think {row['think']} {duration(row['think_ns'])}"
    section = "empty section" if row["cs_ns"] == 0 else f"section {duration(row['cs_ns'])}"
    if row["cs_lines"] > 0:
        section += f" + {plural(row['cs_lines'], 'line')}"
    return (f"{roles(row)}, {plural(row['keys'], 'key')}, {plural(row['locks'], 'lock')}, {section}, {think}, "
            f"placement {row['placement']}{_told(row)}")


def _told(row: pd.Series) -> str:
    """How the locks lie and what they were told, where it is not the usual."""
    told = ", lock and data together" if row["layout"] == "together" else ""
    told += ", trylock" if row["trylock"] == "yes" else ""
    for column, words in (("spin_ns", "spin"), ("backoff_max_ns", "back-off up to")):
        if row[column] != LATER[column]:
            told += f", {words} {duration(row[column])}"
    return told


def workload_slugs(rows: pd.DataFrame) -> dict[int, str]:
    """A short file-name suffix per workload: only what differs between them, empty where there is one workload."""
    firsts = rows.drop_duplicates("workload").set_index("workload")
    varying = [c for c in WORKLOAD if firsts[c].nunique(dropna=False) > 1]
    return {number: "".join(f"-{_slug(c, row[c])}" for c in varying if pd.notna(row[c]))
            for number, row in firsts.iterrows()}


def _slug(column: str, value: Any) -> str:
    text = value if isinstance(value, str) else f"{value:.10g}"
    return column + "_" + "".join(c if c.isalnum() or c in ".+" else "_" for c in text)


def family(row: pd.Series) -> str:
    """What makes locks alike enough to share a panel: kind, then how they wait, then the order they keep."""
    if row["kind"] != "mutex":
        return {"rw": "readers/writer locks", "baseline": "baselines"}[row["kind"]]
    if row["waits"] != "spin":
        return {"park": "parking", "hybrid": "spinning, then parking"}.get(row["waits"], "other mutexes")
    return {"no": "spinning, no order", "yes": "spinning, FIFO"}.get(row["fifo"], "spinning, bounded bypass")


def plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}" + ("" if count == 1 else "s")
