# SPDX-License-Identifier: MIT
"""What the tests that read machine code share: to ask a tool, and to say what was found."""

from __future__ import annotations

import subprocess
import sys


def said_by(*command: str) -> str:
    return subprocess.run(command, text=True, check=True, stdout=subprocess.PIPE).stdout


def exit_code(faults: list[str], n_looked_at: int) -> int:
    """Tells the faults; to have looked at nothing is one, too."""
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults or n_looked_at == 0 else 0
