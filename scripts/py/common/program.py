# SPDX-License-Identifier: MIT
"""What every verb says of bad usage: one line, and exit code 2."""

from __future__ import annotations

import sys


class UserError(Exception):
    """One line for the user: what was given, what is allowed, what to do."""


def usage(text: str, arguments: list[str]) -> int:
    """Tells how the program is called, and returns its exit code: whether that was asked for or is a correction."""
    is_asked = arguments in (["-h"], ["--help"])
    print(f"usage: {text}", file=sys.stdout if is_asked else sys.stderr)
    return 0 if is_asked else 2
