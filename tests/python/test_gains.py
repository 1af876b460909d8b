# SPDX-License-Identifier: MIT
"""The table of published gains: each machine has as many cores as its transfers, and what is a miss is called one."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import support  # noqa: F401  (finds the scripts)

from common.program import UserError
from simulation import gains, validation


def row(published: float, over_mcs: float) -> gains.Row:
    gain = gains.Gain("a lock", gains.FOUR_HASWELL, "cna", "mcs", {8: published}, "made up")
    return gains.Row(gain, 8, {"mcs": over_mcs, "qspinlock": 1.0})


class Gains(unittest.TestCase):
    def test_each_shape_has_a_transfer_for_each_two_cores(self) -> None:
        for shape in {gain.shape for gain in gains.GAINS}:
            with self.subTest(shape=shape.name), tempfile.TemporaryDirectory() as folder:
                profile = json.loads(gains.write_profile(Path(folder), shape).read_text())
                cores = math.prod(int(n) for n in re.findall(r"(?:pack|numa|l3|core):(\d+)", profile["topology"]))
                if not shape.blocks:
                    continue
                with (Path(folder) / profile["matrix"]).open(newline="") as file:
                    ns = [[float(value) for value in line] for line in csv.reader(file)]
                self.assertEqual({cores}, {len(ns), *map(len, ns)})
                known = [profile["transfers"][word]["ns"] for word in ("llc", "node", "remote")]
                self.assertEqual(known, [ns[0][other] for other in (7, 8, 96)])
                self.assertEqual(ns, [list(column) for column in zip(*ns)])

    def test_right_is_near_and_in_the_same_direction(self) -> None:
        self.assertTrue(row(1.8, 1.6).is_right("mcs"))
        self.assertTrue(row(1.8, 1.25).is_right("mcs"))
        self.assertFalse(row(1.8, 1.1).is_right("mcs"), "too little")
        self.assertFalse(row(1.8, 2.8).is_right("mcs"), "too much")
        self.assertFalse(row(1.15, 0.85).is_right("mcs"), "near, but a loss")
        self.assertTrue(row(1.0, 0.92).is_right("mcs"), "neither has a gain")
        self.assertFalse(row(0.97, 1.37).is_right("mcs"), "near, but a gain where there is none")
        self.assertFalse(row(1.8, 1.6).is_right("qspinlock"))

    def test_the_table_names_all_and_counts_what_is_right(self) -> None:
        def as_published(_program: str, machine: Path, *options: str) -> dict[str, dict[int, float]]:
            lock, threads = options[1], int(options[3])
            name = json.loads(machine.read_text())["name"]
            rate = max((gain.by_threads[threads] for gain in gains.GAINS if gain.lock == lock and
                        threads in gain.by_threads and gains.profile_name(gain.shape) == name), default=1.0)
            return {lock: {threads: rate}}

        with mock.patch.object(gains, "simulate", as_published), contextlib.redirect_stdout(io.StringIO()) as out:
            gains.print_table("lockbench")
        lines = out.getvalue().splitlines()
        n = sum(len(gain.by_threads) for gain in gains.GAINS)
        self.assertEqual(n, sum(" MISS over " in line or " ok over " in line for line in lines))
        self.assertIn(f"\nof {n}, within a factor of 1.5", out.getvalue())
        for gain in gains.GAINS:
            self.assertIn(gain.shape.name, out.getvalue())

    def test_data_may_be_left_out_only_then(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as err, self.assertRaises(SystemExit) as end:
            validation.main(["lockbench"])
        self.assertEqual(2, end.exception.code)
        self.assertIn("--published", err.getvalue())

    def test_data_comes_before_or_behind_an_option(self) -> None:
        for given in (["{}", "--published"], ["--published", "{}"], ["--machines", "haswell4", "{}"]):
            with self.subTest(given=given), self.assertRaises(UserError) as end:
                validation.main(["lockbench", *(word.format("no/such/folder") for word in given)])
            self.assertIn("no/such/folder", str(end.exception))


if __name__ == "__main__":
    unittest.main()
