# SPDX-License-Identifier: MIT
"""Summary, answer and map say of each pair of locks what `scripts/compare` says of it: on a whole catalogue."""

from __future__ import annotations

import contextlib
import csv
import io
import unittest
from typing import Iterator

import pandas as pd

import support
import verb
from compare.ranking import Ranking
from report import answer
from report import summary
from results import columns
from results import reading
from results.cells import cells

# Of the reference runs the one of the whole catalogue.
CATALOGUE = max(sorted((support.ROOT / "results").glob("*/results.csv")),
                key=lambda path: pd.read_csv(path, usecols=["lock"])["lock"].nunique()).parent
PLACE = [column for column in columns.CELL if column != "lock"]


class Catalogue(unittest.TestCase):
    """`faster` holds what compare prints: pairs of cells of which the first is faster."""

    faster: set[tuple[int, int]]
    n_pairs: int
    table: pd.DataFrame
    ranking: Ranking

    @classmethod
    def setUpClass(cls) -> None:
        run = reading.load(CATALOGUE)
        cls.table, cls.ranking = cells(run), Ranking.of(run)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert verb.run("compare", [str(CATALOGUE), "--format", "csv"]) == 0
        cell_of = {cls.name(row["lock"], row): cell for cell, row in cls.table.iterrows()}
        cls.faster, cls.n_pairs = set(), 0
        for row in csv.DictReader(io.StringIO(out.getvalue())):
            a, b = (cell_of[cls.name(row[side], row)] for side in ("lock", "against"))
            cls.n_pairs += 1
            if row["verdict"] != "no difference shown":
                cls.faster.add((a, b) if row["verdict"] == "faster" else (b, a))

    @staticmethod
    def name(lock: str, row: dict[str, str] | pd.Series) -> tuple[str, ...]:
        """Of a cell, from numbers or from what CSV makes of them."""
        texts = ("" if pd.isna(row[column]) else str(row[column]) for column in PLACE)
        return (lock, *(f"{float(text):.10g}" if text.replace(".", "").isdigit() else text for text in texts))

    def groups(self, *by: str) -> Iterator[pd.DataFrame]:
        locks = self.table[self.table["kind"] != "baseline"]
        return (group for _, group in locks.groupby([*by], dropna=False, observed=True))

    def test_all_pairs(self) -> None:
        sizes = [len(group) for group in self.groups(*PLACE)]
        self.assertEqual(self.n_pairs, sum(n * (n - 1) // 2 for n in sizes))
        self.assertGreater(self.n_pairs, 1000)
        self.assertEqual(self.ranking.shown, self.faster)

    def test_the_summarys_marks(self) -> None:
        layout = summary.Layout(summary.COLUMNS[:1], self.table)
        n_shown = 0
        for group in self.groups("workload", "threads", "readers"):
            lines = list(summary.thread_count(group, self.ranking, layout))
            marks = {line.split()[1]: line.split()[0] for line in lines[2:] if not line.startswith("    ")}
            leader = None
            for cell, row in group.sort_values(["ops_per_s", "lock"], ascending=[False, True]).iterrows():
                if row["copies"]:
                    self.assertEqual("cpy", marks[row["lock"]])
                    continue
                is_apart = leader is None or (leader, cell) in self.faster
                self.assertEqual(marks[row["lock"]] != "=", is_apart, (row["lock"], row["workload"], row["threads"]))
                leader, n_shown = (cell, n_shown + 1) if is_apart else (leader, n_shown)
        self.assertGreater(n_shown, 20)

    def test_the_map(self) -> None:
        n_alike = 0
        for kind in ("mutex", "rw"):
            cell_of = {key: cell for cell, key in zip(self.table.index, zip(
                self.table["lock"], self.table["threads"], self.table["cs_ns"]))}
            for _, regions in answer.regions(self.table, self.ranking, kind):
                for region in regions:
                    at = (region.threads, region.cs_ns)
                    best = cell_of[(region.best, *at)]
                    others = [lock for (lock, *place), cell in cell_of.items()
                              if tuple(place) == at and lock != region.best
                              and self.table.at[cell, "kind"] == kind and not self.table.at[cell, "copies"]
                              and self.table.at[cell, "speed"].n]
                    alike = {lock for lock in others if (best, cell_of[(lock, *at)]) not in self.faster}
                    self.assertEqual(set(region.alike), alike)
                    n_alike += len(alike)
        self.assertGreater(n_alike, 5)

    def test_the_answer(self) -> None:
        found = answer.answers(self.table, self.ranking)
        self.assertGreater(len(found), 3)
        for one in found:
            if one.best is None:
                continue
            asked = self.table[(self.table["kind"] == one.question.kind) & one.question.asks(self.table)]
            for lock, row in one.table.iterrows():
                n_beaten = sum(
                    (group.index[group["lock"] == one.best][0], group.index[group["lock"] == lock][0]) in self.faster
                    for _, group in asked.groupby(answer.SITUATION, dropna=False))
                self.assertEqual(row["n_beaten"], n_beaten, (one.question.name, lock))


class SeveralRuns(support.FolderTest):
    def test_in_one_file_each_has_to_show_it(self) -> None:
        """Of two runs that contradict each other nothing is shown; of two that agree, what both do."""
        rows = support.matrix(["futex", "ticket"], (2,), 7)
        swapped = [row | {"lock": {"futex": "ticket", "ticket": "futex"}[row["lock"]], "run_id": "2"} for row in rows]
        for more, n_shown in ((swapped, 0), ([row | {"run_id": "2"} for row in rows], 1)):
            run = reading.load(support.write(self.folder, support.numbered(rows + more)))
            self.assertEqual(len(Ranking.of(run).shown), n_shown)

    def test_without_rates_nothing_is_shown(self) -> None:
        run = reading.load(support.write(self.folder, support.matrix(["futex"], (2,), 7, status="timeout",
                                                                     ops_per_s="")))
        self.assertEqual(Ranking.of(run), Ranking([], frozenset()))


if __name__ == "__main__":
    unittest.main()
