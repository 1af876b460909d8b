# SPDX-License-Identifier: MIT
"""Numbers as people read them, in at most five characters, for tables and plots alike."""

from __future__ import annotations

import math


def count(value: float) -> str:
    """18M, 1.8M, 312k, 42; empty when not measured."""
    return _scaled(value, ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")))


def duration(ns: float) -> str:
    """344ms, 1.2us, 16ns; empty when not measured."""
    return _scaled(ns, ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")))


def mops(ops_per_s: float) -> str:
    """Millions per second with three to four digits, down to a lock that hands over eight times a second."""
    value = ops_per_s / 1e6
    if math.isnan(value):
        return ""
    if value == 0:
        return "0"
    if value < 0.001:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:.{1 if value >= 100 else 2 if value >= 10 else 3 if value >= 0.1 else 4}f}"


def _scaled(value: float, scales: tuple[tuple[float, str], ...]) -> str:
    if math.isnan(value):
        return ""
    # 999.6 would print as 1000 of the smaller unit: go up a unit as soon as rounding would.
    size, unit = next(((s, u) for s, u in scales if abs(value) >= 0.9995 * s), scales[-1])
    scaled = value / size
    digits = 0 if abs(scaled) >= 9.95 or scaled == round(scaled) else 1
    return f"{scaled:.{digits}f}{unit}"


def plural(count: float, noun: str) -> str:
    return f"{count:g} {noun}" + ("" if count == 1 else "s")
