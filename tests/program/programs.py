# SPDX-License-Identifier: MIT
"""scripts/programs from end to end, with small programs that are built here in the place of the real ones."""

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

import lockbench

ROOT = Path(__file__).resolve().parents[2]
CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
# Does a known number of everything that exec counts. `hang`, `crash`, `fail`, `mute`: so it ends under a lock of ours.
SOURCE = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static void *work(void *p) {
  for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&m); pthread_mutex_unlock(&m); }
  return p;
}
int main(int n, char **arguments) {
  const int n_threads = atoi(arguments[1]);
  const char *const preloaded = getenv("LD_PRELOAD"), *const fault = n > 2 ? arguments[2] : "";
  const int is_under_ours = preloaded && strstr(preloaded, "futex");
  pthread_t threads[64];
  for (int i = 0; i < n_threads; i++) pthread_create(&threads[i], 0, work, 0);
  for (int i = 0; i < n_threads; i++) pthread_join(threads[i], 0);
  struct timespec soon = {1, 0};
  pthread_mutexattr_t robust;
  pthread_mutex_t of_the_system;
  pthread_mutexattr_init(&robust);
  pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&of_the_system, &robust);
  for (int i = 0; i < 7; i++) { pthread_mutex_lock(&of_the_system); pthread_mutex_unlock(&of_the_system); }
  pthread_mutex_trylock(&m); pthread_mutex_unlock(&m);
  for (int i = 0; i < 2; i++) { pthread_mutex_timedlock(&m, &soon); pthread_mutex_unlock(&m); }
  pthread_mutex_lock(&m); pthread_cond_timedwait(&c, &m, &soon); pthread_mutex_unlock(&m);
  for (int i = 0; i < 5; i++) { pthread_rwlock_rdlock(&rw); pthread_rwlock_unlock(&rw); }
  pthread_rwlock_wrlock(&rw); pthread_rwlock_unlock(&rw);
  if (!strcmp(fault, "stay") && access(arguments[3], F_OK) == 0) { fclose(fopen("stays", "w")); for (;;) pause(); }
  if (is_under_ours && !strcmp(fault, "hang")) for (;;) pause();
  if (is_under_ours && !strcmp(fault, "crash")) abort();
  if (is_under_ours && !strcmp(fault, "fail")) { fprintf(stderr, "no luck today\n"); return 3; }
  if (is_under_ours && !strcmp(fault, "mute")) return 0;
  printf("1234.5 things/s\n");
  return 0;
}
"""
# The verb with another list of programs: name, `mutex` or `rw`, what it is told beside the number of threads.
CALLER = """
import sys
sys.path.insert(0, {scripts!r})
from programs import catalogue
catalogue.PROGRAMS = tuple(
    catalogue.Program(name, "a-package", needs, needs + " {{threads}} " + fault, "thing",
                      figures=r"(?P<rate>[0-9.]+) things/s", locks=locks, is_control=name == "plain",
                      prepare=(lambda data: catalogue.do(["false"])) if name == "unprepared" else None)
    for name, needs, locks, fault in {programs!r})
