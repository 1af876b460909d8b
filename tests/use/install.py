#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs a build into a folder and uses it from there: install.py BUILD CC CXX

The examples are compiled against it, one in C, one in C++; the program, the scripts and the manual page are there.
"""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMMANDS = ("run", "seed", "stress", "exec", "list", "topology")


def run(command: list[str], **options: object) -> str:
    """What it says; its failure is ours."""
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            check=False, timeout=120, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, f"{' '.join(map(str, command))}: exit code {result.returncode}:\n{result.stdout}"
    return str(result.stdout)


def only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    assert len(found) == 1, f"{pattern}: {len(found)} of it are installed: {found}"
    return found[0]


def check_examples(prefix: Path, destination: Path, cc: str, cxx: str) -> None:
    environment = {**os.environ, "PKG_CONFIG_PATH": str(only(destination, "lockbench.pc").parent),
                   "PKG_CONFIG_SYSROOT_DIR": str(destination)}
    flags = shlex.split(run(["pkg-config", "--cflags", "--libs", "lockbench"], env=environment))
    assert any(str(prefix / "include") in flag for flag in flags), f"pkg-config says {flags}"
    for compiler, standard, name in ((cc, "-std=c11", "thread_pool.c"), (cxx, "-std=c++17", "hash_table.cc")):
        program = destination / Path(name).stem
        source = str(ROOT / "examples" / name)
        run([*shlex.split(compiler), standard, "-O1", *WARNINGS, source, *flags, "-o", str(program)])
        print(f"{name}: {run([str(program)])}", end="")


def check_program(prefix: Path) -> None:
    program = prefix / "bin" / "lockbench"
    assert run([str(program), "--version"]).startswith("lockbench ")
    manual = only(prefix, "lockbench.1*").read_text()
    for command in COMMANDS:
        assert command in run([str(program), "--help"]) and f".B {command}\n" in manual, f"{command}: not in the manual"
    table = min((ROOT / "results").glob("*/results.csv"))  # of those in git, always the same one
    with table.open() as rows:
        lock = next(csv.DictReader(rows))["lock"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    said = run([str(prefix / "bin" / "lockbench-summary"), str(table.parent)], cwd="/", env=environment)
    assert lock in said, f"lockbench-summary says {said}"
    tried = subprocess.run([str(prefix / "bin" / "lockbench-try"), "--locks", "nosuch", "--", "true"], cwd=prefix,
                           env=environment, text=True, stderr=subprocess.PIPE, check=False, timeout=120)
    assert (tried.returncode, tried.stderr.count("\n")) == (2, 1), f"lockbench-try says {tried.stderr}"


def main() -> int:
    build, cc, cxx = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        destination = Path(name)
        run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", name])
        prefix = only(destination, "lockbench.pc").parents[2]
        check_examples(prefix, destination, cc, cxx)
        check_program(prefix)
    print("installed, and used from there")
    return 0


if __name__ == "__main__":
    sys.exit(main())
