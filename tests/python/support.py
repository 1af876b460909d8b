# SPDX-License-Identifier: MIT
"""Makes scripts/py importable and writes CSVs as the harness would, seeded, with every column."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Iterable

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts" / "py"
sys.path.insert(0, str(SCRIPTS))

import verb  # noqa: E402
from results import columns  # noqa: E402

# kind, fifo, waits, source, millions per second at 1 thread, what another thread on a CPU costs
LOCKS: dict[str, tuple[str, str, str, str, float, float]] = {
    "empty": ("baseline", "", "", "ours", 600, 1.0),
    "counter": ("baseline", "", "", "ours", 350, 0.33),
    "pthread_mutex": ("mutex", "no", "park", "system", 62, 0.30),
    "futex": ("mutex", "no", "park", "ours", 157, 0.28),
    "ticket": ("mutex", "yes", "spin", "ours", 110, 0.045),
    "mcs": ("mutex", "yes", "spin", "ours", 106, 0.05),
}
Row = dict[str, Any]


def trial(rng: np.random.Generator, lock: str, threads: int, repetition: int = 1, cpus: int = 2,
          traits: tuple[str, str, str, str, float, float] | None = None, **given: Any) -> Row:
    """A plausible throughput trial; `given` overrides any column."""
    kind, fifo, waits, source, alone, contended = traits or LOCKS[lock]
    rate = alone * 1e6 * (1 if threads == 1 else contended) * rng.lognormal(0, 0.01)
    if threads > cpus and waits == "spin" and fifo == "yes":
        rate = 16000 / threads
    elif threads > cpus and waits == "spin":
        rate *= cpus / threads
    ops = int(rate * 0.1)
    changes = ops if fifo == "yes" else ops // 60
    even = fifo == "yes" or threads == 1
    share = 1 / threads if even else rng.uniform(0.7, 1) / threads
    row: Row = dict.fromkeys([*columns.NAMES, *columns.ABSENT], "")
    row.update(
        run_id="20260102-030405", started_at="2026-01-02T03:04:05Z", status="ok", lock=lock, kind=kind, fifo=fifo,
        waits=waits, source=source, placement="compact", threads=threads, read_pct=0, keys=5, locks=1, cs_ns=0,
        cs_lines=0, think_ns=0, think="none", warmup_s=0.02, duration_s=0.1, repetition=repetition, cpus=cpus, reads=0,
        writes=ops, ops=ops, ops_per_s=rate, reads_per_s=0, writes_per_s=rate, overlap_pct=99.9,
        jain=1.0 if even else rng.uniform(0.9, 1), min_share=share, max_share=2 / threads - share,
        owner_changes=changes if threads > 1 else 0, longest_run=2 if fifo == "yes" else 40000, handoffs_smt=0,
        handoffs_llc=changes, handoffs_node=0, handoffs_remote=0, cpu_s=0.1 * min(threads, cpus),
        cpu_ns_per_op=1e9 * min(threads, cpus) / rate, ctx_voluntary=3, ctx_involuntary=4, migrations=0,
        steal_pct=0.1, line_ns=rng.uniform(40, 60) if threads > 1 else "", lock_bytes=128, ctx_bytes=0, seed=1,
        topology_hash="abcdef", host="testhost", git_sha="1234567", schema=columns.SCHEMA, spin_ns=1000,
        backoff_max_ns=10000, trylock="no", layout="apart")
    return {**row, **given}


def latency_trial(rng: np.random.Generator, lock: str, threads: int, repetition: int = 1, **given: Any) -> Row:
    """The other kind of trial: waits instead of rates."""
    row = trial(rng, lock, threads, repetition)
    p50 = row["cpu_ns_per_op"] * rng.uniform(0.9, 1.1)
    row.update(ops_per_s="", reads_per_s="", writes_per_s="", cpu_ns_per_op="", wait_p50_ns=p50, wait_p90_ns=3 * p50,
               wait_p99_ns=20 * p50, wait_p999_ns=200 * p50, wait_max_ns=5000 * p50 * rng.uniform(1, 2))
    return {**row, **given}


def matrix(locks: Iterable[str] = LOCKS, threads: Iterable[int] = (1, 2, 4), repetitions: int = 9,
           latency: bool = False, seed: int = 1, **given: Any) -> list[Row]:
    """All trials of a run in a random order, numbered."""
    rng = np.random.default_rng(seed)
    rows = []
    for lock, n, repetition in itertools.product(locks, threads, range(1, repetitions + 1)):
        rows.append(trial(rng, lock, n, repetition, **given))
        if latency:
            rows.append(latency_trial(rng, lock, n, repetition, **given))
    return numbered([rows[i] for i in rng.permutation(len(rows))])


def numbered(rows: list[Row]) -> list[Row]:
    return [{**row, "order_index": i} for i, row in enumerate(rows)]


def of_schema(schema: int, rows: list[Row], n_later: int | None = None) -> list[Row]:
    """The same trials as an older lockbench wrote them, with the first n_later further columns (None: the fewest)."""
    later = [c for c in columns.required(schema) if c not in columns.FIRST] if n_later is None else [
        column.name for column in columns.LATER[:n_later]]
    return [{**{c: row[c] for c in [*columns.FIRST, *later]}, "schema": schema} for row in rows]


def write(folder: Path, rows: list[Row], host: dict[str, Any] | None = None) -> Path:
    """Writes results.csv, and host.json if given; returns the folder."""
    with (folder / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else columns.NAMES, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    if host is not None:
        (folder / "host.json").write_text(json.dumps(host))
    return folder


class FolderTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)


def script(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs that verb of scripts/py as a user would."""
    return subprocess.run([sys.executable, SCRIPTS / "verb.py", name, *arguments], capture_output=True, text=True,
                          timeout=60)


def call(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The same within this process, which has loaded what takes a script a second to load."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = verb.run(name, list(map(str, arguments)))
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return subprocess.CompletedProcess([name, *arguments], code, out.getvalue(), err.getvalue())


HOST = {"host": "testhost", "cpu_model": "Test CPU 3000", "hypervisor": "kvm", "n_cpus_allowed": 2,
        "warnings": ["the frequency governor is unknown"]}
