# SPDX-License-Identifier: MIT
"""One page about a profile: which locks a program waits for, held from where, how long, and who waited when."""

from __future__ import annotations

import shlex
from html import escape
from typing import Iterator

from common import pages
from common.palette import COLORS
from common.units import count, duration, plural, rough, spaced
from observed import pictures
from observed.cautions import cautions
from observed.groups import MIN_LOOKS, Group, Nesting, Site, groups, nestings, quantile
from observed.profile import Lock, Profile, Wait

PROGRAM = ("format.js", "theme.js", "timeline.js")
MOST_GROUPS = 100  # with a picture each
MOST_LOCKS = 1000
MOST_WAITS = 20000
N_LONGEST = 10
KEPT_WAITS = 512  # of each thread, by observe


def page(profile: Profile) -> str:
    found = groups(profile)
    nested = nestings(found)
    waits = _waits(profile)
    titles, of_lock = _locks_of(waits, found)
    lanes = pictures.waiting(*profile.lanes, profile.seconds)
    data = {"colors": COLORS, "locks": titles,
            "waits": [[of_lock[wait["lock"]], wait["thread"], wait["holder"], wait["start_ns"], wait["wait_ns"]]
                      for wait in waits]}
    name = escape(profile.program)
    head = pages.Head(name, f"lockbench: the locks of {name}", _provenance(profile),
                      "The picture of single waits needs JavaScript; all else does not.")
    return pages.fill(
        head, "profile.html", PROGRAM, data,
        sections="\n".join((_answer(profile, found), _table(profile, found), _cautions(profile, nested))),
        waiting=_waiting(profile, lanes), waits_about=_waits_about(profile, waits),
        longest=_longest(waits, titles, of_lock),
        details="\n".join((_each(found), _nesting(nested), _every_lock(found))))


def headlines(profile: Profile) -> Iterator[str]:
    """For the terminal: what the page says first."""
    found = groups(profile)
    worst = _worst(found)
    if worst is None:
        yield "no thread waited for a lock"
        return
    yield f"{duration(worst.figures['wait_total_ns'])} waited for {worst.title}"
    if worst.cause is not None:
        yield f"  {_caused(worst, worst.cause, 'that')} while it was held from {worst.cause.name}"


def _worst(found: list[Group]) -> Group | None:
    return found[0] if found and found[0].figures["wait_total_ns"] > 0 else None


def _caused(group: Group, site: Site, waiting: str) -> str:
    """How much of the waiting for these locks, and how that is known."""
    share = site.caused_pct(group.figures["wait_total_ns"])
    if not share:
        return f"most of {waiting}, as far as seen,"
    return f"{share} % of {waiting}" + (f" (estimated from {plural(site.looks, 'look')})" if site.looks else "")


def _ns(ns: float) -> str:
    return escape(spaced(duration(ns)))


def _count(n: float) -> str:
    return escape(spaced(count(n)))


def _total(found: list[Group], key: str) -> int:
    return sum(group.figures[key] for group in found)


def _provenance(profile: Profile) -> str:
    whole = profile.whole
    cost = whole["cost"]
    lines = [f"<code>{escape(shlex.join(map(str, whole['program'])))}</code>",
             escape(f"{whole['host']}, {whole['cpus']} CPUs, {whole['started_at']}, {profile.seconds:.3g} s, at most "
                    f"{plural(whole['threads'], 'thread')} in a process, "
                    f"{whole['processes']} process{'' if whole['processes'] == 1 else 'es'}; "
                    f"lockbench {whole['lockbench']} ({str(whole['commit'])[:7]})")]
    if isinstance(cost.get("per_acquisition_ns"), (int, float)):
        share = f", about {rough(cost['share_pct'])} % of the program's CPU time" \
            if isinstance(cost.get("share_pct"), (int, float)) else ""
        lines.append(escape(f"Observing took {rough(cost['per_acquisition_ns'])} ns for each acquisition{share}."))
    return "<br>".join(lines)