import verb
sys.exit(verb.run("programs", [{lockbench!r}, *sys.argv[1:]]))
"""


class Programs(lockbench.Case):
    def setUp(self) -> None:
        super().setUp()
        source, self.program = self.folder / "small.c", self.folder / "small"
        source.write_text(SOURCE)
        subprocess.run([*CC, "-O1", "-pthread", str(source), "-o", str(self.program)], check=True)

    def command(self, *programs: tuple[str, str, str], missing: bool = False) -> list[str]:
        listed = [(name, str(self.program), locks, fault) for name, locks, fault in programs]
        if missing:
            listed.append(("absent", "no-such-program", "mutex", ""))
        caller = self.folder / "caller.py"
        caller.write_text(CALLER.format(scripts=str(ROOT / "scripts" / "py"), programs=listed,
                                        lockbench=lockbench.PROGRAM))
        return [sys.executable, str(caller), "--out", str(self.out)]

    def campaign(self, command: list[str], *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run([*command, *arguments], cwd=self.folder, text=True, capture_output=True, check=False,
                                timeout=lockbench.DEADLINE_S)
        self.assertEqual(code, result.returncode, result.stdout + result.stderr)
        return result

    def read(self) -> list[lockbench.Row]:
        text = (self.out / "programs.csv").read_text()
        self.assertTrue(text.endswith("\n"))
        return list(csv.DictReader(text.splitlines()))

    def test_a_row_for_each_run_with_what_exec_counted(self) -> None:
        result = self.campaign(self.command(("plain", "mutex", ""), ("shared", "rw", ""), missing=True),
                               "--locks", "futex,rw_futex", "--threads", "1,3", "--repetitions", "2")
        self.assertIn("skipped: absent, since there is no no-such-program; Debian: apt-get install a-package",
                      result.stderr)
        rows = self.read()
        found = sorted((row["program"], row["lock"], row["threads"], row["repetition"]) for row in rows)
        locks = {"plain": "futex", "shared": "rw_futex"}
        self.assertEqual(found, sorted((program, lock, threads, repetition) for program, own in locks.items()
                                       for lock in ("system", "none", "twin", own) for threads in "13"
                                       for repetition in "12"))
        self.assertEqual([str(i) for i in range(len(rows))], [row["order_index"] for row in rows])
        orders = [[(row["program"], row["lock"], row["threads"]) for row in rows if row["repetition"] == n]
                  for n in "12"]
        self.assertNotEqual(*orders)  # 16 cells: alike once in 2e13 campaigns
        for row in rows:
            with self.subTest(lock=row["lock"], threads=row["threads"]):
                self.assertEqual(("ok", "1234.5", "thing", "0", ""), tuple(
                    row[name] for name in ("status", "ops_per_s", "operation", "exit_code", "why")))
                self.assertGreater(float(row["duration_s"]), float(row["cpu_s"]) / 4)
                counted = {name: row[name] for name in (
                    "acquisitions", "trylocks", "timed_locks", "cond_waits", "kept_by_system", "processes")}
                if row["lock"] == "system":
                    self.assertEqual({""}, set(counted.values()))
                elif row["lock"] != "rw_futex":
                    self.assertGreaterEqual(int(counted.pop("acquisitions")), 1000 * int(row["threads"]))
                    self.assertEqual({"trylocks": "1", "timed_locks": "2", "cond_waits": "1", "processes": "1",
                                      "kept_by_system": "7" if row["lock"] == "futex" else ""}, counted)
                if row["lock"] in ("none", "twin", "rw_futex"):
                    self.assertEqual(("5", "1"), (row["reads"], row["writes"]))
        self.assertEqual({"a-package": None}, json.loads((self.out / "host.json").read_text())["packages"])
        self.assertEqual(result.stdout, (self.out / "table.txt").read_text())
        self.assertRegex(result.stdout, r"(?m)^futex +none .* 1\.000 .* no difference shown")
        self.assertIn("plain is a control", result.stdout)

    def test_runs_that_fail_are_rows_and_given_up(self) -> None:
        faults = {"hang": ("timeout", "not done after 2 s"), "crash": ("crashed", "died of signal 6"),
                  "fail": ("failed", "exit code 3: no luck today"), "mute": ("failed", "did not print how fast it was")}
        result = self.campaign(self.command(*((fault, "mutex", fault) for fault in faults)), "--locks", "futex",
                               "--threads", "1", "--repetitions", "3", "--timeout", "2", code=1)
        rows = self.read()
        for fault, (status, why) in faults.items():
            own = [row for row in rows if row["program"] == fault and row["lock"] == "futex"]
            self.assertEqual([status] * 2, [row["status"] for row in own])  # and not a third time
            for row in own:
                self.assertIn(why, row["why"])
                self.assertEqual("", row["ops_per_s"])
                self.assertGreaterEqual(int(row["acquisitions"]), 1000)  # what it had done until then is told
            self.assertIn(f"{fault} under futex at 1 thread: 2 {status}, ", " ".join(result.stdout.split()))
        others = [row for row in rows if row["lock"] != "futex"]
        self.assertEqual((len(faults) * 3 * 3, {"ok"}), (len(others), {row["status"] for row in others}))

    def test_what_cannot_be_prepared_leaves_nothing(self) -> None:
        command = self.command(("plain", "mutex", ""), ("unprepared", "mutex", ""))
        result = self.campaign(command, "--locks", "futex", code=2)
        self.assertIn("programs: cannot prepare the programs: false: exit code 1: it says nothing\n", result.stderr)
        self.assertFalse(self.out.exists())

    def test_against_the_system(self) -> None:
        result = self.campaign(self.command(("plain", "mutex", "")), "--locks", "futex", "--threads", "1",
                               "--repetitions", "1", "--against=system")
        for lock in ("none", "futex"):
            self.assertRegex(result.stdout, rf"(?m)^{lock} +system .* no difference shown")

    def test_an_interruption_leaves_what_there_is_and_nothing_running(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.out, stop = self.folder / number.name, self.folder / f"{number.name}-stop"
                command = self.command(("stays", "mutex", f"stay {stop}"))
                process = subprocess.Popen([*command, "--threads", "1", "--locks", "futex", "--repetitions", "1000"],
                                           cwd=self.folder, text=True, start_new_session=True, stdout=subprocess.PIPE,
                                           stderr=subprocess.PIPE)
                self.addCleanup(self.stop, process)
                lockbench.wait_until(lambda: self.n_lines() > 8, "two passes of four runs")
                stop.touch()
                lockbench.wait_until(lambda: bool(self.staying()), "a program that stays")
                process.send_signal(number)
                _, err = process.communicate(timeout=lockbench.DEADLINE_S)
                self.assertEqual(130, process.returncode, err)
                self.assertIn(f"interrupted after {len(self.read())} runs", err)
                self.assertEqual([], self.staying())
                self.assertRegex((self.out / "table.txt").read_text(), "(?m)^futex +none ")

    def n_lines(self) -> int:
        try:
            return (self.out / "programs.csv").read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def staying(self) -> list[int]:
        """The processes of our small program that have come to where they stay."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe") == str(self.program) and (
                        Path(os.readlink(entry / "cwd")) / "stays").exists():
                    found.append(int(entry.name))
            except OSError:
                continue  # it has just ended
        return found

    def test_wrong_arguments_are_one_line(self) -> None:
        command = self.command(("plain", "mutex", ""), missing=True)
        for arguments, told in ((["--programs", "plan"], "unknown program 'plan'; allowed: plain, absent"),
                                (["--programs", "absent"], "none of the programs is there"),
                                (["--locks", "mcss"], "did you mean mcs?"), (["--locks", "empty"], "cannot stand in"),
                                (["--locks", "none"], "none is run in any case"), (["--locks", "a,,b"], "commas"),
                                (["--threads", "0"], "'0' given, allowed: 1 to 1024"),
                                (["--repetitions", "x"], "allowed: 1 to 1000"), (["--timeout", "0"], "allowed: 1 to"),
                                (["--against", "mcs", "--locks", "futex"], "'mcs' is not run; allowed: system, none"),
                                (["--out", str(self.program)], "File exists")):
            with self.subTest(arguments=arguments):
                result = self.campaign(command, *arguments, code=2)
                self.assertEqual("", result.stdout)
                [*skipped, line] = result.stderr.splitlines()
                self.assertIn(told, line)
                self.assertTrue(all(text.startswith("skipped: absent") for text in skipped), skipped)
                self.assertFalse(self.out.exists())

    def test_the_script_refuses_before_it_builds(self) -> None:
        script = ROOT / "scripts" / "programs"
        for arguments, told in ((["--frobnicate"], "unknown option --frobnicate"),
                                (["--programs", "x"], "unknown program")):
            result = subprocess.run([script, *arguments], cwd=self.folder, text=True, capture_output=True, check=False,
                                    timeout=lockbench.DEADLINE_S)
            self.assertEqual((2, "", 1), (result.returncode, result.stdout, result.stderr.count("\n")), result.stderr)
            self.assertIn(told, result.stderr)
        packages = subprocess.run([script, "--packages", "--programs", "rocksdb-get,rocksdb-cache,pigz"], text=True,
                                  capture_output=True, check=True, timeout=lockbench.DEADLINE_S)
        self.assertEqual("rocksdb-tools\npigz\n", packages.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
