# SPDX-License-Identifier: MIT
"""scripts/try: what it asks the program, and what it says of prediction and truth."""

from __future__ import annotations

import json
import math
import shlex
import unittest
from types import SimpleNamespace
from typing import Any

import support
from compare.verdicts import FASTER, NONE, SLOWER
from programs import prediction, try_program


def truth(verdict: str, ratio: float = 1.2) -> Any:
    return SimpleNamespace(verdict=verdict, ratio=ratio, low=ratio / 1.1, high=ratio * 1.1)


class Conclusion(unittest.TestCase):
    def test_the_fastest_that_is_shown(self) -> None:
        self.assertIn("mcs makes this program faster than its own lock does, 1.80 times as fast; also faster: futex.",
                      try_program.conclusion([("futex", truth(FASTER, 1.3)), ("mcs", truth(FASTER, 1.8)),
                                              ("ttas", truth(NONE, 2.5))]))

    def test_nothing_shown_is_said(self) -> None:
        cases: list[list[tuple[str, Any]]] = [[], [("futex", truth(NONE, 1.3))],
                                              [("futex", truth(NONE)), ("mcs", truth(SLOWER))]]
        for rows in cases:
            self.assertIn("No difference from the program's own lock is shown", try_program.conclusion(rows))

    def test_worse_ones_are_not_recommended(self) -> None:
        self.assertIn("Keep its own lock", try_program.conclusion([("futex", truth(SLOWER)), ("mcs", truth(SLOWER))]))


class Words(support.FolderTest):
    def test_arguments_reach_the_program_as_they_are(self) -> None:
        words = ["./a program", "--format={x}", "it's", "a b", "{threads}"]
        program = try_program.as_program(words, None, "mutex")
        self.assertEqual(words, program.arguments(4, self.folder))
        self.assertEqual(0.5, program.operations_per_s("anything", 4, 2.0))
        self.assertEqual(shlex.join(words), program.command.format(threads="THREADS", data="DATA"))

    def test_a_figure_is_the_first_group(self) -> None:
        for figure in (r"rate: ([0-9.]+) \(of (\d+)\)", r"(?:rate|speed): ([0-9.]+)"):
            program = try_program.as_program(["x"], figure, "mutex")
            self.assertEqual(12.5, program.operations_per_s("rate: 12.5 (of 20)", 1, 3.0))
            self.assertIsNone(program.operations_per_s("no such line", 1, 3.0))

    def test_which_kind_is_replayed(self) -> None:
        def lock(kind: str, wait: float, n: int) -> dict[str, Any]:
            return {"kind": kind, "wait_total_ns": wait, "acquisitions": n}
        for kind, locks in (("mutex", [lock("mutex", 5, 1), lock("rwlock", 4, 100)]),
                            ("rw", [lock("spin", 5, 100), lock("rwlock", 6, 1)]),
                            ("rw", [lock("mutex", 0, 1), lock("rwlock", 0, 2)]), ("mutex", [lock("spin", 0, 1)])):
            self.assertEqual(kind, prediction.kind_of({"locks": locks}))

    def test_what_is_no_profile(self) -> None:
        path = self.folder / "profile.json"
        for text in ("", "{", "[]", '{"locks": [{}]}', json.dumps({"locks": 7})):
            path.write_text(text)
            with self.subTest(text), self.assertRaisesRegex(prediction.UserError, "not a profile of"):
                prediction.read_profile(path)
        with self.assertRaisesRegex(prediction.UserError, "No such file"):
            prediction.read_profile(self.folder / "nowhere")


class Predictions(support.FolderTest):
    def test_best_first_against_the_programs_own(self) -> None:
        name = "db_bench-0badcafe"
        rows = support.matrix(threads=(2,), repetitions=7, profile=name, hold_scale=1, gap_scale=1, cs_ns="", think="",
                              think_ns="")
        for row in rows:
            if row["lock"] == "mcs":
                row["status"] = "timeout"
        support.write(self.folder, rows, {"calibration": {"profile": name, "misfit": 0.08}})
        found = prediction.predict(self.folder, "mutex", ["futex", "mcs", "ticket"])
        self.assertEqual(["futex", "ticket"], [lock.lock for lock in found.locks])
        self.assertEqual([FASTER, SLOWER], [lock.verdict for lock in found.locks])
        self.assertAlmostEqual(157 * 0.28 / (62 * 0.30), found.locks[0].ratio, delta=0.1)
        self.assertEqual(["ticket"], [lock.lock for lock in prediction.predict(self.folder, "mutex", ["ticket"]).locks])
        self.assertTrue(math.isclose(0.08, found.misfit))


class Usage(support.FolderTest):
    def test_what_is_wrong_is_one_line_and_leaves_nothing(self) -> None:
        profile, none = self.folder / "profile.json", str(self.folder / "nowhere")
        profile.write_text('{"locks": []}')
        before = sorted(self.folder.rglob("*"))
        for arguments, told in (
                (["--best", "2"], "no program; it comes behind --"),
                (["--"], "no program"),
                (["--frobnicate", "--", "true"], "unknown option --frobnicate"),
                (["--best", "0", "--", "true"], "'0' given, allowed: 1 to 20"),
                (["--figure", "rate", "--", "true"], "'rate' has no group"),
                (["--figure", "(", "--", "true"], "no regular expression"),
                (["--duration", "0", "--", "true"], "allowed: 0.001 to 60"),
                (["--profile", none, "--", "true"], "nowhere: No such file"),
                (["--profile", str(profile), "--", "./nowhere"], "there is no program './nowhere'"),
                (["--profile", str(profile), "--out", "/proc/x/y", "--", "true"], "give a folder that can be created")):
            with self.subTest(arguments=arguments):
                done = support.call("try", "true", *arguments)
                self.assertEqual((2, "", 1), (done.returncode, done.stdout, done.stderr.count("\n")), done.stderr)
                self.assertIn(told, done.stderr)
                self.assertEqual(before, sorted(self.folder.rglob("*")))


if __name__ == "__main__":
    unittest.main()
