# SPDX-License-Identifier: MIT
"""The study of the code's layout: an effect is found, chance is not called one, and few layouts do for little."""

from __future__ import annotations

import contextlib
import io
import unittest

import numpy as np

import support
from common.program import UserError
from report import layout

LAYOUTS = np.tile(np.arange(4), 10)


class Study(unittest.TestCase):
    def rates(self, effect: list[float], noise: float, seed: int = 1) -> np.ndarray:
        return np.array(effect)[LAYOUTS] * np.random.default_rng(seed).lognormal(0, noise, len(LAYOUTS))

    def test_an_effect_is_found(self) -> None:
        found = layout.study_cell(self.rates([1, 1, 0.9, 1], 0.01), LAYOUTS)
        self.assertAlmostEqual(found["spread"], 1 / 0.9 - 1, delta=0.02)
        self.assertLess(found["by_chance"], 0.1)
        self.assertLess(found["p"], 0.01)
        self.assertEqual(found["needed"], 4)

    def test_chance_is_no_effect(self) -> None:
        p = [layout.study_cell(self.rates([1, 1, 1, 1], 0.03, seed), LAYOUTS)["p"] for seed in range(20)]
        self.assertLessEqual(sum(value < 0.05 for value in p), 4)  # 1 is expected; 5 come in 0.3 % of such tests

    def test_how_many_layouts_are_needed(self) -> None:
        # Standard errors of 1, 2 and 3 of 4 with a deviation s between them: s, 0.58 s, 0.33 s.
        for deviation, n in ((0.005, 1), (0.015, 2), (0.025, 3), (0.04, 4)):
            self.assertEqual(layout.needed(deviation ** 2, 4), n, deviation)
        self.assertEqual(layout.study_cell(np.ones(40), LAYOUTS)["needed"], 1)


class Program(support.FolderTest):
    def told(self, rows: list[support.Row]) -> str:
        support.write(self.folder, rows)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(layout.main([str(self.folder)]), 0)
        return out.getvalue()

    def test_a_row_for_each_lock_and_its_twin(self) -> None:
        rows = [{**row, "code_layout": row["repetition"] % 4}
                for row in support.matrix(locks=["mcs", "ticket", "empty"], threads=(1, 2), repetitions=20)]
        twins = [{**row, "lock": "twin", "kind": "baseline", "twin_of": "ticket"} for row in rows
                 if row["lock"] == "ticket"]
        for row in rows:
            if row["lock"] == "mcs" and row["code_layout"] == 2:
                row["ops_per_s"] *= 0.8
        told = self.told(support.numbered(rows + twins))
        self.assertEqual(told.count("| `"), 6)
        self.assertNotIn("empty`", told)
        for threads in (1, 2):
            self.assertRegex(told, rf"\| `mcs` \| {threads} \| 20 \| 2\d\.\d% \| \d\.\d% \| yes \| 4 \|")

    def test_too_few_trials(self) -> None:
        support.write(self.folder, support.matrix(repetitions=7, code_layout=1))
        with self.assertRaisesRegex(UserError, "repetitions 40"):
            layout.main([str(self.folder)])


if __name__ == "__main__":
    unittest.main()
