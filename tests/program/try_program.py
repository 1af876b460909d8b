# SPDX-License-Identifier: MIT
"""scripts/try from end to end, with a small program that is built here: observed, replayed, and run."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import unittest
from pathlib import Path
from unittest import mock

import lockbench

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from programs import try_program  # noqa: E402

CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
# Two threads share a counter; `fail` under a lock of ours, `stay` in one run.
SOURCE = r"""
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static volatile long shared;
static pthread_barrier_t all; /* the threads live at the same time, however they get their CPUs */
static void *work(void *p) {
  pthread_barrier_wait(&all);
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&m);
    shared++;
    pthread_mutex_unlock(&m);
  }
  pthread_barrier_wait(&all);
  return p;
}
/* Whether this is the n-th run of those that nobody observes. */
static int in_run(int n, const char *folder) {
  char path[4096];
  const char *const preloaded = getenv("LD_PRELOAD");
  if (preloaded && strstr(preloaded, "preload-observe")) return 0;
  for (int i = 1; i <= n; i++) {
    snprintf(path, sizeof path, i < n ? "%s/run-%d" : "%s/stays", folder, i);
    const int file = open(path, O_CREAT | O_EXCL, 0600);
    if (file >= 0) return i == n;
  }
  return 0;
}
static void *idle(void *p) {
  pthread_barrier_wait(&all);
  for (int i = 0; i < 3; i++) {
    pthread_mutex_lock(&m);
    pthread_mutex_unlock(&m);
    usleep(1000);
  }
  pthread_barrier_wait(&all);
  return p;
}
int main(int n, char **arguments) {
  const char *const preloaded = getenv("LD_PRELOAD");
  pthread_t threads[2], pool[2];
  const int n_pool = n > 3 && !strcmp(arguments[2], "pool") ? atoi(arguments[3]) : 0;
  pthread_barrier_init(&all, 0, 2 + n_pool);
  for (int i = 0; i < n_pool; i++) pthread_create(&pool[i], 0, idle, 0);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, work, 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
  for (int i = 0; i < n_pool; i++) pthread_join(pool[i], 0);
  if (n > 3 && !strcmp(arguments[2], "stay") && in_run(4, arguments[3])) for (;;) pause();
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

    @staticmethod
    def command(*arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "scripts" / "py" / "verb.py"), "try", lockbench.PROGRAM, *arguments]

    def attempt(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            self.command(*arguments),
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
        rows = self.programs()
        self.assertEqual(sorted((lock, n) for lock in ("system", "none", "twin", "futex", "ttas") for n in "12"),
                         sorted((row["lock"], row["repetition"]) for row in rows))
        for row in rows:
            told = ("failed", "", "exit code 3") if row["lock"] == "futex" else ("ok", "4000.5", "")
            self.assertEqual(told, (row["status"], row["ops_per_s"], row["why"]))
        self.assertRegex(result.stdout, r"(?m)^ttas +[0-9.]+ +1\.00 +1\.00\.\.1\.00  no difference shown$")
        self.assertRegex(result.stdout, r"(?m)^futex +[0-9.]+ +it did not finish$")
        self.assertIn("the misfit of the replay is ", result.stdout)
        self.assertIn("No difference from the program's own lock is shown", result.stdout)
        table, _, last = result.stdout.rpartition("\n\n")
        self.assertEqual(table + "\n", (self.out / "table.txt").read_text())
        self.assertEqual(f"What it does with its locks: {self.out / 'profile.html'}\n", last)
        self.assertIn("the locks of small</h1>", (self.out / "profile.html").read_text())
        replayed = {row["lock"] for row in self.rows(self.out / "replay")}
        self.assertLessEqual({"pthread_mutex", "futex", "ttas"}, replayed)

    def test_it_goes_on_where_it_was_interrupted(self) -> None:
        """The program stops by itself in its fourth run under ours or as it is; then it is left alone."""
        command = ("--duration", "0.005", "--locks", "futex", "--best", "1", "--repetitions", "3", "--figure",
                   r"at ([0-9.]+) things", "--out", str(self.out), "--", "./small", "x", "stay", str(self.folder))
        process = subprocess.Popen(self.command(*command), cwd=self.folder, text=True, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.stop, process)
        lockbench.wait_until((self.folder / "stays").exists, "a run that stays")
        before = (self.out / "programs.csv").read_text()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(130, process.returncode, err)
        self.assertIn(f"the same command with --out {self.out} goes on", err)
        observed, replayed = self.out / "observed" / "profile.json", self.out / "replay" / "results.csv"
        profile, rows = observed.read_bytes(), replayed.read_bytes()
        (self.out / "programs.csv").write_text(before + "cut off in its midd")
        self.attempt(*command[:-3], "y", code=2)  # another command
        self.attempt(*command)
        self.assertEqual(profile, observed.read_bytes())
        self.assertTrue(replayed.read_bytes().startswith(rows))  # trials that were disturbed may be made anew
        self.assertTrue((self.out / "programs.csv").read_text().startswith(before))
        done = [(row["lock"], row["repetition"], row["status"]) for row in self.programs()]
        self.assertEqual(sorted((lock, n, "ok") for lock in ("system", "none", "twin", "futex") for n in "123"),
                         sorted(done))
        self.assertEqual(1, len({row["run_id"] for row in self.programs()}))
        self.assertIn("futex", (self.out / "table.txt").read_text())

    def test_threads_that_hardly_take_a_lock_keep_no_lock_away(self) -> None:
        """Two CPUs are enough for two threads that are at it, whatever a pool beside them does now and then."""
        profiles = []
        for pool in ("0", "2"):
            subprocess.run([lockbench.PROGRAM, "observe", "--out", self.folder / pool, "--", self.program, "x", "pool",
                            pool], check=True, capture_output=True, cwd=self.folder)
            profiles.append(self.folder / pool / "profile.json")
        threads = [json.loads(profile.read_text())["threads"] for profile in profiles]
        self.assertEqual(2, threads[1] - threads[0])
        options = try_program.parse([lockbench.PROGRAM, "--", "./small"])
        for n_cpus, has_spinning in ((2, True), (1, False)):
            with mock.patch("os.sched_getaffinity", return_value=set(range(n_cpus))):
                names = [{lock.name for lock in try_program.candidates(options, "mutex", profile)}
                         for profile in profiles]
            self.assertEqual(names[0], names[1])
            self.assertEqual(has_spinning, "mcs" in names[0])
            self.assertIn("futex", names[0])

    def test_what_cannot_be_observed_is_told(self) -> None:
        result = self.attempt("--out", str(self.out), "--", "false", code=2)
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        self.assertIn("false could not be observed: exit code 1: only a program that succeeds", result.stderr)
        self.assertFalse(self.out.exists())
        result = self.attempt("--out", str(self.out), "--", "true", code=2)
        self.assertEqual("try: true took no lock that lockbench can reach: there is nothing to choose\n",
                         result.stderr)
        self.assertFalse(self.out.exists())

    def test_no_program_is_left_running(self) -> None:
        """Neither one that does not end by itself, nor when try is stopped while it observes; one that does not stand
        in the way of a signal to end it, too."""
        script = self.folder / "stays"
        script.write_text("#!/bin/sh\ntrap '' INT TERM\necho $$ >pid\nwhile :; do sleep 0.1; done\n")
        script.chmod(0o755)
        process = subprocess.Popen(self.command("--out", str(self.out), "--", "./stays"), cwd=self.folder, text=True,
                                   start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.stop, process)
        pid = self.folder / "pid"
        lockbench.wait_until(lambda: pid.exists() and pid.read_text().endswith("\n"), "the program")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(130, process.returncode, err)
        left = Path(f"/proc/{pid.read_text().strip()}/status")
        lockbench.wait_until(lambda: not left.exists() or "\nState:\tZ" in left.read_text(), "its end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
