# SPDX-License-Identifier: MIT
"""Lines that fit a terminal."""

from __future__ import annotations

import textwrap

WIDTH = 100
RULE = "-" * WIDTH


def wrapped(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
