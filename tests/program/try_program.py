# SPDX-License-Identifier: MIT
"""scripts/try from end to end, with a small program that is built here: observed, replayed, and run."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
import unittest
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
# Two threads share a counter; `fail` under a lock of ours.
SOURCE = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;
static void *work(void *p) {
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&m);
    shared++;
    pthread_mutex_unlock(&m);
  }
  return p;
}
int main(int n, char **arguments) {
  const char *const preloaded = getenv("LD_PRELOAD");
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
  if (n > 2 && !strcmp(arguments[2], "fail") && preloaded && strstr(preloaded, "preload-futex")) return 3;
  printf("made %s at 4000.5 things/s\n", n > 1 ? arguments[1] : "");
  return shared == 40000 ? 0 : 1;
}
"""


class Try(lockbench.Case):
    def setUp(self) -> None:
        super().setUp()
        source, self.program = self.folder / "small.c", self.folder / "small"
        source.write_text(SOURCE)
        subprocess.run([*CC, "-O1", "-pthread", str(source), "-o", str(self.program)], check=True)

    def attempt(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "py" / "verb.py"), "try", lockbench.PROGRAM, *arguments],
            cwd=self.folder, text=True, capture_output=True, check=False, timeout=2 * lockbench.DEADLINE_S)
        self.assertEqual(code, result.returncode, result.stdout + result.stderr)
        return result

    def programs(self) -> list[lockbench.Row]:
        return list(csv.DictReader((self.out / "programs.csv").read_text().splitlines()))

    def test_prediction_and_truth_side_by_side(self) -> None:
        """Observed, replayed and run; it ends under one lock and fails under another."""
        result = self.attempt("--duration", "0.005", "--locks", "futex,ttas", "--best",
                              "2", "--repetitions", "2", "--figure", r"at ([0-9.]+) things", "--out", str(self.out),
                              "--", "./small", "{a b}", "fail", code=1)
        rows = list(csv.DictReader((self.out / "programs.csv").read_text().splitlines()))
        self.assertEqual(sorted((lock, n) for lock in ("system", "none", "twin", "futex", "ttas") for n in "12"),
                         sorted((row["lock"], row["repetition"]) for row in rows))
        for row in rows:
            told = ("failed", "", "exit code 3") if row["lock"] == "futex" else ("ok", "4000.5", "")
            self.assertEqual(told, (row["status"], row["ops_per_s"], row["why"]))
        self.assertRegex(result.stdout, r"(?m)^ttas +[0-9.]+ +1\.00 +1\.00\.\.1\.00  no difference shown$")
        self.assertRegex(result.stdout, r"(?m)^futex +[0-9.]+ +it did not finish$")
        self.assertIn("the misfit of the replay is ", result.stdout)
        self.assertIn("No difference from the program's own lock is shown", result.stdout)
        self.assertEqual(result.stdout, (self.out / "table.txt").read_text())
        replayed = {row["lock"] for row in self.rows(self.out / "replay")}
        self.assertLessEqual({"pthread_mutex", "futex", "ttas"}, replayed)

    def test_what_cannot_be_observed_is_told(self) -> None:
        result = self.attempt("--out", str(self.out), "--", "false", code=2)
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        self.assertIn("false could not be observed: exit code 1", result.stderr)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
