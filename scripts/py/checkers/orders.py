# SPDX-License-Identifier: MIT
"""Weakens each memory order of each lock by one step and asks the checkers: an order that no checker misses is too
strong, or the comment beside it must say why it is kept. Writes results/orders.csv."""

from __future__ import annotations

import argparse
import csv
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Iterable

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
SEARCH, LONG_SEARCH = 100_000, 1_000_000  # executions of each of Relacy's clients
Key = tuple[str, str, str, str]
Checker = Callable[[Mutant, Path], Iterable[tuple[str, Outcome]]]


@dataclass(frozen=True)
class Row:
    """A line of the table. `checker` and `found`: which one caught it, and as what; or why the order is kept."""

    mutant: Mutant
    verdict: str  # caught, kept, survived, unfinished or failed
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


def all_locks() -> list[str]:
    """Those of THE list that are ours."""
    listed = re.findall(r"^  '(\w+)',", (LOCKS / "meson.build").read_text(), re.MULTILINE)
    return [name for name in listed if (LOCKS / f"{name}.h").exists() and genmc.why_not(text_of(name)) is None]


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


def verdict_on(mutant: Mutant, checkers: list[Checker]) -> Row:
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
    return Row(mutant, *doubts[0]) if doubts else Row(mutant, "survived", "", "")


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
    return row, f"weaken it, or say why not: 'order-kept {row.mutant.lost}: ...' in the comment before it"


def write(path: Path, rows: list[Row], old: dict[Key, dict[str, str]], locks: list[str]) -> None:
    """Rows of locks that were not asked for stay."""
    tables = {lock: [row.cells() for row in rows if row.mutant.lock == lock] for lock in locks}
    for key, cells in old.items():
        if key[0] not in locks:
            tables.setdefault(key[0], []).append(cells)
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile("w", newline="", encoding="utf-8", dir=path.parent, delete=False) as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        order = [name for name in all_locks() if name in tables]
        writer.writerows(cells for name in order for cells in tables[name])
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


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


def examine(mutants: list[Mutant], checkers: list[Checker], jobs: int, has_genmc: bool) -> tuple[list[Row], int]:
    """The rows, and how many of them are not settled; prints each as it comes."""
    old = earlier(TABLE)
    rows, n_wrong = [], 0
    with ThreadPoolExecutor(jobs) as pool:
        for found in pool.map(lambda mutant: verdict_on(mutant, checkers), mutants):
            row, wrong = settle(found, old.get(found.key(), {}), has_genmc)
            rows.append(row)
            n_wrong += wrong != ""
            print(row, f"\n  {wrong}" if wrong else "", sep="", flush=True)
    return rows, n_wrong


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
    with tempfile.TemporaryDirectory() as folder:
        rows, n_wrong = examine(mutants, checkers_in(Path(folder), options.timeout), options.jobs, has_genmc)
    if not options.dry:
        write(TABLE, rows, earlier(TABLE), options.locks)
    verdicts = [row.verdict for row in rows]
    counts = ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts))
    print(f"{len(rows)} weaker orders: {counts}")
    return 1 if n_wrong else 0