def _answer(profile: Profile, found: list[Group]) -> str:
    n, waited = _total(found, "acquisitions"), _total(found, "wait_total_ns")
    worst = _worst(found)
    title = "<h2>Where the time went</h2>"
    if worst is None:
        return (f"<section>{title}<p>No thread waited for a lock: {_count(n)} acquisitions of "
                f"{plural(_total(found, 'instances'), 'lock')} in {profile.seconds:.3g} s. No lock can make this "
                "program faster but by costing less where nobody waits.</p></section>")
    on_average = waited * 1e-9 / profile.seconds
    items = [("Which lock is waited for?", f"<b class=best>{escape(worst.title)}</b>" + _price([
        ("waited", _ns(worst.figures["wait_total_ns"])),
        ("of all waiting", f"{100 * worst.figures['wait_total_ns'] / waited:.0f}\u00a0%"),
        ("threads waiting at a time, on average", f"{worst.figures['wait_total_ns'] * 1e-9 / profile.seconds:.2g}"),
        ("longest wait", _ns(worst.figures["wait_longest_ns"]))]))]
    if worst.cause is not None:
        items.append(("From where is it held when others wait?", f"<b>{escape(worst.cause.name)}</b>" + _price([
            *_price_of_cause(worst, worst.cause),
            ("of its acquisitions", f"{_share(worst.cause.acquisitions, worst.figures['acquisitions'])}\u00a0%")])))
    items.append(("All locks", _price([
        ("acquisitions", f"{_count(n)} of {plural(_total(found, 'instances'), 'lock')}"),
        ("per second", _count(n / profile.seconds)),
        ("had to wait", f"{_share(_total(found, 'contended'), n)}\u00a0%"),
        ("threads waiting at a time, on average", f"{on_average:.2g}")])))
    return (f"<section>{title}<dl class=answer>" + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in items)
            + "</dl><p class=note>Waiting is charged to the place from which the lock was held when the wait began, "
            "once for each waiter: that is the place to make shorter. Whether another lock would help, "
            "<code>scripts/try -- PROGRAM</code> finds out.</p></section>")


def _price_of_cause(group: Group, site: Site) -> list[tuple[str, str]]:
    share = site.caused_pct(group.figures["wait_total_ns"])
    return ([("of the waiting for this lock", f"{share}\u00a0%")] if share else []) + (
        [("estimated from looks at the stack", str(site.looks))] if site.looks else [])


def _share(part: int, of: int) -> str:
    return rough(100 * part / of) if of else "0"


def _price(items: list[tuple[str, str]]) -> str:
    return "<ul class=price>" + "".join(f"<li>{name} <b>{value}</b></li>" for name, value in items) + "</ul>"


def _tabulated(names: tuple[str, ...], numbers: tuple[str, ...], rows: list[str]) -> str:
    """Rows whose first columns are names."""
    heads = ("".join(f"<th scope=col class=text>{name}</th>" for name in names)
             + "".join(f"<th scope=col>{name}</th>" for name in numbers))
    return (f"<div class=scroll><table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>")


def _name(name: str) -> str:
    return f"<td class=name>{escape(name)}</td>"


def _cells(*values: object) -> str:
    return "".join(f"<td>{value}</td>" for value in values)


HEADS = ("waited", "on average", "per second", "waits %", "held 50 %", "held 99 %", "longest wait", "threads")


def _table(profile: Profile, found: list[Group]) -> str:
    if not found:
        return ""
    rows = [_row(profile, i, group) for i, group in enumerate(found[:MOST_GROUPS])]
    return ("<section><h2>Locks by time lost</h2>" + _tabulated(("lock, by where it was made",), HEADS, rows)
            + _left_out(found) + "</section>")


