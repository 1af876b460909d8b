# SPDX-License-Identifier: MIT
"""Rows of a replay: whose locks they are of is told, and no two profiles are one."""

from __future__ import annotations

import unittest
from typing import Any

import support
from compare.ranking import Ranking
from report import answer
from report import sections
from results import labels
from results import reading
from results.cells import cells

NAME = "db_bench-0badcafe"


def replayed(name: str = NAME, **given: Any) -> list[support.Row]:
    return support.matrix(threads=(2,), repetitions=7, profile=name, hold_scale=1, gap_scale=1, cs_ns="", think="",
                          think_ns="", **given)


class Replay(support.FolderTest):
    def read(self, rows: list[support.Row]) -> reading.Run:
        return reading.load(support.write(self.folder, support.numbered(rows)))

    def test_profiles_scales_and_lines_are_workloads_of_their_own(self) -> None:
        rows = [*replayed(), *replayed("db_bench-00000000"), *replayed(cs_lines=4),
                *replayed(), *support.matrix(threads=(2,), repetitions=7)]
        rows += [{**row, "hold_scale": 1.25} for row in replayed()] + [{**row, "gap_scale": 2} for row in replayed()]
        run = self.read(rows)
        self.assertEqual(6, run.rows["workload"].nunique())
        texts = {labels.workload_label(row) for _, row in run.rows.drop_duplicates("workload").iterrows()}
        self.assertEqual(6, len(texts))
        self.assertIn(f"replay of {NAME}, 0 % reads, 1 lock, 5 keys, placement compact", texts)
        self.assertIn(f"replay of {NAME}, 0 % reads, 1 lock, 5 keys, sections x 1.25, placement compact", texts)

    def test_the_page_answers_for_the_program(self) -> None:
        run = self.read(replayed())
        table, ranking = cells(run), Ranking.of(run)
        found = {a.question.name: a for a in answer.answers(table, ranking)}
        self.assertEqual("futex", found["replay"].best)
        self.assertEqual(set(), {"short", "long"} & set(found))  # how long its sections are is not one number
        page = sections.map_section("Mutexes", "", answer.regions(table, ranking, "mutex"),
                                    {str(lock): i for i, lock in enumerate(table["lock"])})
        self.assertIn("<th scope=row>as recorded</th>", page)
        self.assertIn(NAME, page)
        self.assertNotIn("not measured", page)
        self.assertNotIn("--cs-ns", page)
        self.assertNotIn("nan", page)


class Misfit(support.FolderTest):
    """The locks of the rows are a factor of nine apart at the most, and a factor of three the next."""

    def ranking(self, calibration: object, **given: Any) -> Ranking:
        host = {"calibration": calibration} if calibration is not None else {}
        return Ranking.of(reading.load(support.write(self.folder, replayed(**given), host)))

    def test_what_a_replay_misses_is_no_difference(self) -> None:
        n_shown = [len(self.ranking({"profile": NAME, "misfit": misfit}).shown) for misfit in (0, 0.2, 4, 20)]
        self.assertEqual(sorted(n_shown, reverse=True), n_shown)
        self.assertGreater(n_shown[0], n_shown[2])
        self.assertGreater(n_shown[2], 0)
        self.assertEqual(0, n_shown[3])

    def test_it_is_told(self) -> None:
        said = self.ranking({"profile": NAME, "misfit": 0.083}).floor
        self.assertIn("misses what the program did by 8.3 %", said[0])
        self.assertIn("0 %", self.ranking({"profile": NAME, "misfit": 0}).floor[0])
        for calibration in (None, 7, {"profile": NAME}, {"profile": "another-00000000", "misfit": 0.1}):
            with self.subTest(calibration):
                self.assertIn("was not calibrated", self.ranking(calibration).floor[0])

    def test_a_run_without_a_profile_knows_nothing_of_it(self) -> None:
        ranking = Ranking.of(reading.load(support.write(self.folder, support.matrix(threads=(2,)))))
        self.assertNotIn("replay", " ".join(ranking.floor))


if __name__ == "__main__":
    unittest.main()
