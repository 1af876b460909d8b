# SPDX-License-Identifier: MIT
"""The memory orders that a lock's header names: where they are, and what each can be weakened to.

A comment at a site may say `order-kept WHAT: reason`, where WHAT is what a weaker order would lose: acquire, release,
seq_cst, or acquire on failure. That is for what no checker can show; a checker that can contradicts it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WEAKER = {
    "seq_cst": ("acq_rel", "acquire", "release"),
    "acq_rel": ("acquire", "release"),
    "acquire": ("relaxed",),
    "release": ("relaxed",),
    "relaxed": (),
}
NO_LOAD, NO_STORE = {"release", "acq_rel"}, {"acquire", "acq_rel"}  # what an operation of only one half cannot have

CALL = re.compile(r"\b(?:atomic_(\w+)_explicit|(atomic_thread_fence))\(")
ORDER = re.compile(r"\bmemory_order_(\w+)\b")
FUNCTION = re.compile(r"^(?!enum|struct \w+ \{|_Static)\w[^;{}#]*?\b(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
KEPT = re.compile(r"order-kept (seq_cst|acquire on failure|acquire|release): (.*?)(?= order-kept |\*/|$)", re.DOTALL)


class Misplaced(Exception):
    """One line for the user: a header that cannot be understood, and where."""


@dataclass(frozen=True)
class Mutant:
    """One order of one site, one step weaker."""

    lock: str
    site: str
    line: int
    order: str
    weaker: str
    lost: str
    reason: str  # why it is kept although no checker asks for it; empty: none is given
    source: str  # of the header, changed
    is_c11: bool  # a failure must not be stronger than success


@dataclass(frozen=True)
class Call:
    """An atomic operation: its name and place, and the places of its orders."""

    name: str
    start: int
    end: int
    place: str
    orders: tuple[tuple[int, str], ...]


def without_comments(source: str) -> str:
    """Of the same length, so that offsets stay."""
    return COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source)


def end_of_call(code: str, opening: int) -> int:
    depth = 0
    for i in range(opening, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i + 1
    raise Misplaced(f"offset {opening}: a parenthesis is not closed")


def calls_of(code: str) -> list[Call]:
    found = []
    for match in CALL.finditer(code):
        end = end_of_call(code, match.end() - 1)
        inside = code[match.end():end - 1]
        first = inside[:end_of_first(inside)]
        orders = tuple((match.end() + order.start(1), order[1]) for order in ORDER.finditer(inside))
        nested = CALL.search(inside)
        if nested:  # its orders are its own
            orders = tuple(order for order in orders if not match.end() + nested.start() <= order[0]
                           < match.end() + end_of_call(inside, nested.end() - 1))
        place = "" if match[2] else " ".join(first.removeprefix("&").split())
        found.append(Call(match[1] or "fence", match.start(), end, place, orders))
    return found


def end_of_first(arguments: str) -> int:
    depth = 0
    for i, char in enumerate(arguments):
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0:
            return i
    return len(arguments)


def function_at(code: str, offset: int) -> str:
    names = [match[1] for match in FUNCTION.finditer(code, 0, offset)]
    return names[-1] if names else ""


def kept_at(source: str, calls: list[Call]) -> dict[tuple[int, str], str]:
    """The reasons given, by the call's start and what would be lost."""
    reasons = {}
    for comment in COMMENT.finditer(source):
        line_start = source.rfind("\n", 0, comment.start()) + 1
        before = [call for call in calls if line_start < call.end <= comment.start()]
        after = [call for call in calls if call.start >= comment.end()]
        text = " ".join(comment[0].split())
        for match in KEPT.finditer(text):
            owner = before[-1] if before else after[0] if after else None
            if owner is None:
                raise Misplaced(f"'order-kept {match[1]}' belongs to no atomic operation")
            reasons[owner.start, match[1]] = match[2].strip().removesuffix(".")
    return reasons


def lost_by(order: str, weaker: str) -> str:
    if order == "acq_rel":
        return "release" if weaker == "acquire" else "acquire"
    return order


def possible(call: Call, order: str, is_failure: bool) -> tuple[str, ...]:
    """The weaker orders that such an operation can have."""
    forbidden: set[str] = set()
    if call.name == "load" or is_failure:
        forbidden = NO_LOAD
    elif call.name == "store":
        forbidden = NO_STORE
    steps = tuple(weaker for weaker in WEAKER[order] if weaker not in forbidden)
    # Where there is a step between, the lower ones are no steps from here.
    return ("acq_rel",) if "acq_rel" in steps else steps


def is_allowed(success: str, failure: str) -> bool:
    return failure == "relaxed" or success == "seq_cst" or (failure == "acquire" and success in ("acquire", "acq_rel"))


def mutants_of(lock: str, source: str) -> list[Mutant]:
    code = without_comments(source)
    calls = calls_of(code)
    reasons = kept_at(source, calls)
    seen: dict[str, int] = {}
    mutants = []
    for call in calls:
        function = function_at(code, call.start).removeprefix(f"lk_{lock}_")
        label = " ".join(filter(None, [f"{function}:", call.name, call.place]))
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            label += f" #{seen[label]}"
        for index, (offset, order) in enumerate(call.orders):
            is_failure = index == 1
            for weaker in possible(call, order, is_failure):
                lost = lost_by(order, weaker) + (" on failure" if is_failure else "")
                pair = [order for _, order in call.orders]
                pair[index] = weaker
                changed = source[:offset] + weaker + source[offset + len(order):]
                mutants.append(Mutant(lock, label + (", on failure" if is_failure else ""),
                                      source.count("\n", 0, offset) + 1, order, weaker, lost,
                                      reasons.pop((call.start, lost), ""), changed,
                                      len(pair) < 2 or is_allowed(pair[0], pair[1])))
    if reasons:
        start, lost = next(iter(reasons))
        line = source.count("\n", 0, start) + 1
        raise Misplaced(f"{lock}.h:{line}: 'order-kept {lost}', but no order there can lose that")
    return mutants
