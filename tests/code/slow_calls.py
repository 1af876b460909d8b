#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A call in the timed loop of a lock is told once, and with it where to put it: slow_calls.py OBJDUMP COMPILER
[ARGUMENT...]
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["-std=gnu11", "-D_GNU_SOURCE", "-DLK=ttas", "-w", "-O2", "-c",
           *(f"-I{ROOT / folder}" for folder in (".", "src", "src/trial", "locks"))]

# What ttas's trylock does first, and what is said of the loops that inline it.
CALLS = {
    "sched_yield();": r"calls sched_yield, as do \d+ of \d+ loops: put the slow path that does so into a function of "
                      "its own that is LK_COLD",
    "lk_ttas_slow(lock);": r"calls lk_ttas_slow, as do \d+ of \d+ loops: inline it, or declare it LK_COLD if it is a "
                           "slow path",
    "lk_ttas_cold(lock);": "",
}
SLOW = """#include <sched.h>
__attribute__((noinline)) static void lk_ttas_slow(struct lk_ttas *lock) { LK_CANARY_CHECK(lock), sched_yield(); }
LK_COLD static void lk_ttas_cold(struct lk_ttas *lock) { lk_ttas_slow(lock); }
"""


def header_that_calls(call: str) -> str:
    trylock = "static inline bool lk_ttas_trylock"
    text = (ROOT / "locks" / "ttas.h").read_text()
    changed, n = re.subn(rf"({trylock}\(.*\n  \(void\)ctx;\n)", rf"{SLOW}\1  {call}\n", text)
    assert n == 1, f"ttas.h has no {trylock} that begins with (void)ctx"
    return changed


def said_of_loops(objdump: str, compiler: list[str], call: str) -> str:
    """What hot_loop.py says of a ttas that does this in its trylock."""
    with tempfile.TemporaryDirectory() as folder:
        library = f"{folder}/liblk_ttas.a"
        (Path(folder) / "ttas.h").write_text(header_that_calls(call))
        subprocess.run([*compiler, *OPTIONS, f'-DLK_HEADER="{folder}/ttas.h"', "-o", library,
                        str(ROOT / "src" / "trial" / "instance.c")], check=True)
        return subprocess.run([sys.executable, str(Path(__file__).parent / "hot_loop.py"), objdump, library], text=True,
                              check=False, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL).stderr


def main() -> int:
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda call: said_of_loops(sys.argv[1], sys.argv[2:], call), CALLS))
    wrong = [f"ttas whose trylock begins with {call} gets: {text or 'nothing'}" for call, text in zip(CALLS, said)
             if re.search(CALLS[call], text) is None or len(text.splitlines()) != (CALLS[call] != "")]
    print("\n".join(wrong) if wrong else f"{len(CALLS)} calls are told, or allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
