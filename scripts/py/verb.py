# SPDX-License-Identifier: MIT
"""Becomes one of the scripts' programs: verb.py NAME ARGUMENT...

Each is the `main` of one module: it takes the arguments and returns the exit code, or raises a UserError.
"""

import importlib
import signal
import sys

from common.program import UserError

MODULES = {
    "calibrate-simulation": "simulation.calibration",
    "catalogue": "report.catalogue",
    "check": "check.command",
    "check-orders": "checkers.orders",
    "compare": "compare.command",
    "fleet": "compare.fleet",
    "layout": "report.layout",
    "plot": "plots.command",
    "programs": "programs.command",
    "report": "report.command",
    "seed-vs-go": "compare.seed_vs_go",
    "summary": "report.summary",
    "try": "programs.try_program",
    "validate-simulation": "simulation.validation",
}


def run(verb: str, arguments: list[str]) -> int:
    """Returns the exit code; what cannot be used is told in one line."""
    try:
        return importlib.import_module(MODULES[verb]).main(arguments)
    except UserError as error:
        print(f"{verb}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` is no error
    sys.exit(run(sys.argv[1], sys.argv[2:]))
