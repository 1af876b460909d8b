# SPDX-License-Identifier: MIT
"""Runs real programs under each lock, under the system's, and under those passed through exec, interleaved, and says
which locks make them faster."""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterable, NamedTuple

from common.program import Parser, UserError
from common.units import plural
from compare import tables
from programs import catalogue, judging, runs
from programs.catalogue import Program
from programs.runs import COLUMNS, PASS, REFERENCES, SYSTEM, TWIN, Lock
from results.reading import ResultsError

EPILOG = f"""\
Each program runs under each of our locks through `lockbench exec`, through exec without one ({PASS}, and the same again
as {TWIN}: what these differ by is nothing), and as it is ({SYSTEM}). The table is compare's. A program that is not
there is skipped by name. Exit codes: 0 good, 1 a run failed, 2 wrong usage or nothing to run, 130 interrupted."""
# A cell that failed so often in the beginning is not run again: it would cost its limit each time.
GIVEN_UP = 2
INTERRUPTED = 130


class Cell(NamedTuple):
    program: Program
    lock: Lock
    threads: int


def count(low: int, high: int) -> Any:
    def read(text: str) -> int:
        if not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} given, allowed: {low} to {high}")
        return int(text)
    return read


def words(text: str) -> list[str]:
    found = list(dict.fromkeys(text.split(",")))
    if "" in found:
        raise argparse.ArgumentTypeError(f"{text!r} given, allowed: names with commas between them")
    return found


def parse(arguments: list[str]) -> argparse.Namespace:
    n_cpus = len(os.sched_getaffinity(0))
    names = ", ".join(program.name for program in catalogue.PROGRAMS)
    parser = Parser("scripts/programs", __doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
                    usage="scripts/programs [--install] [OPTION...]")
    parser.add_argument("lockbench", help=argparse.SUPPRESS)
    parser.add_argument("--install", action="store_true", help="installs the Debian packages of the programs first")
    parser.add_argument("--packages", action="store_true", help="only prints the Debian packages of the programs")
    parser.add_argument("--programs", type=words, metavar="NAMES", help=f"{names} (default: all)")
    parser.add_argument("--locks", type=words, metavar="NAMES",
                        help="locks of ours (default: all that exec has; those that only spin, and in order, where "
                             "there is a CPU for each thread)")
    parser.add_argument("--threads", type=words, metavar="N,N", default=[str(n_cpus), str(4 * n_cpus)],
                        help=f"of each program (default: {n_cpus},{4 * n_cpus})")
    parser.add_argument("--repetitions", type=count(1, 1000), default=7, metavar="N",
                        help="fewer than 7 show nothing (default: %(default)s)")
    parser.add_argument("--timeout", type=count(1, 3600), default=20, metavar="S",
                        help="seconds after which a run has failed (default: %(default)s)")
    parser.add_argument("--against", metavar="LOCK", default=PASS,
                        help=f"which the others are held against: {SYSTEM} or a lock, too (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="to create (default: results/programs-DATE), or one of the same command, which then goes "
                             "on where it was interrupted")
    options = parser.parse_args(arguments)
    try:
        options.threads = [count(1, 1024)(text) for text in options.threads]
    except argparse.ArgumentTypeError as error:
        parser.error(f"argument --threads: {error}")
    options.out = options.out or Path("results") / datetime.now().strftime("programs-%Y-%m-%dT%H%M%S")
    return options


def chosen_programs(names: list[str] | None) -> list[Program]:
    by_name = {program.name: program for program in catalogue.PROGRAMS}
    for name in names or ():
        if name not in by_name:
            raise UserError(f"--programs: unknown program {name!r}; allowed: {', '.join(by_name)}")
    return [by_name[name] for name in names] if names else list(catalogue.PROGRAMS)


def present(programs: Iterable[Program]) -> list[Program]:
    found = []
    for program in programs:
        if program.is_there:
            found.append(program)
        else:
            print(f"skipped: {program.name}, since there is no {program.needs}; Debian: apt-get install "
                  f"{program.package}, or scripts/programs --install", file=sys.stderr)
    if not found:
        raise UserError("none of the programs is there; scripts/programs --install installs them")
    return found


