# SPDX-License-Identifier: MIT
"""An interval that is wider than its value is printed as `?`, in the terminal, in the plots and on the page alike."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import unittest

import support
import verb
from compare.ranking import Ranking
from plots import panels
from plots import command as plots
from report import command
from report import summary
from results import reading
from results.cells import cells
from stats import inference


class Rule(unittest.TestCase):
    def test_wider_than_the_value_itself(self) -> None:
        for low, high, says_nothing in ((0.5, 1.49, False), (0.5, 1.51, True), (0.49, 3.51, True), (1, 1, False)):
            self.assertEqual(says_nothing, inference.says_nothing(1, low, high))
        self.assertFalse(inference.median([]).says_nothing)
        self.assertFalse(inference.median([0, 0, 0, 0, 0, 0, 0]).says_nothing)
        self.assertTrue(inference.median([0, 0, 0, 0, 1, 1, 1]).says_nothing)


class Everywhere(support.FolderTest):
    """`ticket` varies by a factor of ten at two threads, everything else by a per cent."""

    def setUp(self) -> None:
        super().setUp()
        rows = support.matrix(("futex", "ticket"), (1, 2), 7)
        for row in rows:
            if (row["lock"], row["threads"]) == ("ticket", 2):
                row["ops_per_s"] *= 10 ** ((row["repetition"] - 4) / 6)
        self.measured = reading.load(support.write(self.folder, rows))

    def test_in_the_summary(self) -> None:
        lines = [line.split() for line in summary.summary(self.measured)
                 if re.match(r" *(\d+|=) +(futex|ticket) ", line)]
        self.assertEqual([("futex", False), ("ticket", False), ("futex", False), ("ticket", True)],
                         [(line[1], line[3] == "?") for line in lines])

    def compare(self, *arguments: str) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(0, verb.run("compare", [str(self.folder), *arguments]))
        return out.getvalue()

    def test_in_comparisons_but_not_where_it_tells_which_is_larger(self) -> None:
        self.assertNotIn("?", self.compare())  # futex is some ten times as fast, however wide the interval is
        rows = support.matrix(("ticket", "mcs"), (2,), 7)
        for row in rows:
            if row["lock"] == "ticket":
                row["ops_per_s"] *= 10 ** ((row["repetition"] - 4) / 6)
        support.write(self.folder, rows)
        for form in ("table", "markdown"):
            text = self.compare("--format", form, "--against", "mcs")
            [line] = [line for line in text.splitlines() if line.startswith(("ticket", "| ticket"))]
            self.assertIn("?", line.replace("|", " ").split())
            self.assertIn("?: an interval that is wider than the ratio itself", " ".join(text.split()))
        [row] = csv.DictReader(io.StringIO(self.compare("--format", "csv", "--against", "mcs")))
        self.assertGreater(float(row["high"]) - float(row["low"]), float(row["ratio"]), "programs get the numbers")

    def test_on_the_page(self) -> None:
        model = command.model(["x"], [cells(self.measured)], {"futex": 0, "ticket": 1})
        told = {(cell["lock"], cell["threads"]): (cell["says_nothing"], cell["low"] is None, cell["high"] is None)
                for cell in (dict(zip(model["fields"], values)) for values in model["runs"][0]["cells"])}
        self.assertEqual((True,) * 3, told.pop(("ticket", 2)))
        self.assertEqual({(False,) * 3}, set(told.values()))
        self.assertIn("?", command.page([self.measured], [cells(self.measured)], [Ranking.of(self.measured)]))

    def test_in_the_plots(self) -> None:
        for path in plots.draw(self.measured, self.folder):
            if path.name == "throughput.svg":
                svg = path.read_text()
                self.assertEqual(1, svg.count(">?</text>"))
                self.assertIn("an interval wider than the median itself", svg)
        limits = panels._limits({"ticket": [inference.Median(7, 10.0, 1.0, 100.0)]})
        self.assertEqual((10.0, 10.0), limits, "what is not drawn takes no room")


if __name__ == "__main__":
    unittest.main()
