# SPDX-License-Identifier: MIT
"""The section of the report on a campaign of scripts/programs: a row for each program and number of threads."""

from __future__ import annotations

import math
from collections import Counter
from html import escape
from pathlib import Path

from common.units import plural
from compare.verdicts import FASTER, NONE, SLOWER
from programs.judging import Line, Panel, csv_of, judge, panels, programs_of
from programs.runs import PASS, SYSTEM
from results.reading import ResultsError, read_host
from stats import inference

# As in plots/programs.py: no colour alone says it.
MARKS = {FASTER: "\u25b6", SLOWER: "\u25c0", NONE: ""}
WHAT = {"mutex": "Programs whose mutexes were replaced", "rw": "Programs whose readers/writer locks were replaced"}
CLASSES = {FASTER: "faster", SLOWER: "slower", NONE: "alike"}


def programs_section(given: Path) -> str:
    """Raises ResultsError."""
    path = csv_of(given)
    if path is None:
        raise ResultsError(f"{given}: no programs.csv in it; give the folder of a run of scripts/programs")
    programs = programs_of(path)
    found = judge(path, read_host(path.with_name("host.json")), SYSTEM, programs)
    shown = list(panels(found, programs))
    parts = [[panel for panel in shown if panel.program.locks == kind] for kind in WHAT]
    tables = "".join(_table(what, rows) for what, rows in zip(WHAT.values(), parts) if rows)
    notes = "".join(f"<p class=note>{escape(note)}.</p>" for note in found.notes)
    return (f"<section><h2>Real programs: {escape(path.resolve().parent.name)}</h2>"
            f"<p>{escape(found.provenance[0])}</p>"
            f"<p>Operations per second under each lock, relative to the program as it is (<code>{SYSTEM}</code>), with "
            f"{100 * inference.LEVEL:g}\u00a0% intervals. {MARKS[FASTER]} faster, {MARKS[SLOWER]} slower, by the rules "
            f"of <code>scripts/compare</code>; else no difference is shown. <code>{PASS}</code> is what exec costs.</p>"
            f"{tables}{notes}</section>")


def _table(what: str, rows: list[Panel]) -> str:
    """Locks that are faster in more of the programs come first, after what exec costs."""
    n_faster = Counter(line.lock for row in rows for line in row.lines if line.verdict == FASTER)
    locks = sorted({line.lock for row in rows for line in row.lines},
                   key=lambda lock: (lock != PASS, -n_faster[lock], lock))
    head = "".join(f"<th scope=col>{escape(lock)}</th>" for lock in locks)
    body = "".join(f"<tr><th scope=row>{escape(row.program.name)}, {plural(row.threads, 'thread')}</th>"
                   + "".join(_cell({line.lock: line for line in row.lines}.get(lock)) for lock in locks) + "</tr>"
                   for row in rows)
    return (f"<div class=scroll><table class=programs><caption>{what}</caption><thead><tr><th class=text>program</th>"
            f"{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _cell(line: Line | None) -> str:
    if line is None:
        return "<td></td>"
    if math.isnan(line.ratio):
        return f'<td class=alike title="{escape(line.failure)}">no good run</td>'
    limits = f"{line.low:.2f}\u2013{line.high:.2f}" if math.isfinite(line.low) and math.isfinite(line.high) else "?"
    return (f"<td class={CLASSES[line.verdict]}>{MARKS[line.verdict]}\u00a0<b>{line.ratio:.2f}</b>"
            f"<br><small>{limits}</small></td>")
