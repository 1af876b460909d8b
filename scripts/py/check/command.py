# SPDX-License-Identifier: MIT
"""Builds and runs everything that there is for a lock, also for one that has just been added (docs/adding-a-lock.md),
and says what is wrong and what to do. Writes its line in locks/README.md and, with GenMC on the PATH, its rows in
results/orders.csv. Exit codes: 0 all is well, 1 something is wrong with a lock, 2 wrong usage."""

from __future__ import annotations

import argparse
import difflib
import re
import time
from pathlib import Path

from check import steps
from check.steps import Lock, Result
from checkers import genmc
from checkers import orders
from common.program import Parser, UserError

LIST = "locks/meson.build"


def refuse_unknown(names: list[str]) -> None:
    """One line for the user if one of them is no lock that can be checked."""
    listed = orders.listed_locks()
    for name in names:
        header = orders.LOCKS / f"{name}.h"
        if not re.fullmatch(r"[a-z]\w*", name):
            raise UserError(f"'{name}' is no lock's name: give the header's without its folder and .h, as 'mcs'")
        if name in listed and header.exists():
            if why := genmc.why_not(header.read_text()):
                raise UserError(f"{name} is {why}: there is nothing to check")
        elif name in listed:
            raise UserError(f"{LIST} lists '{name}', but there is no locks/{name}.h")
        elif header.exists() and not name.startswith("lk"):
            raise UserError(f"locks/{name}.h is not in the list: add the line '{name}', to `locks` in {LIST}")
        else:
            near = difflib.get_close_matches(name, [name for name in listed if not name.startswith("pthread_")], 1)
            others = f"the nearest is '{near[0]}'" if near else "locks/README.md lists those that there are"
            raise UserError(f"there is no lock '{name}'; {others}. A new one is locks/{name}.h and a line in {LIST}")


def tell(result: Result, seconds: float) -> None:
    print(f"{result.step:12s} {result.verdict:8s} {result.text}  ({seconds:.0f} s)", flush=True)
    for line in result.details:
        print(f"    {line}")
    for line in result.advice:
        print(f"  what to do: {line}")


def check(lock: Lock) -> bool:
    print(f"{lock.name}: locks/{lock.name}.h, built in {lock.build}", flush=True)
    wrong: list[str] = []
    for step in steps.STEPS:
        if steps.NEEDED.intersection(wrong) or wrong and step is steps.memory_orders:
            break  # what follows would only say it again, in other words
        begun = time.monotonic()
        for result in step(lock):
            tell(result, time.monotonic() - begun)
            if result.verdict == steps.WRONG:
                wrong.append(result.step)
    print(f"{lock.name}: wrong: {', '.join(wrong)}" if wrong else f"{lock.name}: all is well", flush=True)
    return not wrong


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/check", __doc__, usage="scripts/check [--build DIR] LOCK...")
    parser.add_argument("--build", metavar="DIR", type=Path, default=Path("build/release"),
                        help="made by meson, relative to the project; build/release if left out")
    parser.add_argument("--dry", action="store_true", help=argparse.SUPPRESS)  # the folder, if these can be checked
    parser.add_argument("locks", metavar="LOCK", nargs="+")
    options = parser.parse_args(arguments)
    refuse_unknown(options.locks)
    if options.dry:
        print(options.build)
        return 0
    # All of them, whatever comes of the first.
    are_right = [check(Lock(name, options.build)) for name in dict.fromkeys(options.locks)]
    return 0 if all(are_right) else 1
