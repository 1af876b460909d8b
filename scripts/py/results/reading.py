# SPDX-License-Identifier: MIT
"""Reads a run into a DataFrame and numbers its cells.

A row is one trial. A *cell* is a configuration that is repeated; a *workload* is what a cell shares with the
cells it is compared with, which is everything but the lock and the number of threads. With fixed roles the
writers belong to the workload, so that a curve over threads adds readers and nothing else.
"""

from __future__ import annotations

import codecs
import csv
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from common.program import UserError
from results import hypervisors
from results import resolution
from results.columns import ABSENT, CELL, NUMBERS, SCHEMA, SCHEMAS, TEXT, WORKLOAD, required

FAILURES = ("timeout", "crashed", "broken")  # the lock's own
REPEATED = ("noisy", "disturbed")  # by the surroundings, and measured again: no fault of the lock
INVALID = "invalid"  # lockbench's own fault: the numbers contradicted each other
STATUSES = ("ok", *FAILURES, *REPEATED, INVALID)
KINDS = ("mutex", "rw", "baseline")
LAYOUTS = ("apart", "together")
# A cell cannot be named without these; `readers` and its like may be empty, but not these.
REQUIRED = ["status", "lock", "kind", "placement", "threads", "cpus", "schema", "layout"]


class ResultsError(UserError):
    """About a run, or a comparison of runs."""


@dataclass(frozen=True)
class Run:
    """A CSV and the machine it came from. `rows` has three columns of its own: `workload` and `cell`, both numbers, and
    `few_ops`; `remarks` says what was left out of it, and why (resolution.mark)."""

    path: Path
    rows: pd.DataFrame
    host: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

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

    @property
    def extends_slices(self) -> bool | None:
        """Whether threads asked for longer time slices; None: host.json does not tell of the run at all. One that tells
        nothing of slices is of a lockbench that had none."""
        ran = self.host.get("run")
        return bool(ran.get("slice_extension")) if isinstance(ran, dict) else None


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
    return Run(path, rows, read_host(path.with_name("host.json")), resolution.mark(rows))


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
        for column in set(ABSENT).difference(columns):
            rows[column] = ABSENT[column]
        if str(rows["kind"].dtype) == "category":  # files of schemas 1 and 2 say `ruler`
            rows["kind"] = rows["kind"].cat.rename_categories({"ruler": "baseline"})
        return rows.astype({c: "category" for c in TEXT if c != "started_at"}, copy=False)
    except (pd.errors.ParserError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        line = _second_header(path)
        if line:
            raise ResultsError(f"{path}: line {line} is a header again: these are CSVs that were joined; keep each run "
                               "in a file of its own and give them all") from None
        reason = str(error).splitlines()[0].removeprefix("Error tokenizing data. C error: ")
        raise ResultsError(f"{path}: damaged ({reason}); remove the damaged line or measure again") from None


def _check_shape(path: Path) -> tuple[list[str], int | None]:
    """Returns the columns, and how many rows are whole where the last one is not (None: all of them)."""
    with path.open("rb") as file:
        head = file.readline()
        if not head:
            raise ResultsError(f"{path}: empty; measure again, or give a CSV that `lockbench run` wrote")
        if head.startswith(codecs.BOM_UTF8):
            raise ResultsError(f"{path}: begins with a byte-order mark, so another program has written it anew; give "
                               "the CSV that `lockbench run` wrote, or remove the first three bytes")
        columns = _fields(head)
        if "lock" not in columns or "status" not in columns:
            raise ResultsError(f"{path}: not a CSV of lockbench (no columns lock and status); "
                               "give a CSV that `lockbench run` wrote")
        # A newer schema may have renamed columns: its number is the better message, so it is looked at first.
        first_row = _fields(file.readline())
        schema = _schema(path, columns, first_row)
        missing = [c for c in required(schema) if c not in columns]
        if missing:
            raise ResultsError(f"{path}: column missing: {', '.join(missing)}; schema {schema} has "
                               f"{len(required(schema))} columns, measure again with this lockbench")
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


def _second_header(path: Path) -> int:
    """The number of the next line that is like the first, 0 if there is none."""
    with path.open("rb") as file:
        head = file.readline().rstrip(b"\r\n")
        return next((number for number, line in enumerate(file, 2) if line.rstrip(b"\r\n") == head), 0)


def _fields(line: bytes) -> list[str]:
    return next(csv.reader([line.decode().rstrip("\r\n")]), [])


def _schema(path: Path, columns: list[str], first_row: list[str]) -> int:
    """Of the first row; where it does not tell, the oldest, which asks for the fewest columns."""
    schema = first_row[columns.index("schema")] if "schema" in columns and len(first_row) == len(columns) else ""
    if not schema:
        return SCHEMAS[0]
    if schema not in map(str, SCHEMAS):
        advice = "use a newer lockbench" if schema.isdigit() and int(schema) > SCHEMA else "measure again"
        raise ResultsError(f"{path}: schema {schema!r}; this lockbench reads schemas {SCHEMAS[0]} to {SCHEMA}: "
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


def read_host(path: Path) -> dict[str, Any]:
    """The provenance is worth a warning, never a refusal: the numbers stand without it."""
    try:
        host = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        print(f"warning: {path}: not readable as JSON ({error}); going on without it", file=sys.stderr)
        return {}
    if not isinstance(host, dict):
        return {}
    if isinstance(host.get("hypervisor"), str):
        host["hypervisor"] = hypervisors.name(host["hypervisor"])
    return host
