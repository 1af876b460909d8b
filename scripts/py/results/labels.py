# SPDX-License-Identifier: MIT
"""Runs, workloads and locks in words, for headings, captions and file names."""

from __future__ import annotations

from typing import Any

import pandas as pd

from common.units import duration, plural
from results.columns import ABSENT, WORKLOAD
from results.reading import Run


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
    extended = "time slices extended" if run.extends_slices else None
    commits = [sha[:7] + "-dirty" * sha.endswith("-dirty") for sha in rows["git_sha"].unique()]
    parts = [names, host.get("cpu_model"), allowed, machine,
             f"run {runs[0]}" if len(runs) == 1 else f"{len(runs)} runs", f"git {', '.join(commits)}", extended]
    return ", ".join(str(part) for part in parts if part)


def roles(row: pd.Series) -> str:
    """What the threads do: `90 % reads`, or the fixed writers of a workload."""
    if pd.notna(row["read_pct"]):
        return f"{row['read_pct']:g} % reads"
    return plural(row["writers"], "fixed writer") if pd.notna(row["writers"]) else "roles unknown"


def workload_label(row: pd.Series) -> str:
    """A workload in words, from any of its rows; what was simulated says so first."""
    return f"simulated: {row['simulated'].split()[0]}; {_measured_label(row)}" if row["simulated"] \
        else _measured_label(row)


def _measured_label(row: pd.Series) -> str:
    if row["profile"]:
        return (f"replay of {row['profile']}, {roles(row)}, {plural(row['locks'], 'lock')}, "
                f"{plural(row['keys'], 'key')}{_scaled(row)}, placement {row['placement']}{_told(row)}")
    think = "no think time" if row["think"] == "none" else f"think {row['think']} {duration(row['think_ns'])}"
    section = "empty section" if row["cs_ns"] == 0 else f"section {duration(row['cs_ns'])}"
    if row["cs_lines"] > 0:
        section += f" + {plural(row['cs_lines'], 'line')}"
    if pd.notna(row["rate_per_s"]):
        think = f"{row['rate_per_s']:g} operations/s"
    return (f"{roles(row)}, {plural(row['keys'], 'key')}, {plural(row['locks'], 'lock')}, {section}, {think}, "
            f"placement {row['placement']}{_told(row)}")


def _scaled(row: pd.Series) -> str:
    """How the sections of a replay, and the time between them, are not as they were recorded."""
    scales = [f"{name} x {row[column]:.3g}" for column, name in (("hold_scale", "sections"), ("gap_scale", "gaps"))
              if row[column] != 1]
    lines = [f"sections + {plural(row['cs_lines'], 'line')}"] if row["cs_lines"] > 0 else []
    return "".join(f", {words}" for words in [*scales, *lines])


def _told(row: pd.Series) -> str:
    """How the locks lie and what they were told, where it is not the usual."""
    told = ", lock and data together" if row["layout"] == "together" else ""
    told += ", trylock" if row["trylock"] == "yes" else ""
    for column, words in (("spin_ns", "spin"), ("backoff_max_ns", "back-off up to")):
        if row[column] != ABSENT[column]:
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
