# SPDX-License-Identifier: MIT
"""Finds the locks that suit a program: observes it, replays its locks under each of ours, runs the program itself under
the best few and under its own, and says what was predicted and what is true."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator

import numpy as np
import pandas as pd

from common import pages
from common.program import Parser, UserError
from common.units import plural, rough
from compare import tables, verdicts
from compare.export import Comparison
from observed import page as observed_page
from observed import profile as observed_profile
from programs import command, judging, prediction, runs
from programs.catalogue import Program
from programs.command import Campaign, Cell
from programs.prediction import OWN, Prediction
from programs.runs import REFERENCES, SYSTEM, Lock

EPILOG = """\
The program runs once observed, then seven times or more under each of the best few locks (through `lockbench exec`),
through exec without a lock of ours, and as it is, in turns. It runs in this folder, with nothing to read. What counts
is its time from start to end, or what it prints: --figure tells how to find its operations per second there.
Exit codes: 0 good, 1 a run failed, 2 wrong usage or nothing can be said, 130 interrupted."""
# Of what a program that runs for a fixed time takes longer or shorter.
FIXED = 0.02


def pattern(text: str) -> str:
    try:
        if re.compile(text).groups >= 1:
            return text
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    raise argparse.ArgumentTypeError(f"{text!r} has no group; its first one is the operations per second: "
                                     r"'([0-9.]+) ops/s'")


def seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9.]+", text) or text.count(".") > 1 or not 0.001 <= float(text) <= 60:
        raise argparse.ArgumentTypeError(f"{text!r} given, allowed: 0.001 to 60")
    return float(text)


def parse(arguments: list[str]) -> argparse.Namespace:
    given, program = arguments, []
    if "--" in arguments:
        at = arguments.index("--")
        given, program = arguments[:at], arguments[at + 1:]
    parser = Parser("scripts/try", __doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
                    usage="scripts/try [OPTION...] -- PROGRAM [ARGUMENT...]")
    parser.add_argument("lockbench", help=argparse.SUPPRESS)
    parser.add_argument("--only-usage", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--profile", type=Path, metavar="FILE",
                        help="of an earlier `lockbench observe`, instead of observing now")
    parser.add_argument("--figure", type=pattern, metavar="REGEX",
                        help="whose first group, in what the program prints, is its operations per second")
    parser.add_argument("--best", type=command.count(1, 20), default=3, metavar="N",
                        help="how many locks the program itself is run under (default: %(default)s)")
    parser.add_argument("--locks", type=command.words, metavar="NAMES",
                        help="locks of ours to choose from (default: all that exec has; those that only spin, and in "
                             "order, where there is a CPU for each thread that takes locks often)")
    parser.add_argument("--repetitions", type=command.count(1, 1000), default=7, metavar="N",
                        help="fewer than 7 show nothing (default: %(default)s)")
    parser.add_argument("--duration", type=seconds, metavar="S", default=0.06,
                        help="of each trial of the replay (default: %(default)s)")
    parser.add_argument("--timeout", type=command.count(1, 3600), default=60, metavar="S",
                        help="seconds after which a run has failed (default: %(default)s)")
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="to create (default: results/try-DATE), or one of the same command, which then goes on "
                             "where it was interrupted")
    options = parser.parse_args(given)
    if not program:
        parser.error("no program; it comes behind --")
    options.program = program
    options.out = options.out or Path("results") / datetime.now().strftime("try-%Y-%m-%dT%H%M%S")
    return options


def as_program(words: list[str], figure: str | None, kind: str) -> Program:
    """One operation is a whole run, unless the program prints others."""
    command_line = shlex.join(words).replace("{", "{{").replace("}", "}}")
    figures = re.sub(r"(?<!\\)\((?!\?)", "(?P<rate>", figure, count=1) if figure else ""
    return Program(Path(words[0]).name, "", words[0], command_line, "as printed" if figure else "a whole run",
                   figures=figures, work="1", locks=kind, folder=Path.cwd())


def is_whole(profile: Path) -> bool:
    """Not one of a program that was interrupted along with us."""
    try:
        return bool(json.loads(profile.read_text(encoding="utf-8"))["ended"] == "exit 0")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def observe(options: argparse.Namespace) -> Path:
    """Returns the profile."""
    folder = options.out / "observed"
    if is_whole(folder / "profile.json"):
        return folder / "profile.json"
    shutil.rmtree(folder, ignore_errors=True)
    process = subprocess.Popen([options.lockbench, "observe", "--out", str(folder), "--", *options.program],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               errors="replace", start_new_session=True)
    try:
        _, err, is_late = runs.wait(process, 10 * options.timeout)
    finally:
        runs.end_session(process)
    if is_late:
        raise UserError(f"{options.program[0]} did not end while it was observed; a higher --timeout gives it longer")
    if process.returncode != 0 or not (folder / "profile.json").exists():
        told = (err.strip().splitlines() or ["it says nothing"])[-1].removeprefix("lockbench: ")
        if (folder / "profile.json").exists():  # it ran, and the last line names what is removed now
            told = "only a program that succeeds can be tried"
        raise UserError(f"{options.program[0]} could not be observed: exit code {process.returncode}: {told[:200]}")
    return folder / "profile.json"


def candidates(options: argparse.Namespace, kind: str, profile: Path) -> list[Lock]:
    """As scripts/programs takes them; the threads of a pool that hardly take a lock are in no lock's way."""
    n_cpus = len(os.sched_getaffinity(0))
    found = [lock for lock in command.chosen_locks(options.lockbench, options.locks) if lock.kind == kind]
    if not found:
        raise UserError(f"--locks: none of them is of the kind that the program waits for, {kind}")
    if options.locks:
        return found
    threads = prediction.threads_played(options.lockbench, profile, kind)
    return [lock for lock in found if threads <= n_cpus or not lock.collapses]


