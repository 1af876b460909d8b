# SPDX-License-Identifier: MIT
"""The seed's workload beside its Go program: `scripts/bench --seed-vs-go`. Skipped, but for one test, without Go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
COMPARE = [str(ROOT / "scripts" / "py" / "verb.py"), "seed-vs-go"]
SKIPPED = 77
GO = shutil.which(os.environ.get("GO", "go"))
OUTPUT = re.compile(r"readOps: (\d+)\nwriteOps: (\d+)\nstate: map\[(.*)\]\n")


class WithoutGo(lockbench.Case):
    def test_one_line_says_what_is_missing(self) -> None:
        environment = {**os.environ, "GO": "no-such-go"}
        result = subprocess.run([ROOT / "scripts" / "bench", "--seed-vs-go"], env=environment, text=True, check=False,
                                capture_output=True, timeout=lockbench.DEADLINE_S)
        self.assertEqual((2, ""), (result.returncode, result.stdout))
        self.assertRegex(result.stderr, r"\Abench: --seed-vs-go needs Go, .* no 'no-such-go'; Debian: .* golang-go\n\Z")


@unittest.skipIf(GO is None, "there is no Go")
class WithGo(lockbench.Case):
    def setUp(self) -> None:
        super().setUp()
        self.seed = self.folder / "seed-go"
        subprocess.run([str(GO), "build", "-o", self.seed, ROOT / "scripts" / "go" / "seed.go"], check=True,
                       cwd=self.folder, env={"GOCACHE": str(self.folder / "cache"), **os.environ})

    def compare(self, go_program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *COMPARE, lockbench.PROGRAM, go_program, *arguments], text=True,
                              capture_output=True, check=False, timeout=lockbench.DEADLINE_S)

    def test_it_prints_what_lockbench_prints(self) -> None:
        for command in ([str(self.seed), "0.2"], [lockbench.PROGRAM, "seed", "--duration", "0.2"]):
            result = subprocess.run(command, text=True, capture_output=True, check=True, timeout=lockbench.DEADLINE_S)
            match = OUTPUT.fullmatch(result.stdout)
            assert match is not None, result.stdout
            reads, writes = int(match[1]), int(match[2])
            self.assertGreater(writes, 0)
            self.assertGreater(reads, writes)
            # No thread can do more than one operation in a millisecond; the window may close late, but not by as much.
            self.assertLess(reads, 100 * 200 * 2)
            for entry in match[3].split():
                key, value = map(int, entry.split(":"))
                self.assertLess(key, 5)
                self.assertLess(value, 100)

    def test_a_duration_that_is_none(self) -> None:
        for arguments in (["x"], ["-1"], ["nan"], ["1", "2"]):
            result = subprocess.run([self.seed, *arguments], text=True, capture_output=True, check=False,
                                    timeout=lockbench.DEADLINE_S)
            self.assertEqual((2, ""), (result.returncode, result.stdout))
            self.assertEqual(1, result.stderr.count("\n"))

    def test_the_table(self) -> None:
        result = self.compare(self.seed, "--repetitions", "2", "--duration", "0.1")
        self.assertEqual(0, result.returncode, result.stderr)
        _, head, *rows = result.stdout.splitlines()
        self.assertIn("range", head)
        self.assertEqual(["Go sync.Mutex", "pthread_mutex", "futex"], [row[:14].strip() for row in rows])
        go_total = float(rows[0][14:].split()[2])
        for row in rows:
            reads, writes, total, low, _, high, ratio = map(float, row[14:].replace("-", "0").split()[:7])
            self.assertAlmostEqual(total, reads + writes, delta=2)
            self.assertLessEqual(low, total)
            self.assertLessEqual(total, high)
            self.assertAlmostEqual(total / go_total, ratio, places=2)

    def test_a_program_that_fails_leaves_no_table(self) -> None:
        result = self.compare(Path("/bin/false"), "--repetitions", "1", "--duration", "0.1")
        self.assertEqual((1, ""), (result.returncode, result.stdout))
        self.assertIn("/bin/false 0.1: exit code 1", result.stderr)


if __name__ == "__main__":
    is_good = unittest.main(verbosity=2, exit=False).result.wasSuccessful()
    sys.exit(1 if not is_good else SKIPPED if GO is None else 0)
