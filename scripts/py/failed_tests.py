# SPDX-License-Identifier: MIT
"""failed_tests: prints which tests of one `meson test` failed, each with its first error and the end of what it said.

usage: failed_tests.py BUILD_DIRECTORY

What a reader of a long log needs at its end. Exit code 0, also where nothing failed.
"""

import json
import pathlib
import sys

KEPT_LINES = 12
KEPT_COLUMNS = 240


def what_it_said(test: dict[str, str]) -> list[str]:
    lines = (test.get("stdout", "") + "\n" + test.get("stderr", "")).splitlines()
    lines = [line[:KEPT_COLUMNS] for line in lines if line.strip()]
    return [line for line in lines[:-KEPT_LINES] if "Error" in line][:1] + lines[-KEPT_LINES:]


def main() -> None:
    directory = pathlib.Path(sys.argv[1])
    for line in (directory / "meson-logs/testlog.json").read_text(errors="replace").splitlines():
        test = json.loads(line)
        if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
            continue
        print(f"{directory}: {test['name']}: {test['result']} after {test['duration']:.0f} s")
        for printed in what_it_said(test):
            print(f"    {printed}")


if __name__ == "__main__":
    main()