def told(predicted: Prediction, found: Comparison, n_best: int) -> Iterator[str]:
    """Prediction and truth side by side, and what to make of them."""
    misfit = f"{rough(100 * predicted.misfit)} %" if math.isfinite(predicted.misfit) else "not known"
    yield f"Throughput against the program's own lock; the misfit of the replay is {misfit}"
    yield f"{'lock':16} {'predicted':>9} {'true':>6} {'95 % CI':>14}  verdict"
    names = found.cells["lock"].astype(str).to_numpy()
    truth = {names[row.first]: row for row in found.table.itertuples()}
    for lock in predicted.locks[:n_best]:
        row = truth.get(lock.lock)
        true, interval, verdict = "", "", "it did not finish"
        if row is not None and np.isfinite(row.ratio):
            true, interval, verdict = f"{row.ratio:.2f}", f"{row.low:.2f}..{row.high:.2f}", row.verdict
        yield f"{lock.lock:16} {lock.ratio:9.2f} {true:>6} {interval:>14}  {verdict}"
    yield ""
    yield conclusion([(name, row) for name, row in truth.items() if name in {p.lock for p in predicted.locks}])


def conclusion(rows: list[tuple[str, Any]]) -> str:
    """What a user does about it."""
    faster = sorted(((row.ratio, name) for name, row in rows if row.verdict == verdicts.FASTER), reverse=True)
    if faster:
        ratio, name = faster[0]
        more = f"; also faster: {', '.join(other for _, other in faster[1:])}" if len(faster) > 1 else ""
        return f"{name} makes this program faster than its own lock does, {ratio:.2f} times as fast{more}."
    slower = [name for name, row in rows if row.verdict == verdicts.SLOWER]
    if rows and len(slower) == len(rows):
        return "Keep its own lock: the program is slower under each of these."
    return "No difference from the program's own lock is shown: there is no reason to change it."


def fixed_time(rows: pd.DataFrame) -> Iterator[str]:
    good = rows[rows["status"] == "ok"].groupby("lock")["duration_s"].median()
    if len(good) > 1 and good.max() < (1 + FIXED) * good.min():
        yield (f"The program took {good.median():.2f} s whatever the lock. If it runs for a fixed time, its speed is "
               "in what it prints: --figure.")


def measure(options: argparse.Namespace, host: dict[str, Any], program: Program, locks: list[Lock], threads: int,
            path: Path) -> Campaign:
    with Campaign(options, host, path) as campaign:
        campaign.run([Cell(program, lock, threads) for lock in (*REFERENCES, *locks)], Path.cwd())
    return campaign


def try_it(options: argparse.Namespace, host: dict[str, Any]) -> int:
    profile, page = options.profile or observe(options), options.out / "profile.html"
    content = prediction.read_profile(profile)
    if not content["locks"]:
        raise UserError(f"{options.program[0]} took no lock that lockbench can reach: there is nothing to choose")
    pages.write(observed_page.page(observed_profile.load(profile)), page)
    kind, threads = prediction.kind_of(content), int(content["threads"])
    locks = candidates(options, kind, profile.resolve())
    print(f"replaying what it did under {plural(len(locks), 'lock')}", file=sys.stderr)
    names = [lock.name for lock in locks]
    prediction.replay(options.lockbench, profile.resolve(), [OWN[kind], *names], options.duration,
                      options.out / "replay")
    predicted = prediction.predict(options.out / "replay", kind, names)
    best = [name for name, *_ in predicted.locks[:options.best]]
    if not best:
        raise UserError("no lock came to an end in the replay")
    print(f"running {options.program[0]} under {', '.join(best)} and its own", file=sys.stderr)
    program, path = as_program(options.program, options.figure, kind), options.out / judging.NAME
    chosen = [lock for name in best for lock in locks if lock.name == name]
    campaign = measure(options, host, program, chosen, threads, path)
    found = judging.judge(path, host, SYSTEM, [program])
    lines = [*tables.table(found), "", *told(predicted, found, options.best)]
    if options.figure is None:
        lines += fixed_time(judging.read(path))
    (options.out / "table.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    print(f"\nWhat it does with its locks: {page}")
    return 1 if campaign.n_failed else 0


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if shutil.which(options.program[0]) is None:
        raise UserError(f"there is no program {options.program[0]!r}")
    if options.profile is not None:
        prediction.read_profile(options.profile)
    if options.only_usage:
        return 0
    host = {**command.describe_machine(options.lockbench, [], arguments[1:]), "folder": str(Path.cwd())}
    goes_on = command.open_folder(options.out, host)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else the program that runs would go on alone
    try:
        return try_it(options, host)
    except UserError:
        if not goes_on and not (options.out / judging.NAME).exists():  # the program has not been measured
            shutil.rmtree(options.out)
        raise
    except KeyboardInterrupt:
        print(f"try: interrupted; the same command with --out {options.out} goes on", file=sys.stderr)
        return command.INTERRUPTED
