# SPDX-License-Identifier: MIT
"""The columns of a fresh CSV, those that the scripts read, and those that results/README.md explains are the same."""

from __future__ import annotations

import re
import sys
import unittest
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from results import columns  # noqa: E402


def explained() -> list[str]:
    """The names in the first cells of the table under `## Columns`, in its order."""
    table = (ROOT / "results" / "README.md").read_text(encoding="utf-8").partition("\n## Columns\n")[2]
    cells = re.findall(r"^\| (`.*?`) \|", table.partition("\n## ")[0], re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


class Columns(lockbench.Case):
    def test_one_list(self) -> None:
        result = self.run_program("run", "--locks", "ticket", "--threads", "1", "--repetitions", "1", "--duration",
                                  "0.01", "--warmup", "0", "--out", str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        with (self.out / "results.csv").open(encoding="utf-8") as file:
            written = file.readline().rstrip("\n").split(",")
        self.assertEqual(written, columns.NAMES, "scripts/py/results/columns.py against src/results/record.c")
        self.assertEqual(written, explained(), "results/README.md against src/results/record.c")
        self.assertEqual({str(columns.SCHEMA)}, {row["schema"] for row in self.rows()})


if __name__ == "__main__":
    unittest.main()
