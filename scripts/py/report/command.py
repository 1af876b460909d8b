# SPDX-License-Identifier: MIT
"""Writes report.html: one page about one run or several, which works offline and answers "which lock?" first."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any, Sequence

import pandas as pd

from report import answer
from report import front
from compare import flips
from compare.ranking import Ranking
from observed import page as observed_page
from observed import profile
from report import machine
from common import pages, palette
from results import labels
from results import reading
from results import baselines
from stats import inference
from results.cells import DISTANCES, cells
from results.resolution import QUANTILES
from common.program import Parser, UserError
from results.reading import Run
from common.units import plural, spaced
from report.front_section import front_section
from report.programs import programs_section
from report.sections import answers_section, flips_section, machine_section, map_section, warnings_section
from results.cautions import cautions

PROGRAM = ("format.js", "theme.js", "charts.js", "table.js", "report.js")
CHART_LIBRARIES = ("/usr/share/javascript/chart.js/chart.min.js", "/usr/share/nodejs/chart.js/dist/chart.min.js")

# key, title, unit. The key is a column of cells(), but for what is made below.
METRICS: list[tuple[str, str, str]] = [
    ("ops_per_s", "Throughput (operations per second)", "count"),
    ("scaling", "Scaling (throughput over its own at the fewest threads)", "ratio"),
    ("least_even", "Fairness (least served thread's part of an even share, worst trial)", "share"),
    ("jain", "Jain's fairness index", "share"),
    ("wait_p50_ns", "Median wait", "ns"),
    ("wait_p99_ns", "99th percentile of the wait", "ns"),
    ("wait_max_ns", "Longest wait of all trials", "ns"),
    ("wait_time_1ms_pct", "Threads' time in waits of 1 ms or more (%)", "ratio"),
    ("cpu_ns_per_op", "CPU time per operation", "ns"),
    ("owner_rate", "Owner changes per second", "count"),
    ("handoff_ns", "Hand-off (from owner to owner, where nearly each acquisition changes it; section empty)", "ns"),
    ("handoff_lines", "Hand-off in line transfers (locks that spin, each thread on a CPU)", "ratio"),
    ("handoff_parks", "Hand-off in parked hand-offs of this machine (locks that put threads to sleep)", "ratio"),
    ("longest_run", "Longest run of one owner (operations)", "count"),
    ("try_success_pct", "Tries that got the lock (%)", "ratio"),
    ("line_ns", "Transfer of a cache line before the trials", "ns"),
]
BOUNDS = [f"{column}_is_bound" for column in QUANTILES]  # true: that wait is a lower bound
FIELDS = ["workload", "lock", "threads", "n", "low", "high",
          *[key for key, *_ in METRICS], "wait_p90_ns", "wait_p999_ns", "exclusive", *DISTANCES, *BOUNDS,
          "says_nothing", "remarks"]


def model(names: list[str], tables: list[pd.DataFrame], places: dict[str, int]) -> dict[str, Any]:
    """What the page's program needs: the cells of all runs, one list each, in the order of `fields`."""
    locks = pd.concat(tables).drop_duplicates("lock")
    order = pd.Categorical(locks["kind"], reading.KINDS, ordered=True)
    locks = locks.assign(kind=order).sort_values(["kind", "family", "lock"])
    return {
        "metrics": [{"key": key, "title": title, "unit": unit}
                    for key, title, unit in METRICS
                    if any(key == "scaling" or table[key].notna().any() for table in tables)],
        "fields": FIELDS,
        "colors": palette.COLORS,
        "locks": {row.lock: {"kind": row.kind, "family": row.family, "place": places[row.lock], "copies": row.copies}
                  for row in locks.itertuples()},
        "runs": [{"name": name,
                  "workloads": {int(first["workload"]): spaced(labels.workload_label(first))
                                for _, first in table.drop_duplicates("workload").iterrows()},
                  "cells": _cells(table)} for name, table in zip(names, tables)],
    }


def _cells(table: pd.DataFrame) -> list[list[Any]]:
    limits = [(None, None) if m.says_nothing else (m.low, m.high) for m in table["speed"]]
    table = table.assign(n=[m.n for m in table["speed"]], says_nothing=[m.says_nothing for m in table["speed"]],
                         low=[low for low, _ in limits], high=[high for _, high in limits])
    first = table.sort_values("threads").groupby(["workload", "lock"], observed=True)["ops_per_s"].transform("first")
    table["scaling"] = table["ops_per_s"] / first
    columns = [[_plain(value) for value in table[field]] for field in FIELDS]
    return [list(row) for row in zip(*columns)]


def _plain(value: Any) -> Any:
    """Four digits are more than any median is known to; JSON has no NaN."""
    if isinstance(value, (str, bool)):
        return value
    if pd.isna(value):
        return None
    return int(value) if value == int(value) else float(f"{value:.4g}")


