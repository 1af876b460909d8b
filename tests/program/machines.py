# SPDX-License-Identifier: MIT
"""The plan of `lockbench topology` on machines that we do not have, against golden files; and on a part of this one.

A golden file begins with its command, so that a new file is a new test. Its orders are worked out from the promises
in src/machine/placement.h, not taken over from what the program happened to print.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shlex
import subprocess
import unittest
from pathlib import Path
from typing import Any

import lockbench

HERE = Path(__file__).resolve().parent
GOLDEN = sorted((HERE / "golden").glob("*.txt"))


def plan(command: str) -> str:
    """Runs `$ VARIABLE='value' lockbench topology ...`."""
    words = shlex.split(command)[1:]
    program = words.index("lockbench")
    environment = {**os.environ, **dict(word.split("=", 1) for word in words[:program])}
    return subprocess.run([lockbench.PROGRAM, *words[program + 1:]], cwd=HERE, env=environment, text=True, check=True,
                          stdout=subprocess.PIPE, timeout=lockbench.DEADLINE_S).stdout


class OtherMachines(unittest.TestCase):
    def test_there_are_golden_files(self) -> None:
        self.assertGreaterEqual(len(GOLDEN), 8)

    def test_each_plan_is_as_it_should_be(self) -> None:
        for path in GOLDEN:
            with self.subTest(machine=path.stem):
                command, *want = path.read_text().splitlines()
                got = plan(command).splitlines()
                difference = "\n".join(difflib.unified_diff(want, got, "wanted", "got", lineterm=""))
                self.assertEqual("", difference, f"{command}\n{difference}")


class ThisMachine(lockbench.Case):
    def topology(self, *arguments: str, **given: Any) -> dict[str, Any]:
        result = self.run_program("topology", "--json", *arguments, **given)
        self.assertEqual(0, result.returncode, result.stderr)
        description: dict[str, Any] = json.loads(result.stdout)
        return description

    def test_all_allowed_cpus_are_there(self) -> None:
        description = self.topology()
        self.assertTrue(description["is_this_system"])
        self.assertEqual(sorted(os.sched_getaffinity(0)), sorted(cpu["cpu"] for cpu in description["cpus"]))

    def test_a_binding_is_respected(self) -> None:
        """As under `taskset -c N`: every placement stays on that CPU, and trials run there."""
        cpu = max(os.sched_getaffinity(0))

        def bind() -> None:
            os.sched_setaffinity(0, {cpu})

        description = self.topology("--threads", "3", preexec_fn=bind)
        self.assertEqual([cpu], [one["cpu"] for one in description["cpus"]])
        for name in ("compact", "scatter", "cores", "same-llc"):
            self.assertEqual([cpu] * 3, description["placements"][name]["cpus"], name)
        for name in ("smt", "cross-node"):
            self.assertIsNone(description["placements"][name]["cpus"], name)
            self.assertIn(name, description["placements"][name]["why_not"])
        result = self.run_program("run", "--no-twin", "--locks", "futex", "--threads", "3", "--duration", "0.01",
                                  "--repetitions", "1", "--placement", f"list:{cpu}", "--out", str(self.out), preexec_fn=bind)
        self.assertEqual(0, result.returncode, result.stderr)
        row, = [row for row in self.rows() if row["status"] != "noisy"]
        self.assertEqual(("ok", "1", "3", ""), (row["status"], row["cpus"], row["threads"], row["line_ns"]))

    def test_one_placement_can_be_asked_for(self) -> None:
        cpus = sorted(os.sched_getaffinity(0))
        description = self.topology("--placement", f"list:{cpus[-1]}", "--threads", "2")
        self.assertEqual({f"list:{cpus[-1]}": {"cpus": [cpus[-1]] * 2, "why_not": None}}, description["placements"])

    def test_the_table_says_the_same(self) -> None:
        result = self.run_program("topology")
        compact = self.topology()["placements"]["compact"]["cpus"]
        line = re.search(r"^  compact +(.*)$", result.stdout, re.MULTILINE)
        self.assertIsNotNone(line)
        self.assertEqual(compact, [int(cpu) for cpu in line[1].split()] if line else [])


if __name__ == "__main__":
    lockbench.main()
