# SPDX-License-Identifier: MIT
"""How the scripts' programs are called and how they end: exit code 0, or 2 and one line about what cannot be used."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Callable, NoReturn


class UserError(Exception):
    """One line for the user: what was given, what is allowed, what to do."""


def usage(text: str, arguments: list[str]) -> int:
    """Tells how the program is called, and returns its exit code: whether that was asked for or is a correction."""
    is_asked = arguments in (["-h"], ["--help"])
    print(f"usage: {text}", file=sys.stdout if is_asked else sys.stderr)
    return 0 if is_asked else 2


def run(main: Callable[[list[str]], int]) -> NoReturn:
    """Becomes `main`, which takes the arguments and returns the exit code or raises a UserError."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        sys.exit(2)