def named(runs: list[Run]) -> list[str]:
    """What tells the runs from each other: the names of their folders, or, where two are alike, the whole paths."""
    paths = [run.path.resolve() for run in runs]
    for i, path in enumerate(paths):
        if path in paths[:i]:
            raise UserError(f"{runs[i].path}: given twice; give each run once")
    folders = [path.parent.name if path.name == "results.csv" else f"{path.parent.name}/{path.name}" for path in paths]
    return folders if len(set(folders)) == len(folders) else [str(run.path) for run in runs]


def chart_library() -> str:
    for path in (os.environ.get("LOCKBENCH_CHARTJS", ""), *CHART_LIBRARIES):
        if os.access(path, os.R_OK) and Path(path).is_file():
            return Path(path).read_text(encoding="utf-8")
    raise UserError("Chart.js is not installed; scripts/report installs it on Debian (libjs-chart.js), elsewhere set "
                    "LOCKBENCH_CHARTJS to the path of its chart.min.js")


def page(runs: list[Run], tables: list[pd.DataFrame], rankings: list[Ranking], campaigns: Sequence[Path] = ()) -> str:
    """The whole report; for each run a table of cells(), and what it shows of their order. `campaigns`: those of
    scripts/programs."""
    names = named(runs)
    places = palette.places(pd.concat(tables))
    titles = [f": {name}" if len(runs) > 1 else "" for name in names]
    sections = [answers_section(title, answer.answers(table, ranking), ranking.floor)
                for title, table, ranking in zip(titles, tables, rankings)]
    if len(runs) > 1 and any(len(run.throughput()) for run in runs):
        sections.append(flips_section(names, flips.find(runs)))
    for run, title, table, ranking in zip(runs, titles, tables, rankings):
        sections.append(warnings_section(title, list(cautions(run, table))))
        for kind, what in (("mutex", "Best mutex"), ("rw", "Best readers/writer lock")):
            sections.append(map_section(what, title, answer.regions(table, ranking, kind), places))
        sections.append(front_section(title, front.fronts(run, table)))
    sections += [programs_section(campaign) for campaign in campaigns]
    machines = [machine_section(name, labels.provenance(run), baselines.line(run), machine.topology(run),
                                machine.provenance(run), machine.command(run)) for name, run in zip(names, runs)]
    about = (f"{plural(sum(len(run.rows) for run in runs), 'trial')}, {plural(sum(map(len, tables)), 'cell')}, "
             f"{plural(len(runs), 'run')}. Intervals are {100 * inference.LEVEL:.0f}\u00a0% intervals of medians.")
    head = pages.Head(escape(", ".join(names)), "lockbench",
                      "<br>".join(escape(text) for text in (*map(labels.provenance, runs), about)),
                      "The charts and the table of every cell need JavaScript; the answer, the map and the machine do "
                      "not.")
    return pages.fill(head, "report.html", PROGRAM, model(names, tables, places),
                      chart_library().replace("</script", "<\\/script"), sections="\n".join(sections),
                      machines="\n".join(machines))


def of_runs(given: list[str], out: Path | None, campaigns: Sequence[Path]) -> None:
    runs = [reading.load(run) for run in given]
    path = out or runs[0].path.parent / "report.html"
    tables = [cells(run) for run in runs]
    rankings = [Ranking.of(run) for run in runs]
    pages.write(page(runs, tables, rankings, campaigns), path)
    print(f"report: {path}")
    for name, table, ranking in zip(named(runs), tables, rankings):
        if len(runs) > 1:
            print(f"{name}:")
        for line in answer.headlines(answer.answers(table, ranking)):
            print(line)


def of_profile(path: Path, out: Path | None) -> None:
    observed = profile.load(path)
    out = out or path.with_suffix(".html")
    pages.write(observed_page.page(observed), out)
    print(f"report: {out}")
    for line in observed_page.headlines(observed):
        print(line)


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/report", "Writes one page about one run or several, or about a profile of a program, "
                    "which works offline, and prints the answer.")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the folder of a run, or a CSV file; or the folder that "
                        "`lockbench observe` left, or its profile.json")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="the page (default: report.html in the folder of the first run; of profile.json, "
                        "profile.html beside it)")
    parser.add_argument("--programs", type=Path, action="append", default=[], metavar="FOLDER",
                        help="of a run of scripts/programs, which gets a section of its own; may be given repeatedly")
    options = parser.parse_args(arguments)
    profiles = [path for path in map(profile.find, options.runs) if path is not None]
    if not profiles:
        of_runs(options.runs, options.out, options.programs)
    elif len(options.runs) == 1 and not options.programs:
        of_profile(profiles[0], options.out)
    else:
        raise UserError(f"{profiles[0]}: a profile has a page of its own; give it alone")
    return 0
