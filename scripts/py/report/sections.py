# SPDX-License-Identifier: MIT
"""The parts of the report that need no program: the answer, the map of regions, warnings, the machine."""

from __future__ import annotations

from html import escape
from typing import Iterable

import pandas as pd

from compare import flips
from report.answer import FOR_COPIES, Answer, Region, few
from report.price import Item
from compare.flips import Flips
from results.labels import workload_label
from common.palette import COLORS, slots, tint
from results.resolution import MIN_OPS_PER_THREAD
from common.units import count, duration, spaced


def answers_section(title: str, found: list[Answer], floor: list[str]) -> str:
    """`floor`: how small a difference the run can tell, in words."""
    if not found:
        return (f"<section><h2>The answer{escape(title)}</h2><p>No mutex was measured, and no readers/writer lock at "
                "several threads.</p></section>")
    items = "".join(f"<dt>{escape(a.question.text)}</dt><dd>{_answer(a)}</dd>" for a in found)
    return (f"<section><h2>The answer{escape(title)}</h2><dl class=answer>{items}</dl>"
            "<p class=note>The best lock is the one with the highest geometric mean of throughput over the best in "
            "each situation (a workload at a number of threads). <em>No difference shown</em>: in none of them does "
            "<code>scripts/compare</code> show the other to be slower, among all pairs of locks in the run. <em>No "
            "thread may starve</em>: in each trial every thread got at least half of its even share; locks of which a "
            f"trial had fewer than {MIN_OPS_PER_THREAD} operations per thread are <em>not judged</em>. Throughput "
            "alone favours locks that hoard: look at the least served thread and the longest wait before you choose. "
            "Over several situations throughput and CPU time are a range, the others the worst.</p>"
            + "".join(f"<p class=note>{escape(sentence)}.</p>" for sentence in floor) + "</section>")


def _answer(found: Answer) -> str:
    second = "".join(f"<div>{FOR_COPIES}: <b>{escape(lock.name)}</b>{escape(lock.against)}</div>{_price(lock.price)}"
                     for lock in found.for_copies)
    if found.best is None:
        return f"<b>{escape(found.none)}</b>{second}"
    rows = "".join(
        f"<tr><th scope=row>{escape(str(lock))}</th><td>{100 * row.score:.3g}</td><td>{row.n_best:.0f}</td>"
        f"<td>{row.n_beaten:.0f}</td>" + "".join(f"<td>{value}</td>" for _, value in _page(found.prices[str(lock)]))
        + "</tr>" for lock, row in found.table.iterrows())
    price = found.prices[found.best]
    remarks = "".join(f"<div>{escape(remark)}</div>" for remark in found.remarks)
    heads = "".join(f"<th>{name}</th>" for name, _ in _page(price))
    return (f"<b class=best>{escape(found.best)}</b>{_price(price)}{remarks}{second}"
            f"<details><summary>All locks</summary><div class=scroll><table><thead><tr><th class=text>lock</th>"
            f"<th>% of best</th><th>best in</th><th>shown worse than {escape(found.best)} in</th>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
            "</div></details>")


def _price(price: list[Item]) -> str:
    return "<ul class=price>" + "".join(f"<li>{name} <b>{value}</b></li>" for name, value in _page(price)) + "</ul>"


def _page(price: list[Item]) -> list[tuple[str, str]]:
    return [(escape(item.name), escape(spaced(item.value))) for item in price]


def map_section(what: str, title: str, maps: list[tuple[pd.Series, list[Region]]], places: dict[str, int]) -> str:
    """Empty where there is nothing of that kind."""
    if not maps:
        return ""
    copies = (" <em>Copies</em>: faster, but only for state that may be copied while it changes."
              if any(r.for_copies for _, regions in maps for r in regions) else "")
    names = {r.best for _, regions in maps for r in regions if r.best is not None}
    colors = {name: tint(COLORS[slot % len(COLORS)]) for name, slot in slots(names, places).items()}
    return (f"<section><h2>{what} by threads and section length{escape(title)}</h2>"
            "<p class=note>Coloured by the lock with the highest throughput; hatched where no difference from others, "
            f"which are named, is shown.{copies}</p>" + "".join(_map(first, regions, colors) for first, regions in maps)
            + "</section>")


