#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Formatting and lints over the tree: lint.py format|shell|flake8|mypy|licence

Exit code 77, a skipped test, where the tool is not installed or is another version than the one the tree is kept by.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("locks", "src", "bench", "tests", "scripts", ".ci")
SKIPPED = 77
CLANG_FORMAT = 14  # versions differ in what they make of the same .clang-format


def files() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                  if path.is_file() and "__pycache__" not in path.parts and ".mypy_cache" not in path.parts)


def shebang(path: Path) -> str:
    with path.open("rb") as file:
        first = file.readline(200)
    return first.decode(errors="replace") if first.startswith(b"#!") else ""


def c_files() -> list[str]:
    return [str(path) for path in files() if path.suffix in (".c", ".h", ".cc")]


def shell_files() -> list[str]:
    return [str(path) for path in files() if path.suffix == ".sh" or re.search(r"\b(ba)?sh\b", shebang(path))]


def python_files() -> list[str]:
    return [str(path) for path in files() if path.suffix == ".py" or "python" in shebang(path)]


def skip(why: str) -> int:
    print(f"skipped: {why}")
    return SKIPPED


def run(command: list[str], given: list[str], folder: Path = ROOT, **environment: str) -> int:
    if not given:
        print("there is nothing to look at")
        return 1
    print(f"{' '.join(command)}: {len(given)} files", flush=True)
    return subprocess.run([*command, *given], cwd=folder, env={**os.environ, **environment}, check=False).returncode


def python_tool(name: str) -> list[str]:
    """The tool, as a program of its own or as a module of some Python that is here; empty if it is not."""
    for command in ([name], [sys.executable, "-m", name], ["/usr/bin/python3", "-m", name]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            return command
    return []


def check_format() -> int:
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if shutil.which(name) is None:
            continue
        version = subprocess.run([name, "--version"], text=True, stdout=subprocess.PIPE, check=False).stdout
        if f"version {CLANG_FORMAT}." in version:
            return run([name, "--dry-run", "-Werror"], c_files())
    return skip(f"no clang-format {CLANG_FORMAT}")


def check_shell() -> int:
    if shutil.which("shellcheck") is None:
        return skip("no shellcheck")
    return run(["shellcheck", "--external-sources", "--source-path=SCRIPTDIR"], shell_files())


def check_flake8() -> int:
    tool = python_tool("flake8")
    return run([*tool, "--max-line-length=120"], python_files()) if tool else skip("no flake8")


def check_mypy() -> int:
    """The packages of scripts/py together; each other folder by itself, since their modules are called alike. What
    several import is read once."""
    tool = python_tool("mypy")
    if not tool:
        return skip("no mypy")
    options = ["--ignore-missing-imports", "--disallow-untyped-defs", "--scripts-are-modules",
               "--explicit-package-bases"]
    packages = ROOT / "scripts" / "py"
    folders: dict[Path, list[str]] = {}
    for name in python_files():
        folders.setdefault(packages if packages in Path(name).parents else Path(name).parent, []).append(name)
    with tempfile.TemporaryDirectory() as kept:
        return max(run([*tool, *options, f"--cache-dir={kept}"], group, folder, MYPYPATH=f"{folder}:{packages}")
                   for folder, group in folders.items())


def check_licence() -> int:
    suffixes = {".c", ".h", ".cc", ".py", ".sh", ".build", ".js", ".css", ".go", ".rs", ".toml"}
    missing = [path for path in files() if path.suffix in suffixes or path.name == "meson.build" or shebang(path)
               if b"SPDX-License-Identifier: MIT" not in path.read_bytes()[:300]]
    for path in missing:
        print(f"{path.relative_to(ROOT)}: no SPDX line on top")
    return 1 if missing else 0


CHECKS: dict[str, Callable[[], int]] = {"format": check_format, "shell": check_shell, "flake8": check_flake8,
                                        "mypy": check_mypy, "licence": check_licence}

if __name__ == "__main__":
    sys.exit(CHECKS[sys.argv[1]]())
