#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each lock as programs use it: every_lock.py CC CXX [LOCK...], without names all of locks/meson.build.

It is compiled into facade.c, static initialiser and all, and standard.cc, and both are run.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
FLAGS = ["-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'locks'}", "-pthread"]
TIMEOUT_S = 60  # of the program: a lock that hangs is a failure, not a wait
LEFT_OUT = {"empty", "counter",  # they exclude no thread
            "seqlock"}  # its readers retry: there is nothing to leave


def all_locks() -> list[str]:
    text = (ROOT / "locks" / "meson.build").read_text()
    match = re.search(r"^locks = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert match is not None
    return [name for name in re.findall(r"'(\w+)'", match[1]) if name not in LEFT_OUT]


def complaint(compiler: str, source: str, standard: str, lock: str) -> str:
    """What is wrong with the lock in this program; nothing if all is well."""
    init = f"LK_{lock.upper()}_INIT"
    has_init = re.search(rf"^#define {init}\b", (ROOT / "locks" / f"{lock}.h").read_text(), re.MULTILINE)
    defines = [f"-DLK={lock}", *([f"-DINIT={init}"] if has_init else [])]
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/program"
        built = subprocess.run([*shlex.split(compiler), standard, *FLAGS, *defines, str(HERE / source), "-o", program],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if built.returncode != 0:
            return f"{lock}: {source} does not compile:\n{built.stdout}"
        try:
            ran = subprocess.run([program], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                 timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"{lock}: {source} hangs"
    return "" if ran.returncode == 0 else f"{lock}: {source} returns {ran.returncode}: {ran.stdout}"


def main() -> int:
    cc, cxx, *names = sys.argv[1:]
    names = names or all_locks()
    tasks = [(cc, "facade.c", "-std=c11", name) for name in names]
    tasks += [(cxx, "standard.cc", "-std=c++17", name) for name in names]
    with ThreadPoolExecutor(2) as pool:
        complaints = [text for text in pool.map(lambda task: complaint(*task), tasks) if text]
    print("\n".join(complaints))
    print(f"{len(tasks)} programs, {len(complaints)} failed")
    return 1 if complaints or not tasks else 0


if __name__ == "__main__":
    sys.exit(main())
