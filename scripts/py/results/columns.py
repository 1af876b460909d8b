# SPDX-License-Identifier: MIT
"""THE list of the CSV's columns on this side, in the order of the file.

src/results/record.c writes them and results/README.md explains them; tests/program/columns.py holds the three against
each other. A column that is new in C needs one line in LATER, and nothing else here.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple

SCHEMA = 4
SCHEMAS = (1, 2, 3, SCHEMA)  # that can be read

# What every file has.
FIRST = (
    "run_id started_at status lock kind fifo waits source placement threads readers writers read_pct keys locks cs_ns "
    "cs_lines think_ns think warmup_s duration_s repetition order_index cpus reads writes ops ops_per_s reads_per_s "
    "writes_per_s overlap_pct jain min_share max_share owner_changes longest_run handoffs_smt handoffs_llc "
    "handoffs_node handoffs_remote wait_p50_ns wait_p90_ns wait_p99_ns wait_p999_ns wait_max_ns cpu_s cpu_ns_per_op "
    "ctx_voluntary ctx_involuntary migrations steal_pct line_ns lock_bytes ctx_bytes seed topology_hash host git_sha "
    "schema").split()


class Later(NamedTuple):
    """A column that was added at the end.

    absent: what the files without it were measured with: a word ("" if not known) where it holds text, else a number
            (NaN: not measured).
    schema: the first that a file may have without the column being in it; from the next one on it must be there.
    is_workload: trials that differ in it are not of one cell, and locks are compared only where it is the same.
    """

    name: str
    absent: str | float
    schema: int = 3
    is_workload: bool = False


LATER = [
    Later("spin_ns", 1000.0, 1, is_workload=True),
    Later("backoff_max_ns", 10000.0, 1, is_workload=True),
    Later("trylock", "no", 1, is_workload=True),
    Later("try_success_pct", nan, 1),
    Later("layout", "apart", 1, is_workload=True),
    Later("why", ""),
    Later("wait_count", nan),
    Later("waits_open", nan),
    Later("wait_bound_from_q", nan),
    *(Later(f"wait_time_{limit}_pct", nan) for limit in ("1us", "10us", "100us", "1ms", "10ms", "100ms")),
    Later("throttled_pct", nan),
    Later("rate_per_s", nan, is_workload=True),
    Later("due_ops", nan),
    Later("saturated", ""),
    Later("code_layout", nan),
    Later("twin_of", ""),
    Later("cpu_kinds", ""),
    Later("heap_bytes", nan),
    Later("profile", "", is_workload=True),
    Later("hold_scale", nan, is_workload=True),
    Later("gap_scale", nan, is_workload=True),
    Later("simulated", "", is_workload=True),
]

NAMES = FIRST + [column.name for column in LATER]
# `seed` too: 64 bits do not fit a double.
TEXT = ("run_id started_at status lock kind fifo waits source placement think seed topology_hash host git_sha".split()
        + [column.name for column in LATER if isinstance(column.absent, str)])
NUMBERS = [name for name in NAMES if name not in TEXT]
ABSENT = {column.name: column.absent for column in LATER}

WORKLOAD = (["placement", "read_pct", "writers", "keys", "locks", "cs_ns", "cs_lines", "think", "think_ns"]
            + [column.name for column in LATER if column.is_workload])
CELL = WORKLOAD + ["lock", "threads", "readers"]
MACHINE = ["host", "topology_hash"]
ORIGIN = ["run_id", *MACHINE, "git_sha"]


def required(schema: int) -> list[str]:
    """The columns that a file of that schema cannot be without."""
    return FIRST + [column.name for column in LATER if column.schema < schema]
