# SPDX-License-Identifier: MIT
"""Numbers as people read them, in at most five characters: the same in the terminal, on the page and in the plots."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal

Scales = tuple[tuple[float, str], ...]

# As Number.toPrecision rounds, so that the page's copy of `count` (web/format.js) says the same of every number.
THREE_DIGITS = Context(prec=3, rounding=ROUND_HALF_UP)
TWO_DIGITS = Context(prec=2, rounding=ROUND_HALF_UP)


def count(value: float) -> str:
    """Of operations or operations per second: 131M, 7.72M, 66.7k, 312; empty when not measured."""
    if math.isnan(value):
        return ""
    size, unit = _scale(value, ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")))
    return f"{Decimal(value / size).normalize(THREE_DIGITS):f}{unit}"


def rough(value: float) -> str:
    """To two digits, never with an exponent, and whole from 100 on: 0.34, 7.7, 100, 1287."""
    if abs(value) >= 99.5:
        return f"{value:.0f}"
    return f"{Decimal(value).normalize(TWO_DIGITS):f}"


def duration(ns: float) -> str:
    """344ms, 1.2us, 16ns; empty when not measured."""
    if math.isnan(ns):
        return ""
    size, unit = _scale(ns, ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")))
    scaled = ns / size
    digits = 0 if abs(scaled) >= 9.95 or scaled == round(scaled) else 1
    return f"{scaled:.{digits}f}{unit}"


def _scale(value: float, scales: Scales) -> tuple[float, str]:
    """999.6 would print as 1000 of the smaller unit: go up a unit as soon as rounding would."""
    return next((scale for scale in scales if abs(value) >= 0.9995 * scale[0]), scales[-1])


def spaced(text: str) -> str:
    """What a terminal shows as >=10us, as a page or a plot writes it: ≥ 10 µs."""
    return re.sub(r"(\d)([GMk]|[mun]?s)(?![A-Za-z])", r"\1 \2", re.sub(">= ?", "≥ ", text)).replace(" us", " µs")


def plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}" + ("" if count == 1 else "s")