def _map(first: pd.Series, regions: list[Region], colors: dict[str, str]) -> str:
    threads = sorted({r.threads for r in regions})
    is_replay = bool(first["profile"])
    regions = [r._replace(cs_ns=0) if is_replay else r for r in regions]  # whose sections are as long as they were
    lengths = sorted({r.cs_ns for r in regions})
    at = {(r.threads, r.cs_ns): r for r in regions}
    head = "".join(f"<th scope=col>{n:g}{' *' if any(n > r.cpus for r in regions) else ''}</th>" for n in threads)
    body = "".join(f"<tr><th scope=row>{_length(ns, is_replay)}</th>"
                   + "".join(_region(at.get((n, ns)), colors) for n in threads) + "</tr>" for ns in lengths)
    caption = workload_label(first).replace(f"section {duration(first['cs_ns'])}", "section as below")
    hint = ("" if len(lengths) > 1 or is_replay else
            "<p class=note>One section length was measured; <code>--cs-ns 0,100,1000,10000</code> draws the map.</p>")
    caption = caption.replace("empty section", "section as below")
    # As wide as its columns, which so are equally wide.
    width = f"{9 + 12 * len(threads):g}rem"
    return (f'<div class=scroll><table class=map style="width:{width}"><caption>'
            f"{escape(spaced(caption))}</caption><thead><tr><th>section \\ threads"
            f"</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            f"<p class=note>* more threads than CPUs</p>{hint}")


def _length(ns: float, is_replay: bool) -> str:
    return "as recorded" if is_replay else spaced(duration(ns)) if ns else "empty"


def _region(region: Region | None, colors: dict[str, str]) -> str:
    if region is None:
        return "<td class=none>not measured</td>"
    second = f"<small>copies: {escape(region.for_copies)}</small>" if region.for_copies else ""
    if region.best is None:
        return f"<td class=none>none finished{second}</td>"
    alike = ""
    if region.alike:
        alike = f"<small>=\u00a0{escape(few(region.alike))}</small>"
    hatched = " class=hatched" if region.alike else ""
    return (f'<td{hatched} style="background-color:{colors[region.best]}" '
            f'title="{spaced(count(region.speed.value))} operations per second">'
            f"<span><b>{escape(region.best)}</b>{alike}{second}</span></td>")


def flips_section(names: list[str], found: Flips) -> str:
    """Pairs of locks of which one wins in one run and the other in another."""
    rows = "".join(_flip(pair, len(names)) for _, pair in found.rows.groupby("pair"))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    return ("<section><h2>Where the runs disagree</h2>" + "".join(f"<p>{escape(text)}.</p>" for text in found.counts())
            + (f"<div class=scroll><table><thead><tr><th>pair</th>{head}<th>situation</th></tr></thead><tbody>{rows}"
               "</tbody></table></div><p class=note>The winner, and how many times the other's throughput it has. "
               "Pairs are judged as <code>scripts/compare</code> judges them.</p>" if rows else "") + "</section>")


def _flip(pair: pd.DataFrame, n_runs: int) -> str:
    row = pair.iloc[0]
    texts = {1: row["first"], -1: row["second"], 0: "no difference shown"}
    cells = [""] * n_runs
    for side, winner, ratio in zip(pair["side"], pair["winner"], pair["ratio"]):
        times = f" ({ratio ** winner:.2f}\u00a0times)" if winner else ""
        cells[side] += f"<div>{escape(texts[winner])}{times}</div>"
    return (f"<tr><th scope=row>{escape(row['first'])} or {escape(row['second'])}?</th>"
            + "".join(f"<td class=text>{cell}</td>" for cell in cells)
            + f"<td class=wide>{escape(spaced(flips.title(row)))}</td></tr>")


def warnings_section(title: str, warnings: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(spaced(warning))}</li>" for warning in warnings)
    return (f"<section><h2>Read with care{escape(title)}</h2><ul>{items}</ul></section>" if items else
            f"<section><h2>Read with care{escape(title)}</h2><p>Nothing suspicious was found.</p></section>")


def machine_section(name: str, summary: str, baselines: str, topology: str, provenance: str, command: str) -> str:
    about = "".join(f"<p>{escape(spaced(text))}</p>" for text in (summary, baselines) if text)
    again = f"<p>To measure it again:</p><pre>{escape(command)}</pre>" if command else ""
    return (f"<section><h3>{escape(name)}</h3>{about}{topology}"
            f"<details><summary>Full provenance</summary><div class=scroll>{provenance}</div></details>{again}"
            "</section>")