def _row(profile: Profile, i: int, group: Group) -> str:
    figures, held = group.figures, group.histograms["hold_ns"]
    values = (_ns(figures["wait_total_ns"]), f"{figures['wait_total_ns'] * 1e-9 / profile.seconds:.2g}",
              _count(figures["acquisitions"] / profile.seconds), _share(figures["contended"], figures["acquisitions"]),
              _ns(quantile(held, 0.5)), _ns(quantile(held, 0.99)), _ns(figures["wait_longest_ns"]),
              str(figures["threads"]))
    return (f'<tr><th scope=row class=name><a href="#lock-{i}">{escape(group.title)}</a>{_because(group)}</th>'
            + _cells(*values) + "</tr>")


def _because(group: Group) -> str:
    reasons = []
    if group.cause is not None:
        reasons += [f"{_caused(group, group.cause, 'the waiting')} while held from {escape(group.cause.name)}"]
    if group.figures["yields"]:
        reasons += ["the section yields its CPU"]
    return "".join(f"<br><small>{reason}</small>" for reason in reasons)


def _left_out(found: list[Group]) -> str:
    n = len(found) - MOST_GROUPS
    return f"<p class=note>{plural(n, 'more place')} with locks: in the profile.</p>" if n > 0 else ""


def _cautions(profile: Profile, nested: list[Nesting]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in cautions(profile, nested))
    return ("<section><h2>Read with care</h2>" + (f"<ul>{items}</ul>" if items else "<p>Nothing suspicious was found."
            "</p>") + "</section>")


def _waiting(profile: Profile, lanes: str) -> str:
    if lanes:
        slice_ns, _ = profile.lanes
        return (f"<p class=note>Over the whole run, in slices of {_ns(slice_ns)}: the darker, the more of it a thread "
                "spent in waiting for locks. A row is a thread, and those that came after it had ended.</p>" + lanes)
    if "waited" not in profile.whole:
        return "<p>This profile was recorded before lockbench kept when threads waited.</p>"
    return "<p>No thread waited for a lock.</p>"


def _waits(profile: Profile) -> list[Wait]:
    longest = sorted(profile.waits, key=lambda wait: -wait["wait_ns"])[:MOST_WAITS]
    return sorted(longest, key=lambda wait: wait["start_ns"])


def _waits_about(profile: Profile, waits: list[Wait]) -> str:
    n = sum(lock["contended"] for lock in profile.locks)
    if len(waits) < len(profile.waits):
        return f"The longest {len(waits)} of the last {KEPT_WAITS} waits of each thread."
    return "All waits." if len(waits) >= n else f"The last {KEPT_WAITS} waits of each thread."


def _locks_of(waits: list[Wait], found: list[Group]) -> tuple[list[str], dict[int, int]]:
    """The titles of locks in a picture of these waits, those first that were waited for longest, and which of them each
    lock's is."""
    group_of = {lock["id"]: i for i, group in enumerate(found) for lock in group.locks}
    waited: dict[int, int] = {}
    for wait in waits:
        group = group_of.get(wait["lock"], -1)
        waited[group] = waited.get(group, 0) + wait["wait_ns"]
    order = sorted(waited, key=lambda group: (-waited[group], group))
    place = {group: i for i, group in enumerate(order)}
    return ([found[group].title if group >= 0 else "a lock that is not in the profile" for group in order],
            {wait["lock"]: place[group_of.get(wait["lock"], -1)] for wait in waits})


def _longest(waits: list[Wait], titles: list[str], of_lock: dict[int, int]) -> str:
    chosen = sorted(range(len(waits)), key=lambda i: -waits[i]["wait_ns"])[:N_LONGEST]
    if not chosen:
        return ""
    rows = [f"<tr>{_name(titles[of_lock[waits[i]['lock']]])}"
            + _cells(_ns(waits[i]["wait_ns"]), f"{waits[i]['start_ns'] / 1e9:.6f} s", waits[i]["thread"],
                     "?" if waits[i]["holder"] is None else waits[i]["holder"],
                     f'<button type=button data-wait="{i}">show</button>') + "</tr>" for i in chosen]
    return ("<details open><summary>The longest of these waits</summary>"
            + _tabulated(("lock",), ("waited", "began after", "thread", "held by", ""), rows) + "</details>")


