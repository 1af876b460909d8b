# SPDX-License-Identifier: MIT
"""Compares: within one run the locks against each other, across runs the same cells against those of the first."""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from typing import Any, Callable, Iterator

import numpy as np
import pandas as pd

from compare import verdicts
from compare import export
from compare import floor
from compare import model_error
from compare import tables
from compare import compatibility
from results import labels
from results import reading
from stats import inference
from compare.trials import METRICS, Trials
from results.columns import ORIGIN
from compare.verdicts import FDR, SLOWER
from results.reading import ResultsError, Run
from common.program import Parser
from common.units import plural
from results.cautions import drifted

EPILOG = """\
The ratio is that of the medians; p is Mann & Whitney's, adjusted after Benjamini & Hochberg over all comparisons of
the output. A verdict needs an interval that excludes 1, an adjusted p of at most 0.05, and a ratio beyond the margin
and beyond the difference that the run's twin, one lock under two names, shows of itself.
Exit codes: 0 good, 1 with --fail-if-slower if something was slower, 2 the runs or the options cannot be used."""
FORMATS: dict[str, Callable[[export.Comparison], Iterator[str]]] = {
    "table": tables.table, "markdown": tables.markdown, "csv": export.csv, "json": export.as_json}


class Renamed(argparse.Action):
    """What `empty` and `counter` are is called a baseline; an option of that name would be taken for it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        parser.error("--baseline is called --against now: --against LOCK compares with this lock only")


def percentage(text: str) -> float:
    value = float(text)
    if not 0 <= value < 100:
        raise argparse.ArgumentTypeError(f"{text} given, allowed: 0 to 100, in per cent")
    return value


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser("scripts/compare", __doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the folder of a run, or a CSV file")
    parser.add_argument("--by", choices=list(verdicts.BY), default="lock",
                        help="what is compared within one run (default: lock)")
    parser.add_argument("--against", metavar="LOCK",
                        help="within one run: compare with this lock (or threads, placement, layout) only")
    parser.add_argument("--baseline", action=Renamed, help=argparse.SUPPRESS)
    parser.add_argument("--metric", choices=list(METRICS), default="ops_per_s", metavar="COLUMN",
                        help=f"{', '.join(METRICS)} (default: ops_per_s)")
    parser.add_argument("--margin", type=percentage, default=100 * inference.MARGIN, metavar="PCT",
                        help="differences up to this are none, however sure (default: %(default)g)")
    parser.add_argument("--interval", choices=list(export.INTERVALS), default="order",
                        help="; ".join(f"{name}: {text}" for name, text in export.INTERVALS.items()))
    parser.add_argument("--fail-if-slower", type=percentage, metavar="PCT",
                        help="exit code 1 if the verdict is `slower` and the change is more than PCT")
    parser.add_argument("--model-error", action="store_true",
                        help="of a simulated and a measured run: how far the model is off, lock by lock")
    parser.add_argument("--format", choices=list(FORMATS), default="table")
    parser.add_argument("--anyway", action="store_true", help="compare runs that differ in a way that forbids it")
    options = parser.parse_args(arguments)
    options.margin /= 100
    if options.model_error and (options.against is not None or options.by != "lock" or options.metric != "ops_per_s"
                                or options.fail_if_slower is not None or options.anyway):
        parser.error("--model-error judges a model's operations per second; only --format goes with it")
    if len(options.runs) > 1 and (options.against is not None or options.by != "lock"):
        parser.error("--by and --against are for one run; several are held against the first of them")
    if len(options.runs) == 1 and options.fail_if_slower is not None and options.against is None:
        parser.error("--fail-if-slower takes two runs, or one and --against")
    return options


def compare(runs: list[Run], options: argparse.Namespace) -> export.Comparison:
    """Raises ResultsError where the runs cannot be compared."""
    is_across = len(runs) > 1
    if mixed := compatibility.models_and_machines(runs):
        raise ResultsError(f"refused, {mixed}")
    by_machine = is_across and compatibility.several_machines(runs)
    differences = compatibility.differences(runs) if is_across else compatibility.Differences([], [])
    trials = Trials.of(runs, options.metric, options.margin, pooled=is_across)
    pairs = verdicts.across(trials.cells, by_machine) if is_across else verdicts.within(
        trials.cells, options.by, options.against)
    against = list(differences.against)
    if is_across:
        against += compatibility.cell_differences(trials.cells, pairs, by_machine)
    if not len(pairs.first):
        raise ResultsError("nothing to compare: " + (against[-1] if is_across else _alone(trials, options.by)))
    if against and not options.anyway:
        raise ResultsError(f"refused, {'; '.join(against)}; --anyway compares in spite of that")
    table = verdicts.compare(trials, pairs, options.interval == "bootstrap")
    if is_across:
        verdicts.hold_against_baselines(trials.cells, table, options.margin)
    notes = [*(f"compared anyway: {reason}" for reason in against), *_notes(runs, trials, table, is_across)]
    return export.Comparison(
        [str(run.path) for run in runs], [labels.provenance(run) for run in runs], differences.studied,
        options.metric, "run" if is_across else options.by, options.margin, options.interval, trials.cells, table,
        notes)


def _alone(trials: Trials, by: str) -> str:
    names = verdicts.entries(trials.cells, by).unique()
    return f"no two cells of the run differ in {by} alone (it has: {', '.join(names)}; baselines are no locks)"


def _notes(runs: list[Run], trials: Trials, table: pd.DataFrame, is_across: bool) -> Iterator[str]:
    """What limits the conclusions, most telling first."""
    cells = trials.cells
    yield from floor.words(cells, trials.margin)
    for run in runs:
        yield from drifted(run, str(run.path))
        yield from run.remarks
    if is_across:
        compared = np.unique(table[["first", "second"]])
        if len(compared) < len(cells):
            left = len(cells) - len(compared)
            yield f"{left} of {plural(len(cells), 'cell')} are in one run only and were left out"
    elif len(cells[ORIGIN].drop_duplicates()) > 1:
        yield f"{plural(len(cells[ORIGIN].drop_duplicates()), 'run')} in one file: compared within each of them only"
    yield from limits(table)


def limits(table: pd.DataFrame) -> Iterator[str]:
    """Where there are too few trials to show a difference, or too few for so many comparisons."""
    few = int(table["few"].sum())
    if few:
        yield (f"few trials: in {few} of {plural(len(table), 'comparison')} one side has fewer than "
               f"{inference.MIN_TRIALS}, so nothing can be shown there; 7 or more repetitions are needed")
    yield from _power(table)


def _power(table: pd.DataFrame) -> Iterator[str]:
    """The correction can ask for a smaller p than so few trials can give."""
    tested = table[~table["few"]]
    if tested.empty:
        return
    (n, n_against), _ = Counter(zip(tested["n"], tested["n_against"])).most_common(1)[0]
    smallest = 2 / math.comb(int(n + n_against), int(n))
    needed = math.ceil(smallest * len(tested) / FDR)
    if needed > 1:
        yield (f"p cannot be below {smallest:.1g} with {n} trials against {n_against}: among {len(tested)} comparisons "
               f"nothing is shown unless {needed} are that clear; more repetitions or fewer cells show more")


def slower(found: export.Comparison, limit_pct: float) -> list[str]:
    """What --fail-if-slower fails for."""
    table = found.table
    tested = table[~(table["few"] & ~table["failed"])]
    if tested.empty:
        raise ResultsError(f"--fail-if-slower: no comparison has {inference.MIN_TRIALS} trials on both sides, so "
                           "nothing can be shown; measure 7 or more repetitions")
    change = export.change_pct(found)
    worse = (table["verdict"] == SLOWER) & (np.abs(change) > limit_pct)
    cells = found.cells
    failed = (cells["n_failed"].to_numpy()[table["first"]] > 0) & (cells["n_failed"].to_numpy()[table["second"]] == 0)
    names = export.cell_names(found)
    return [f"{names[row.first]}: {change[row.Index]:+.1f} %" for row in table[worse].itertuples()] + [
        f"{names[row.first]}: trials failed" for row in table[failed].itertuples()]


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.model_error:
        for line in model_error.FORMATS[options.format](model_error.of([reading.load(run) for run in options.runs])):
            print(line)
        return 0
    found = compare([reading.load(run) for run in options.runs], options)
    failures = slower(found, options.fail_if_slower) if options.fail_if_slower is not None else []
    for line in FORMATS[options.format](found):
        print(line)
    if failures:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        print(f"compare: slower by more than {options.fail_if_slower:g} %: {failures[0]}{more}", file=sys.stderr)
    return 1 if failures else 0
