# SPDX-License-Identifier: MIT
"""All verbs of scripts/py are called alike: -h, options with or without `=`, and one line about what is wrong."""

from __future__ import annotations

import unittest
from pathlib import Path

import support
import verb


class Called(support.FolderTest):
    def call(self, name: str, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of the verb."""
        done = support.call(name, *arguments)
        return done.returncode, done.stdout, done.stderr

    def test_help_that_was_asked_for_is_output(self) -> None:
        for name in verb.MODULES:
            for option in ("-h", "--help"):
                with self.subTest(verb=name, option=option):
                    code, out, err = self.call(name, option)
                    self.assertEqual((0, ""), (code, err))
                    self.assertTrue(out.startswith("usage: scripts/"), out)
                    self.assertNotIn("==SUPPRESS==", out)

    def test_an_unknown_option_is_named_first(self) -> None:
        """Also where something else is missing, as the run that it stands in the place of."""
        for name in verb.MODULES:
            for given, told in ((["--frobnicate"], "--frobnicate"), (["x", "--frobnicate=3"], "--frobnicate"),
                                (["-q"], "-q"), (["--hel"], "--hel")):
                with self.subTest(verb=name, given=given):
                    code, out, err = self.call(name, *given)
                    self.assertEqual((2, "", 1), (code, out, err.count("\n")), err)
                    self.assertRegex(err, f": unknown option {told}; scripts/[a-z -]+ --help tells more\n$")

    def test_what_is_missing_is_one_line(self) -> None:
        for name in set(verb.MODULES) - {"check-orders"}:  # which takes none
            with self.subTest(verb=name):
                code, out, err = self.call(name)
                self.assertEqual((2, "", 1), (code, out, err.count("\n")), err)
                self.assertIn("required", err)

    def test_a_value_comes_with_a_space_or_after_an_equals_sign(self) -> None:
        run = support.write(self.folder, support.matrix(("futex", "mcs"), (1,), 6))
        for i, given in enumerate((["--out", "{}"], ["--out={}"])):
            page = self.folder / f"{i}.html"
            code, _, err = self.call("report", run, *(word.format(page) for word in given))
            self.assertEqual((0, ""), (code, err))
            self.assertTrue(page.exists())
        tables = {self.call("compare", run, "--metric", "cpu_ns_per_op"),
                  self.call("compare", "--metric=cpu_ns_per_op", run)}
        self.assertEqual(1, len(tables))
        [(code, out, _)] = tables
        self.assertEqual(0, code)
        self.assertIn("cpu_ns_per_op: ratio", out)
        for margin in (["--margin", "-1"], ["--margin=-1"]):
            code, _, err = self.call("compare", run, *margin)
            self.assertEqual((2, 1), (code, err.count("\n")))
            self.assertIn("--margin: -1 given, allowed: 0 to 100", err)


if __name__ == "__main__":
    unittest.main()