def _each(found: list[Group]) -> str:
    if not found:
        return ""
    parts = "".join(_one(i, group) for i, group in enumerate(found[:MOST_GROUPS]))
    return ("<section><h2>Each lock</h2><p class=note>How long it was held, waited for, and not touched by a thread "
            "after that had released it. The area of a bar is its share; several peaks are several kinds of work.</p>"
            f"{parts}{_left_out(found)}</section>")


def _one(i: int, group: Group) -> str:
    figures = group.figures
    n = figures["acquisitions"]
    kinds = [(name, figures[key]) for name, key in (
        ("to read", "reads"), ("tries", "trylocks"), ("failed tries", "trylocks_failed"), ("with a deadline", "timed"),
        ("waits for conditions", "condition_waits"), ("hand-offs to another thread", "handoffs"),
        ("sched_yield while held", "yields"), ("sections timed", "sections_timed")) if figures[key]]
    price = _price([("kind", group.kind), ("acquisitions", _count(n)), ("had to wait", _count(figures["contended"])),
                    *((name, _count(value)) for name, value in kinds)])
    # Those that are waited for are open.
    is_open = " open" if i < 3 and figures["wait_total_ns"] or i == 0 else ""
    return (f'<details class=lock id="lock-{i}"{is_open}><summary><b>{escape(group.title)}</b>: '
            f"{_ns(figures['wait_total_ns'])} waited</summary>{price}{pictures.histograms(group)}{_sites(group)}"
            "</details>")


def _sites(group: Group) -> str:
    is_estimated = any(site.looks for site in group.sites)
    rows = [f"<tr>{_name(site.name)}" + _cells(_count(site.acquisitions), _ns(site.waited_ns), _ns(site.caused_wait_ns),
                                               site.caused_pct(group.figures["wait_total_ns"]),
                                               *([site.looks or "counted"] if is_estimated else [])) + "</tr>"
            for site in group.sites]
    heads = ("acquisitions", "waited there", "others waited while held from there", "% of waiting")
    note = ("<p class=note>Who called a wrapper was seen by looks at the stack, and the rest is dealt in proportion: "
            f"the share of waiting is an estimate from so many looks, and left out below {MIN_LOOKS}.</p>")
    return (_tabulated(("taken from",), heads + (("looks",) if is_estimated else ()), rows)
            + (note if is_estimated else ""))


def _nesting(nested: list[Nesting]) -> str:
    if not nested:
        return "<section><h2>Nesting</h2><p>No lock was taken while its thread held another.</p></section>"
    rows = [f"<tr>{_name(pair.inner)}{_name(pair.outer or 'other locks')}"
            + _cells(_count(pair.times), "in both orders" if pair.is_both_ways else "") + "</tr>"
            for pair in nested[:MOST_LOCKS]]
    return ("<section><h2>Nesting</h2>"
            + _tabulated(("lock", "taken while its thread held, as the last that it had taken"), ("times", ""), rows)
            + "</section>")


def _every_lock(found: list[Group]) -> str:
    """Those that are not one line anyway."""
    several: list[tuple[str, Lock]] = [(group.name, lock) for group in found if len(group.locks) > 1
                                       for lock in group.locks]
    if not several:
        return ""
    rows = [f"<tr>{_name(name)}" + _cells(
        lock["id"], lock["instances"], _count(lock["acquisitions"]), _count(lock["contended"]),
        _ns(lock["wait_total_ns"]), _ns(lock["wait_longest_ns"]), lock["threads"]) + "</tr>"
        for name, lock in several[:MOST_LOCKS]]
    n_more = len(several) - MOST_LOCKS
    return (f"<section><h2>Locks of one place</h2><details><summary>{len(several)} locks</summary>"
            + _tabulated(("made at",), ("id", "locks", "acquisitions", "had to wait", "waited", "longest wait",
                                        "threads"), rows)
            + (f"<p class=note>{n_more} more are in the profile.</p>" if n_more > 0 else "") + "</details></section>")
