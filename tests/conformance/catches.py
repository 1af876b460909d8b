#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a test on what is wrong on purpose: catches.py TEXT PROGRAM [ARGUMENT...]. It must fail, and say why with TEXT:
to fail for another reason, such as a case that is no more, catches nothing.
"""

from __future__ import annotations

import subprocess
import sys


def main() -> int:
    text, *command = sys.argv[1:]
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    print(result.stdout)
    if result.returncode != 0 and text in result.stdout:
        return 0
    print(f"exit code {result.returncode}, without {text!r}" if text not in result.stdout else "it passed")
    return 1


if __name__ == "__main__":
    sys.exit(main())
