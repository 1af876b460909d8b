# SPDX-License-Identifier: MIT
"""Runs the seed's workload in Go and in lockbench, alternately, and prints a table.

What differs between the two: the lock, and the sleep. A Go routine sleeps on its runtime's timers, a thread on the
kernel's; with a millisecond between operations the sleep decides most of the rate.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys

from compare import verdicts
from stats import inference
from common.program import Parser
from common.units import plural

LOCKS = ("pthread_mutex", "futex")
GO = "Go sync.Mutex"
OUTPUT = re.compile(r"readOps: (\d+)\nwriteOps: (\d+)\nstate: map\[(?:\d:\d+ ?)*\]\n")
BUSY = 0.3  # load per CPU from which lockbench, too, says that other programs are running


class SeedError(Exception):
    """One line for the user."""


def run(command: list[str], duration_s: float) -> tuple[float, float]:
    """Reads and writes per second."""
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    match = OUTPUT.match(result.stdout)
    if result.returncode != 0 or match is None:
        raise SeedError(f"{' '.join(command)}: exit code {result.returncode}: {result.stderr.strip() or result.stdout}")
    return int(match[1]) / duration_s, int(match[2]) / duration_s


def measure(commands: dict[str, list[str]], n: int, duration_s: float) -> dict[str, list[tuple[float, float]]]:
    """In passes over all of them, each in another order, so that what changes with time hits them alike."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    order = list(commands)
    for _ in range(n):
        random.shuffle(order)
        for name in order:
            rates[name].append(run(commands[name], duration_s))
    return rates


def verdict(ours: list[float], go: list[float]) -> str:
    if min(len(ours), len(go)) < inference.MIN_TRIALS:
        return "too few runs"
    return "shown" if verdicts.differ(ours, go) else "not shown"


def table(rates: dict[str, list[tuple[float, float]]]) -> str:
    sums = {name: [reads + writes for reads, writes in pairs] for name, pairs in rates.items()}
    totals = {name: inference.median(values) for name, values in sums.items()}
    spread = "95 % interval" if totals[GO].has_interval else "range"
    text = f"{'':14} {'reads/s':>9} {'writes/s':>9} {'ops/s':>9} {spread:>17} {'to Go':>6}  difference\n"
    for name, pairs in rates.items():
        reads, writes = (inference.median(column).value for column in zip(*pairs))
        total, go = totals[name], totals[GO]
        interval = "?" if total.says_nothing else f"{total.low:.0f} - {total.high:.0f}"
        text += f"{name:14} {reads:9.0f} {writes:9.0f} {total.value:9.0f} {interval:>17} {total.value / go.value:6.3f}"
        text += "\n" if name == GO else f"  {verdict(sums[name], sums[GO])}\n"
    return text


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser("scripts/bench --seed-vs-go", "Runs the seed's workload in Go and in lockbench, alternately.",
                    usage="scripts/bench --seed-vs-go [--repetitions N] [--duration S]")
    parser.add_argument("lockbench", help=argparse.SUPPRESS)
    parser.add_argument("go_program", help=argparse.SUPPRESS)
    parser.add_argument("--repetitions", type=int, default=7, metavar="N",
                        help="runs of each, interleaved (default: %(default)s)")
    parser.add_argument("--duration", type=float, default=1.0, metavar="S",
                        help="length of a run, in seconds (default: %(default)g)")
    given = parser.parse_args(arguments)
    if not 1 <= given.repetitions <= 1000:
        parser.error(f"--repetitions: {given.repetitions} is not from 1 to 1000")
    if not 0.001 <= given.duration <= 3600:
        parser.error(f"--duration: {given.duration} is not from 0.001 to 3600")
    return given


def main(arguments: list[str]) -> int:
    given = parse(arguments)
    duration = f"{given.duration:g}"
    commands = {GO: [given.go_program, duration]}
    commands |= {lock: [given.lockbench, "seed", "--locks", lock, "--duration", duration] for lock in LOCKS}
    load, n_cpus = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load > BUSY * n_cpus:
        print(f"warning: load average is {load:.2f} on {plural(n_cpus, 'CPU')}: other programs are running",
              file=sys.stderr)
    try:
        rates = measure(commands, given.repetitions, given.duration)
    except (OSError, SeedError) as error:
        print(f"seed-vs-go: {error}", file=sys.stderr)
        return 1
    n_runs = plural(given.repetitions, "run")
    print(f"100 readers, 10 writers, 5 keys, sleeps of 1 ms: medians of {n_runs} of {duration} s each")
    print(table(rates), end="")
    return 0