def chosen_locks(lockbench: str, names: list[str] | None) -> list[Lock]:
    """Those that exec can put into a program; asked of it rather than listed here once more."""
    listed = subprocess.run([lockbench, "list", "--json"], text=True, check=True, stdout=subprocess.PIPE).stdout
    locks = {lock["name"]: Lock(lock["name"], lock["kind"], lock["fifo"], lock["waits"]) for lock in json.loads(listed)
             if lock["source"] == "ours" and lock["kind"] != "baseline"}
    found = []
    for name in names or locks:
        if name in (lock.name for lock in REFERENCES):
            raise UserError(f"--locks: {name} is run in any case; allowed: locks of ours, `lockbench list` names them")
        tried = subprocess.run([lockbench, "exec", "--lock", name, "--", "true"], text=True, check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if tried.returncode == 0 and name in locks:
            found.append(locks[name])
        elif names:
            raise UserError(tried.stderr.strip().splitlines()[0].removeprefix("lockbench: exec: "))
    return found


def cells(programs: Iterable[Program], locks: list[Lock], threads: list[int], is_chosen: bool) -> list[Cell]:
    """Locks that are asked for by name are run whatever comes of it."""
    n_cpus = len(os.sched_getaffinity(0))
    found = []
    for program in programs:
        for n in threads:
            found += [Cell(program, lock, n) for lock in REFERENCES]
            found += [Cell(program, lock, n) for lock in locks
                      if lock.kind == program.locks and (is_chosen or n <= n_cpus or not lock.collapses)]
    return found


def describe_machine(lockbench: str, programs: Iterable[Program], arguments: list[str]) -> dict[str, Any]:
    """host.json, as far as it is told without a run of lockbench's own."""
    version = subprocess.run([lockbench, "--version"], text=True, check=True, stdout=subprocess.PIPE).stdout.strip()
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), None)
    return {"host": platform.node(), "cpu_model": model, "n_cpus_allowed": len(os.sched_getaffinity(0)),
            "kernel": f"Linux {platform.release()}", "libc": " ".join(platform.libc_ver()), "lockbench": version,
            "packages": {program.package: _package_version(program.package) for program in programs},
            "arguments": arguments}


def _package_version(package: str) -> str | None:
    if shutil.which("dpkg-query") is None:
        return None
    asked = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return asked.stdout or None


def open_folder(path: Path, host: dict[str, Any]) -> bool:
    """Creates it, or goes on with one that the same command has made on this machine: then True. Raises UserError."""
    known = path / "host.json"
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        try:
            is_same = _command(json.loads(known.read_text(encoding="utf-8"))) == _command(host)
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"--out: {path}: File exists; give a folder that can be created") from None
        if not is_same:
            raise UserError(f"--out: {path} is of another command, machine or lockbench, which alone could go on with "
                            "it; give a folder that can be created") from None
        return True
    except OSError as error:
        raise UserError(f"--out: {path}: {error.strerror}; give a folder that can be created") from None
    known.write_text(json.dumps(host, indent=2) + "\n")
    return False


def _command(host: dict[str, Any]) -> tuple[Any, ...]:
    """What has to be the same for two parts of one campaign: all but --out."""
    arguments = list(host["arguments"])
    n_own = arguments.index("--") if "--" in arguments else len(arguments)
    own = [word for i, word in enumerate(arguments[:n_own])
           if not word.startswith("--out=") and "--out" not in arguments[max(0, i - 1):i + 1]]
    return own, arguments[n_own:], host.get("folder"), host["host"], host["lockbench"]


