# SPDX-License-Identifier: MIT
"""The report across machines: flips are found, agreement is counted, and what was measured once is left out."""

from __future__ import annotations

import unittest

import support
from compare import fleet
from results import reading


class Report(support.FolderTest):
    def machine(self, name: str, factors: dict[str, float], threads: tuple[int, ...] = (2,)) -> reading.Run:
        """A run in which each lock is that many times as fast as usual."""
        rows = support.matrix(locks=("mcs", "ticket", "futex"), threads=threads, repetitions=7, host=name,
                              topology_hash=name, run_id=name)
        folder = self.folder / name
        folder.mkdir()
        return reading.load(support.write(
            folder, [{**row, "ops_per_s": row["ops_per_s"] * factors.get(row["lock"], 1)} for row in rows]))

    def report(self, *runs: reading.Run) -> str:
        return " ".join(" ".join(fleet.report(list(runs), [run.path.parent.name for run in runs])).split())

    def test_a_flip_is_found_and_told(self) -> None:
        """futex beats the others everywhere; mcs is a tenth ahead of ticket, but not on c."""
        text = self.report(self.machine("a", {}), self.machine("b", {"futex": 2}), self.machine("c", {"ticket": 1.7}))
        self.assertIn("compared in two runs or more: 3; 1 flip, 2 have the same winner", text)
        self.assertRegex(text, r"0 % reads, .*, 2 threads mcs or ticket\? mcs on a \(1\.\d+ times\), b \(1\.\d+ "
                               r"times\); ticket on c \(1\.\d+ times\)$")

    def test_no_difference_on_some_machines_is_no_flip(self) -> None:
        text = self.report(self.machine("a", {}), self.machine("b", {"ticket": 1.08}))
        self.assertIn("0 flip, 2 have the same winner in all, 0 show no difference in any, 1 show one in some", text)
        self.assertNotIn("?", text)

    def test_pairs_of_one_machine_only_are_counted_apart(self) -> None:
        text = self.report(self.machine("a", {}, threads=(1, 2)), self.machine("b", {}, threads=(2, 4)))
        self.assertIn("compared in two runs or more: 3;", text)
        self.assertIn("measured in one run only, and left out: 6;", text)

    def test_two_logins_of_one_machine_stay_two(self) -> None:
        runs = [self.machine(name, {}) for name in ("a", "b")]
        same = [reading.Run(run.path, run.rows.assign(host="x", topology_hash="x", run_id="x")) for run in runs]
        self.assertIn("compared in two runs or more: 3;", self.report(*same))

    def test_as_a_program(self) -> None:
        self.machine("a", {})
        done = support.call("fleet", self.folder / "a", self.folder / "a")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("0 flip", done.stdout)
        for word in ("--nosuch", "nosuch"):
            done = support.call("fleet", word)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1))


if __name__ == "__main__":
    unittest.main()
