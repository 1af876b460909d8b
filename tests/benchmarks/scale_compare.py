#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How long scripts/compare takes for a million rows, and how much memory: 30 locks in 238 cells on 20 machines.

A benchmark, not a test: `meson test --benchmark`. Fails above 60 s or 2 GiB. The CSV, about 300 MB, goes into a
temporary folder. Arguments are handed to compare (default: every lock against each other, written as CSV).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))

import support  # noqa: E402

N_LOCKS, N_MACHINES, N_THREADS, N_SECTIONS, N_REPETITIONS = 30, 20, 17, 14, 7
MAX_S, MAX_GIB = 60, 2


def write(path: Path) -> int:
    """Plausible rows, fast: all but seven fields of a row come from one template. Returns the number of rows."""
    rng = np.random.default_rng(1)
    row = support.trial(rng, "mcs", 2)
    changing = ["lock", "threads", "cs_ns", "ops_per_s", "repetition", "order_index", "line_ns", "host", "run_id",
                "topology_hash"]
    row.update({name: f"{{{name}}}" for name in changing})
    template = ",".join(str(row[name]) for name in support.columns.NAMES) + "\n"
    speeds = rng.lognormal(16, 0.3, N_LOCKS)
    n_rows = 0
    with path.open("w") as file:
        file.write(",".join(support.columns.NAMES) + "\n")
        for machine in range(N_MACHINES):
            shape = (N_THREADS, N_SECTIONS, N_LOCKS, N_REPETITIONS)
            noise = rng.lognormal(0, 0.05, shape)
            for order, at in enumerate(rng.permutation(noise.size)):
                threads, section, lock, repetition = np.unravel_index(at, shape)
                file.write(template.format(
                    lock=f"lock_{lock}", threads=threads + 1, cs_ns=50 * section, repetition=repetition + 1,
                    ops_per_s=f"{speeds[lock] * noise[threads, section, lock, repetition] / (threads + 1):.9g}",
                    order_index=order, line_ns=40 + repetition, host=f"machine{machine}",
                    run_id=f"2026-01-{machine + 1:02}", topology_hash=f"{machine:016x}"))
            n_rows += noise.size
    return n_rows


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="lockbench-scale-") as folder:
        csv, out = Path(folder) / "results.csv", Path(folder) / "out"
        n_rows = write(csv)
        start = time.monotonic()
        with out.open("w") as file:
            code = subprocess.run([ROOT / "scripts" / "compare", csv, *(arguments or ["--format", "csv"])],
                                  stdout=file, check=False).returncode
        wall_s = time.monotonic() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        peak_gib = used.ru_maxrss / 2 ** 20
        print(f"{n_rows} rows, {csv.stat().st_size / 1e6:.0f} MB in, {out.stat().st_size / 1e6:.0f} MB out: "
              f"{wall_s:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of CPU, load {os.getloadavg()[0]:.0f}), "
              f"{peak_gib:.2f} GiB")
    return 0 if code == 0 and wall_s < MAX_S and peak_gib < MAX_GIB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
