# SPDX-License-Identifier: MIT
"""Weakens each memory order of each lock by one step and asks the checkers: an order that no checker misses is too
strong, or the comment beside it must say why it is kept. A lock that is broken as it is, or has an atomic without an
order, is told of instead. Writes results/orders.csv, whole, and only if each order is settled."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import re
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterable, Iterator

from checkers import explicit
from checkers import genmc
from checkers import sites
from checkers import relacy
from checkers.genmc import ROOT, Outcome
from checkers.sites import Mutant
from common.program import Parser, UserError

LOCKS = ROOT / "locks"
TABLE = ROOT / "results" / "orders.csv"
COLUMNS = ["lock", "site", "order", "weaker", "verdict", "checker", "found"]
SKIPPED = 77
INTERRUPTED = 130
SEARCH, LONG_SEARCH = 100_000, 1_000_000  # executions of each of Relacy's clients
Key = tuple[str, str, str, str]
Checker = Callable[[Mutant, Path], Iterable[tuple[str, Outcome]]]


@dataclass(frozen=True)
class Row:
    """A line of the table. `checker` and `found`: which one caught it, and as what; or why the order is kept."""

    mutant: Mutant
    verdict: str  # caught, kept, survived, undecided (by Relacy alone), unfinished or failed
    checker: str
    found: str

    def key(self) -> Key:
        return self.mutant.lock, self.mutant.site, self.mutant.order, self.mutant.weaker

    def is_settled(self) -> bool:
        return self.verdict in ("caught", "kept")

    def cells(self) -> dict[str, str]:
        return dict(zip(COLUMNS, (*self.key(), self.verdict, self.checker, self.found)))

    def __str__(self) -> str:
        where = f"{self.mutant.lock}.h:{self.mutant.line} {self.mutant.site}"
        why = ": ".join(filter(None, (self.checker, self.found)))
        return f"{self.verdict:10s} {where}: {self.mutant.order} -> {self.mutant.weaker}" + (f" ({why})" if why else "")


def listed_locks() -> list[str]:
    """THE list."""
    return re.findall(r"^  '(\w+)',", (LOCKS / "meson.build").read_text(), re.MULTILINE)


def all_locks() -> list[str]:
    """Those of THE list that are ours."""
    return [name for name in listed_locks() if (LOCKS / f"{name}.h").exists() and genmc.why_not(text_of(name)) is None]


def text_of(lock: str) -> str:
    return (LOCKS / f"{lock}.h").read_text()


def small_proofs(mutant: Mutant) -> list[genmc.Task]:
    tasks = genmc.tasks_of(mutant.lock, mutant.source)
    return list(dict.fromkeys(replace(task, size=min(task.size, genmc.TWO)) for task in tasks))


def proofs(mutant: Mutant) -> list[genmc.Task]:
    return genmc.tasks_of(mutant.lock, mutant.source)


def hunts(mutant: Mutant) -> list[genmc.Task]:
    return genmc.hunts_of(mutant.lock, mutant.source)


def by_genmc(tasks_of: Callable[[Mutant], list[genmc.Task]], timeout_s: int) -> Checker:
    def check(mutant: Mutant, folder: Path) -> Iterable[tuple[str, Outcome]]:
        for task in tasks_of(mutant):
            yield (f"genmc {task.client.name} {task.model}, {task.size}",
                   genmc.run(task, [folder, LOCKS], timeout_s))
    return check


def by_relacy(checker: relacy.Relacy, n_executions: int, timeout_s: int) -> Checker:
    def check(mutant: Mutant, folder: Path) -> Iterable[tuple[str, Outcome]]:
        yield "relacy", checker.run(mutant.lock, [folder], timeout_s, n_executions)
    return check


def checkers_in(folder: Path, timeout_s: int) -> list[Checker]:
    """What catches most in the shortest time comes first."""
    has_genmc = genmc.program() is not None
    checkers = [by_genmc(small_proofs, timeout_s)] if has_genmc else []
    if relacy.is_here():
        checker = relacy.Relacy(folder)
        checkers.append(by_relacy(checker, SEARCH, timeout_s))
        if has_genmc:  # without it earlier verdicts stand
            checkers.append(by_relacy(checker, LONG_SEARCH, timeout_s))
    return checkers + [by_genmc(tasks_of, timeout_s) for tasks_of in (proofs, hunts) if has_genmc]


def as_it_is(lock: str) -> Mutant:
    """The lock without any change, for the checkers."""
    return Mutant(lock, "", 0, "", "", "", "", text_of(lock), True)


def first_fault(lock: str, checkers: list[Checker]) -> str:
    """What keeps a lock from being looked at, for the user; empty: nothing."""
    if explicit.compiler() is not None and (implicit := explicit.faults_of(LOCKS / f"{lock}.h")):
        return "\n  ".join(implicit)
    for checker in checkers:
        for who, outcome in checker(as_it_is(lock), LOCKS):
            if outcome.verdict in ("caught", "failed"):
                what = "is broken as it is: repair it first" if outcome.verdict == "caught" else "cannot be checked"
                return f"{lock}.h {what}: {who}: {outcome.text}"
    return ""


def verdict_on(mutant: Mutant, checkers: list[Checker], has_genmc: bool) -> Row:
    """Caught if any checker catches it."""
    if not mutant.is_c11:
        return Row(mutant, "kept", "", "C11 allows no failure stronger than success")
    doubts = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{mutant.lock}.h").write_text(mutant.source)
        for checker in checkers:
            for name, outcome in checker(mutant, folder):
                if outcome.verdict == "caught":
                    return Row(mutant, "caught", name, outcome.text)
                if outcome.verdict != "proven":
                    doubts.append((outcome.verdict, name, outcome.text))
    failed = [doubt for doubt in doubts if doubt[0] == "failed"]
    if failed:
        return Row(mutant, *failed[0])
    if mutant.reason:
        return Row(mutant, "kept", "", mutant.reason)
    if doubts:
        return Row(mutant, *doubts[0])
    return Row(mutant, "survived" if has_genmc else "undecided", "", "")


def earlier(path: Path) -> dict[Key, dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["lock"], row["site"], row["order"], row["weaker"]): row for row in csv.DictReader(file)}


def settle(row: Row, old: dict[str, str], has_genmc: bool) -> tuple[Row, str]:
    """The row for the table, and what is wrong with it."""
    if row.verdict == "caught" and row.mutant.reason:
        return row, f"the reason 'order-kept {row.mutant.lost}' is refuted: {row.checker} catches it"
    if row.is_settled():
        return row, ""
    if not has_genmc and old.get("verdict") == "caught":  # Relacy alone sees less
        return Row(row.mutant, "caught", old["checker"], old["found"]), ""
    if row.verdict == "survived":
        return row, f"weaken it, or say why not: 'order-kept {row.mutant.lost}: ...' in the comment before it"
    return row, ""


def is_wrong(rows: list[Row]) -> bool:
    return any(row.verdict in ("survived", "unfinished", "failed") for row in rows)


def write(path: Path, rows: list[Row], old: dict[Key, dict[str, str]], locks: list[str]) -> None:
    """Rows of locks that were not asked for stay. Whatever happens, the file is the old or the new one."""
    tables = {lock: [row.cells() for row in rows if row.mutant.lock == lock] for lock in locks}
    for key, cells in old.items():
        if key[0] not in locks:
            tables.setdefault(key[0], []).append(cells)
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".orders-") as folder:
        written = Path(folder) / path.name
        with written.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            order = [name for name in all_locks() if name in tables]
            writer.writerows(cells for name in order for cells in tables[name])
        written.chmod(0o644)
        written.replace(path)


def parse(arguments: list[str]) -> argparse.Namespace:
    def positive(text: str) -> int:
        if not re.fullmatch(r"[1-9]\d{0,5}", text):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999999")
        return int(text)

    parser = Parser("scripts/check-orders", __doc__)
    parser.add_argument("--locks", metavar="NAMES", help="with commas; all of ours if left out")
    parser.add_argument("--jobs", metavar="N", type=positive, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", metavar="S", type=positive, default=60, help="of one run of a checker")
    parser.add_argument("--dry", action="store_true", help="do not write results/orders.csv")
    options = parser.parse_args(arguments)
    known = all_locks()
    options.locks = known if options.locks is None else options.locks.split(",")
    for name in options.locks:
        if name not in known:
            raise UserError(f"--locks: {name!r} is not a lock of ours; they are {', '.join(known)}")
    return options


@contextlib.contextmanager
def workers(n: int) -> Iterator[ThreadPoolExecutor]:
    """Who leaves early begins nothing more."""
    pool = ThreadPoolExecutor(n)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def sort_out(locks: list[str], checkers: list[Checker], jobs: int) -> list[str]:
    """Those that are right as they are; tells of the others."""
    with workers(jobs) as pool:
        faults = dict(zip(locks, pool.map(lambda lock: first_fault(lock, checkers), locks)))
    for fault in filter(None, faults.values()):
        print(f"broken     {fault}", flush=True)
    return [lock for lock in locks if not faults[lock]]


def examine(mutants: list[Mutant], checkers: list[Checker], jobs: int, has_genmc: bool) -> tuple[list[Row], bool]:
    """The rows, and whether something is wrong with one; prints each as it comes."""
    old = earlier(TABLE)
    rows, all_right = [], True
    with workers(jobs) as pool:
        for found in pool.map(lambda mutant: verdict_on(mutant, checkers, has_genmc), mutants):
            row, wrong = settle(found, old.get(found.key(), {}), has_genmc)
            rows.append(row)
            all_right &= wrong == ""
            print(row, f"\n  {wrong}" if wrong else "", sep="", flush=True)
    return rows, all_right and not is_wrong(rows)


def check(options: argparse.Namespace, mutants: list[Mutant], has_genmc: bool) -> int:
    with tempfile.TemporaryDirectory() as folder:
        checkers = checkers_in(Path(folder), options.timeout)
        right = sort_out(options.locks, checkers[:1 + has_genmc], options.jobs)
        rows, all_right = examine([mutant for mutant in mutants if mutant.lock in right], checkers, options.jobs,
                                  has_genmc)
    all_right &= right == options.locks
    counts = Counter(row.verdict for row in rows)
    print(f"{len(rows)} weaker orders: " + (", ".join(f"{n} {verdict}" for verdict, n in counts.items()) or "none"))
    is_settled = all_right and all(row.is_settled() for row in rows)
    if counts["undecided"]:
        print("undecided: Relacy alone misses more than GenMC does; install genmc to decide them")
    if is_settled and not options.dry:
        write(TABLE, rows, earlier(TABLE), options.locks)
    elif not options.dry:
        print("results/orders.csv is left as it was")
    return 0 if all_right else 1


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        mutants = [mutant for name in options.locks for mutant in sites.mutants_of(name, text_of(name))]
    except sites.Misplaced as error:
        raise UserError(str(error)) from None
    has_genmc = genmc.program() is not None
    if not has_genmc and not relacy.is_here():
        print("check-orders: neither genmc is on the PATH nor Relacy's headers are there: nothing was checked")
        return SKIPPED
    try:
        return check(options, mutants, has_genmc)
    except KeyboardInterrupt:
        print("check-orders: interrupted; results/orders.csv is left as it was", file=sys.stderr)
        return INTERRUPTED
