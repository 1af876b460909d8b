#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether scripts/compare can be believed on this machine.

calibrate_compare.py PROGRAM RELINKED [--repetitions N] [--parts names,runs,builds,slowed]

PROGRAM is lockbench-faulty, which has the ticket lock under two names (test_twin) and held longer by a known time
(test_slow); RELINKED is the same linked in another order (lockbench-relinked). An experiment on the quiet machine that
is to be measured, not a test: it takes about five minutes.

  names    A/A: ticket against test_twin in one run; each verdict is a false one: at most 5 %
  runs     A/A: the same run once more, its cells against those of the first; at most 5 %
  builds   A/A: the same run of RELINKED, its cells against those of the first; at most 5 %
  slowed   A/B: ticket against test_slow, whose sections take a tenth longer: at least 90 % found

The runs have no twin of their own (--no-twin): the verdicts must be right without its help.
Exit code 0 if all that were asked for hold.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
THREADS = "1,2"
SECTIONS_NS = range(0, 1000, 50)
# Long enough that a pause, 10 to 60 ns, divides a tenth of it finely; the next one is no neighbour of a multiple.
SLOWED_SECTIONS_NS = range(2000, 7000, 250)
SLOWED_BY = 0.10
MAX_FALSE, MIN_FOUND = 0.05, 0.90
PARTS = ("names", "runs", "builds", "slowed")


class Experiment:
    def __init__(self, program: str, relinked: str, repetitions: int, folder: Path) -> None:
        self.program, self.relinked, self.repetitions, self.folder = program, relinked, repetitions, folder

    def measure(self, name: str, locks: str, sections: str, *more: str, program: str = "") -> Path:
        out = self.folder / name
        done = subprocess.run([program or self.program, "run", "--no-twin", "--locks", locks, "--cs-ns", sections,
                               "--out", out, "--repetitions", str(self.repetitions),
                               *(more or ("--threads", THREADS))],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 1:
            print(f"  {name}: some trials failed; is the machine quiet?", flush=True)
        elif done.returncode:
            raise subprocess.CalledProcessError(done.returncode, done.args, stderr=done.stderr)
        return out

    @staticmethod
    def compare(*arguments: str | Path) -> list[dict[str, Any]]:
        done = subprocess.run([ROOT / "scripts" / "compare", *arguments, "--format", "json"],
                              stdout=subprocess.PIPE, text=True, check=True)
        comparisons: list[dict[str, Any]] = json.loads(done.stdout)["comparisons"]
        return comparisons

    def same(self, parts: list[str]) -> bool:
        sections = ",".join(map(str, SECTIONS_NS))
        first = self.measure("first", "ticket,test_twin", sections)
        good = True
        if "names" in parts:
            good &= tell_false("A/A, two names", self.compare(first, "--against", "ticket"))
        for part, program in (("runs", self.program), ("builds", self.relinked)):
            if part in parts:
                again = self.measure(part, "ticket,test_twin", sections, program=program)
                good &= tell_false(f"A/A, two {part}", self.compare(first, again))
        return good

    def slowed(self) -> bool:
        """The delay is a part of a cell's configuration, so each section has a run of its own."""
        comparisons = []
        for section_ns in SLOWED_SECTIONS_NS:
            pilot = self.measure(f"pilot-{section_ns}", "ticket", str(section_ns), "--threads", "1")
            host = json.loads((pilot / "host.json").read_text())
            operation_ns = 1e9 / self.median_rate(pilot)
            n_pauses = round(SLOWED_BY * operation_ns / host["pause_ns"])
            delay = str(round(n_pauses * host["pause_ns"]))
            run = self.measure(f"slowed-{section_ns}", "ticket,test_slow", str(section_ns),
                               "--threads", THREADS, "--backoff-max-ns", delay)
            comparisons += self.compare(run, "--against", "ticket")
            print(f"  section {section_ns} ns, an operation {operation_ns:.0f} ns, held longer by {delay} ns: "
                  + ", ".join(f"{c['threads']:g} threads {1 / c['ratio'] - 1:+.1%}" for c in comparisons[-2:]))
        found = [c for c in comparisons if c["verdict"] == "slower"]
        wrong = [c for c in comparisons if c["verdict"] == "faster"]
        print(f"A/B: {len(found)} of {len(comparisons)} found slower ({len(found) / len(comparisons):.1%}, "
              f"at least {MIN_FOUND:.0%}), {len(wrong)} called faster", flush=True)
        return len(found) >= MIN_FOUND * len(comparisons) and not wrong

    @staticmethod
    def median_rate(pilot: Path) -> float:
        with (pilot / "results.csv").open(newline="") as file:
            return statistics.median(float(row["ops_per_s"]) for row in csv.DictReader(file) if row["status"] == "ok")


def tell_false(name: str, comparisons: list[dict[str, Any]]) -> bool:
    false = [c for c in comparisons if c["verdict"] != "no difference shown"]
    outside = [c for c in comparisons if not c["low"] <= 1 <= c["high"]]
    print(f"{name}: {len(false)} false verdicts in {len(comparisons)} comparisons "
          f"({len(false) / len(comparisons):.1%}, at most {MAX_FALSE:.0%}); of the 95 % intervals alone "
          f"{len(outside)} miss 1", flush=True)
    for c in false:
        print(f"  {c['lock']} at {c['threads']:g} threads, section {c['cs_ns']:g} ns: {c['verdict']}, "
              f"{c['ratio']:.3f} ({c['low']:.3f} to {c['high']:.3f})")
    return len(false) <= MAX_FALSE * len(comparisons)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Whether scripts/compare can be believed on this machine.")
    parser.add_argument("program", help="lockbench-faulty")
    parser.add_argument("relinked", help="lockbench-relinked")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--parts", default=",".join(PARTS), help="of the experiment, comma separated (default: all)")
    given = parser.parse_args(arguments)
    parts = given.parts.split(",")
    if unknown := set(parts).difference(PARTS):
        parser.error(f"--parts: {', '.join(sorted(unknown))}: allowed are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="lockbench-calibration-") as folder:
        experiment = Experiment(given.program, given.relinked, given.repetitions, Path(folder))
        try:
            good = parts == ["slowed"] or experiment.same(parts)
            if "slowed" in parts:
                good &= experiment.slowed()
        except subprocess.CalledProcessError as error:
            print(f"{error.cmd[0]} ended with {error.returncode}: {error.stderr or ''}", file=sys.stderr)
            return 2
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
