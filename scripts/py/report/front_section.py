# SPDX-License-Identifier: MIT
"""The report's page of the front: who is on it and who is dominated, as a table and a plot for each workload."""

from __future__ import annotations

from html import escape

import numpy as np

from common.units import count, duration, plural, spaced
from report.answer import few
from report.front import Front, Fronts
from report.summary import waited
from results.labels import workload_label

WIDTH, HEIGHT, EDGE = 300, 200, 34  # of a plot, in CSS pixels; EDGE: what its axes take
LEAST, MOST = 3.0, 9.0  # radius of a point, for the least CPU per operation and for ten times that and more


def front_section(title: str, fronts: Fronts) -> str:
    """Empty where no two goals were measured, or no two mutexes."""
    if not fronts.situations:
        return ""
    goals = ", ".join(goal.name for goal in fronts.goals)
    hint = "" if len(fronts.goals) == 3 else "<p class=note>Waits were not measured; <code>--latency</code> does.</p>"
    return (f"<section id=front><h2>Who is dominated{escape(title)}</h2><p class=note>A mutex is on the front of a "
            f"situation unless another is shown to be better in all at once: {goals}. Shown: by <code>scripts/compare"
            "</code> for each of them, among all pairs of locks in the run. Those that are listed first have the most "
            f"throughput.</p>{hint}" + "".join(map(_workload, fronts.by_workload())) + "</section>")


def _workload(fronts: list[Front]) -> str:
    rows = "".join(f"<tr><th scope=row>{front.first['threads']:g}</th><td class=wide>{escape(', '.join(front.on))}</td>"
                   f"<td class=wide>{_dominated(front)}</td></tr>" for front in fronts)
    caption = escape(spaced(workload_label(fronts[0].first)))
    plots = "".join(_plot(front) for front in fronts if front.cells["wait_max_ns"].notna().any())
    drawn = (f"<details><summary>Plots: throughput over the longest wait; larger: more CPU per operation; filled: on "
             f"the front</summary>{plots}</details>" if plots else "")
    return (f"<div class=scroll><table class=front><caption>{caption}</caption><thead><tr><th>threads</th>"
            f"<th class=text>on the front</th><th class=text>dominated, by whom</th></tr></thead><tbody>{rows}</tbody>"
            f"</table></div>{drawn}")


def _dominated(front: Front) -> str:
    found = [f"<b>{escape(lock)}</b> by {escape(few(by))}" for lock, by in front.dominated.items()]
    if front.out:
        found.append(f"not judged: {escape(', '.join(front.out))}")
    return "; ".join(found) or "none"


def _plot(front: Front) -> str:
    """A point for each lock: the longest wait from left to right, each decade alike; throughput from the floor up."""
    cells = front.cells
    log = np.log10(cells["wait_max_ns"].clip(lower=1).astype(float))
    low, high = float(np.floor(log.min())), float(np.ceil(log.max() + 1e-9))
    top = float(cells["ops_per_s"].max())
    cpu = np.log10(cells["cpu_ns_per_op"] / cells["cpu_ns_per_op"].min()).fillna(0).clip(0, 1)

    def x(decade: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (decade - low) / max(high - low, 1)

    def y(rate: float) -> float:
        return HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * rate / top

    ticks = "".join(f'<text x="{x(d):.0f}" y="{HEIGHT - EDGE + 14}" text-anchor="middle">{duration(10 ** d)}</text>'
                    for d in np.arange(low, high + 1))
    points = "".join(
        f'<circle cx="{x(log[lock]):.1f}" cy="{y(cell["ops_per_s"]):.1f}" r="{LEAST + (MOST - LEAST) * cpu[lock]:.1f}"'
        f' fill="{"currentColor" if lock in front.on else "none"}" stroke="currentColor"><title>{escape(str(lock))}: '
        f'{count(cell["ops_per_s"])}/s, {escape(waited(cell["wait_max_ns"], cell["wait_max_ns_is_bound"]))}, '
        f'{duration(cell["cpu_ns_per_op"])} of CPU</title></circle>'
        + (f'<text x="{x(log[lock]) + 10:.1f}" y="{y(cell["ops_per_s"]) + 4:.1f}">{escape(str(lock))}</text>'
           if lock in front.on else "") for lock, cell in cells.iterrows())
    threads = plural(front.first["threads"], "thread")
    return (f'<svg class=front width="{WIDTH}" height="{HEIGHT}" role="img"><title>{threads}</title>'
            f'<text x="{EDGE}" y="12">{threads}, up to {count(top)}/s</text>'
            f'<path d="M{EDGE} {EDGE}V{HEIGHT - EDGE}H{WIDTH - EDGE}" fill="none" stroke="currentColor"/>'
            f"{ticks}{points}</svg>")