class Campaign:
    """All runs of some cells, written to a file one by one, each row whole. What is in the file already is not run
    again."""

    def __init__(self, options: argparse.Namespace, host: dict[str, Any], path: Path) -> None:
        self.options, self.host = options, host
        self.run_id = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
        self.done: set[tuple[str, str, int, int]] = set()
        self.n_failed: dict[tuple[str, str, int], int] = {}
        self.n_good: set[tuple[str, str, int]] = set()
        if path.exists():
            self._go_on_with(path)
        self.file = path.open("a", newline="")
        self.writer = csv.DictWriter(self.file, COLUMNS, lineterminator="\n")
        if self.file.tell() == 0:
            self.writer.writeheader()

    def __enter__(self) -> Campaign:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    @property
    def n_done(self) -> int:
        return len(self.done)

    def _go_on_with(self, path: Path) -> None:
        """A row that was cut off is removed; the passes that follow have the orders that they would have had."""
        whole = path.read_text().rpartition("\n")
        path.write_text(whole[0] + whole[1])
        for row in csv.DictReader(whole[0].splitlines()):
            self.run_id = row["run_id"]
            self._count((row["program"], row["lock"], int(row["threads"])), int(row["repetition"]), row["status"])

    def _count(self, key: tuple[str, str, int], repetition: int, status: str) -> None:
        self.done.add((*key, repetition))
        if status == "ok":
            self.n_good.add(key)
        else:
            self.n_failed[key] = self.n_failed.get(key, 0) + 1

    def run(self, wanted: list[Cell], data: Path) -> None:
        """In passes over all cells, each in another order, so that what changes with time hits all alike."""
        rng = random.Random(self.run_id)
        begin, is_new = time.monotonic(), self.n_done == 0
        for repetition in range(1, self.options.repetitions + 1):
            for cell in rng.sample(wanted, len(wanted)):
                if (*_key(cell), repetition) in self.done or self._is_given_up(cell):
                    continue
                self._run_cell(cell, repetition, cell.program.folder or data / cell.program.name)
            if is_new and repetition == 1 and self.options.repetitions > 1:
                left_s = (time.monotonic() - begin) * (self.options.repetitions - 1)
                print(f"the first of {self.options.repetitions} passes is done; about {left_s / 60:.0f} min are left",
                      file=sys.stderr)

    def _is_given_up(self, cell: Cell) -> bool:
        key = _key(cell)
        return key not in self.n_good and self.n_failed.get(key, 0) >= GIVEN_UP

    def _run_cell(self, cell: Cell, repetition: int, data: Path) -> None:
        lock = cell.lock
        row = runs.run(cell.program, lock, cell.threads, self.options.lockbench, data, self.options.timeout)
        row.update(run_id=self.run_id, program=cell.program.name, operation=cell.program.operation, lock=lock.name,
                   kind=cell.program.locks, fifo=lock.fifo, waits=lock.waits, twin_of=PASS if lock.name == TWIN else "",
                   threads=cell.threads, cpus=self.host["n_cpus_allowed"], repetition=repetition,
                   order_index=self.n_done, host=self.host["host"], git_sha=self.host["lockbench"].split()[-1])
        self.writer.writerow(row)
        self.file.flush()
        self._count(_key(cell), repetition, row["status"])
        if row["status"] != "ok":
            print(f"{cell.program.name} under {lock.name} at {plural(cell.threads, 'thread')}: {row['status']}, "
                  f"{row['why']}", file=sys.stderr)


def _key(cell: Cell) -> tuple[str, str, int]:
    return cell.program.name, cell.lock.name, cell.threads


def prepare(programs: Iterable[Program], data: Path) -> None:
    for program in programs:
        folder = data / program.name
        folder.mkdir()
        if program.prepare is not None:
            program.prepare(folder)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """In memory where there is such a file system: a disk would be measured along."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="lockbench-programs-", ignore_cleanup_errors=True,
                                       dir=memory if os.access(memory, os.W_OK) else None)


def measure(options: argparse.Namespace, programs: list[Program], wanted: list[Cell], host: dict[str, Any],
            path: Path) -> tuple[Campaign, bool]:
    """The campaign, and whether it came to its end."""
    is_new = not path.exists()
    with Campaign(options, host, path) as campaign:
        try:
            with scratch() as data:
                prepare(programs, Path(data))
                campaign.run(wanted, Path(data))
        except KeyboardInterrupt:
            return campaign, False
        except UserError:  # nothing has run now
            if is_new:
                shutil.rmtree(options.out)
            raise
    return campaign, True


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    programs = chosen_programs(options.programs)
    if options.packages:
        print("\n".join(dict.fromkeys(program.package for program in programs)))
        return 0
    programs = present(programs)
    locks = chosen_locks(options.lockbench, options.locks)
    allowed = [lock.name for lock in (*REFERENCES, *locks)]
    if options.against not in allowed:
        raise UserError(f"--against: {options.against!r} is not run; allowed: {', '.join(allowed)}")
    wanted = cells(programs, locks, options.threads, options.locks is not None)
    host = describe_machine(options.lockbench, programs, arguments[1:])
    goes_on = open_folder(options.out, host)
    print(f"{'going on with ' if goes_on else ''}{plural(len(programs), 'program')}, {plural(len(wanted), 'cell')}, "
          f"{plural(len(wanted) * options.repetitions, 'run')}: {options.out}", file=sys.stderr)
    path = options.out / judging.NAME
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the program that runs would go on alone
    campaign, is_whole = measure(options, programs, wanted, host, path)
    if not is_whole:
        print(f"programs: interrupted after {plural(campaign.n_done, 'run')}, which are in {path}; the same command "
              f"with --out {options.out} goes on", file=sys.stderr)
        if campaign.n_done == 0:
            return INTERRUPTED
    try:
        lines = list(tables.table(judging.judge(path, host, options.against, programs)))
    except ResultsError as error:
        if is_whole:
            raise
        print(f"programs: {error}", file=sys.stderr)
        return INTERRUPTED
    (options.out / "table.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return INTERRUPTED if not is_whole else 1 if campaign.n_failed else 0
