# SPDX-License-Identifier: MIT
"""The plans of `lockbench topology` and `lockbench run` on machines that we do not have, against golden files; and on a
part of this one.

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
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=lockbench.DEADLINE_S).stdout


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

    def test_the_default_run_takes_less_than_five_minutes_on_128_cpus(self) -> None:
        for shape in ("pack:2 numa:1 l3:8 core:8 pu:1", "pack:2 numa:4 l3:2 core:4 pu:2", "l3:1 core:128 pu:1"):
            said = plan(f"$ HWLOC_SYNTHETIC='{shape}' lockbench run --latency --benchmark_list_tests")
            found = re.search(r"(\d+) trials to run, about (\d+) (s|minutes)$", said, re.MULTILINE)
            assert found is not None, said
            self.assertGreater(int(found[1]), 500)
            self.assertLess(int(found[2]) * (1 if found[3] == "s" else 60), 300)


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
        result = self.run_to_the_end("--no-twin", "--locks", "futex", "--threads", "3", "--duration", "0.01",
                                     "--repetitions", "1", "--placement", f"list:{cpu}", preexec_fn=bind)
        self.assertEqual(0, result.returncode, result.stderr)
        row, = self.kept_rows()
        self.assertEqual(("ok", "1", "3", ""), (row["status"], row["cpus"], row["threads"], row["line_ns"]))

    def test_kinds_of_cpus_are_told_with_every_row(self) -> None:
        """This machine with a file that says that its CPUs are of two kinds, which is what hwloc would see."""
        cpus = sorted(os.sched_getaffinity(0))
        if cpus[:2] != [0, 1]:
            self.skipTest("not CPUs 0 and 1")
        environment = {"HWLOC_XMLFILE": str(HERE / "machines" / "two_kinds.xml"), "HWLOC_THISSYSTEM": "1"}
        result = self.run_to_the_end("--locks", "futex", "--threads", "1,3", "--duration", "0.01", "--repetitions", "1",
                                     "--placement", "compact,e-cores,none", env=environment)
        self.assertEqual(0, result.returncode, result.stderr)
        warnings = [line for line in result.stderr.splitlines() if "mixes kinds" in line]
        self.assertEqual(1, len(warnings), result.stderr)
        self.assertIn("'compact'", warnings[0])
        self.assertIn("IntelAtom:1 IntelCore:2", warnings[0])
        got = {(row["placement"], row["threads"]): row["cpu_kinds"] for row in self.rows()}
        self.assertEqual({("compact", "1"): "IntelCore:1", ("compact", "3"): "IntelAtom:1 IntelCore:2",
                          ("e-cores", "1"): "IntelAtom:1", ("e-cores", "3"): "IntelAtom:3", ("none", "1"): "",
                          ("none", "3"): ""}, got)
        host = json.loads((self.out / "host.json").read_text())
        self.assertEqual([("IntelAtom", [1]), ("IntelCore", [0])],
                         [(kind["name"], kind["cpus"]) for kind in host["cpu_kinds"]])
        self.assertIn(warnings[0].partition("placement ")[2], "".join(host["warnings"]))

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
