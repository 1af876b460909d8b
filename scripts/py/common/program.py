# SPDX-License-Identifier: MIT
"""How every verb is called: the same options everywhere, and of bad usage one line and exit code 2."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn, Sequence


class UserError(Exception):
    """One line for the user: what was given, what is allowed, what to do."""


class Parser(argparse.ArgumentParser):
    """Options are spelled out, and take their value as `--opt VALUE` or `--opt=VALUE`; -h and --help tell about all."""

    def __init__(self, prog: str, description: str | None, **given: Any) -> None:
        """`prog` is the path under which users know the program."""
        super().__init__(prog=prog, description=description, allow_abbrev=False, **given)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog.rpartition('/')[2]}: {message}; {self.prog} --help tells more", file=sys.stderr)
        sys.exit(2)

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:
        """An unknown option is named before anything else is missed, which it may have been meant for."""
        for argument in sys.argv[1:] if args is None else args:
            if argument == "--":
                break
            name = argument.partition("=")[0]
            if re.match(r"-\D", argument) and name not in self._option_string_actions:
                self.error(f"unknown option {name}")
        return super().parse_known_args(args, namespace)
