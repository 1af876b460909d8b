# SPDX-License-Identifier: MIT
"""lockbench observe: a program of ours whose locks are known, by what its profile says of them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import lockbench

CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
CXX = shlex.split(os.environ.get("CXX_COMMAND", "c++"))
SOURCE = Path(__file__).with_name("observed.c")
SECTION_NS = 20e6
Lock = dict[str, Any]


def line_of(words: str) -> int:
    """Of the source, by the comment in it."""
    found = [i for i, line in enumerate(SOURCE.read_text().splitlines(), 1) if f"/* {words} */" in line]
    assert len(found) == 1, words
    return found[0]


def total(histogram: list[list[int]]) -> int:
    return sum(count for _, count in histogram)


class Observe(lockbench.Case):
    program: str
    shared: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.shared = Path(tempfile.mkdtemp(prefix="lockbench-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.program = str(cls.shared / "observed")
        subprocess.run([*CC, "-g", "-O1", "-pthread", str(SOURCE), "-ldl", "-o", cls.program], check=True)

    def observe(self, *command: str, code: int = 0, options: tuple[str, ...] = (),
                environment: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
        """The profile, and what was said."""
        shutil.rmtree(self.out, ignore_errors=True)
        result = self.run_program("observe", "--out", str(self.out), *options, "--", *command, env=environment or {})
        self.assertEqual(code, result.returncode, result.stdout + result.stderr)
        return json.loads((self.out / "profile.json").read_text()), result.stderr

    def locks(self, *acts: str) -> list[Lock]:
        profile, said = self.observe(self.program, *acts)
        self.assertEqual(0, profile["lost_events"], said)
        for lock in profile["locks"]:
            self.assertEqual(sum(site["acquisitions"] for site in lock["sites"]), lock["acquisitions"], lock)
            self.assertEqual(sum(site["waited_ns"] for site in lock["sites"]) > 0, lock["contended"] > 0, lock)
            for key in ("hold_ns", "wait_ns", "gap_ns"):
                uppers = [upper for upper, _ in lock[key]]
                self.assertEqual(sorted(set(uppers)), uppers)
        return list(profile["locks"])

    def only(self, *acts: str) -> Lock:
        locks = self.locks(*acts)
        self.assertEqual(1, len(locks), locks)
        return locks[0]

    def assert_made(self, lock: Lock, words: str) -> None:
        if shutil.which("addr2line"):
            self.assertIn(f"(observed.c:{line_of(words)})", lock["made"])

    def test_contention_is_charged_to_who_held_the_lock(self) -> None:
        lock = self.only("contend")
        self.assertEqual((2, 1, 2, 1), tuple(lock[key] for key in ("acquisitions", "contended", "threads", "handoffs")))
        self.assertGreaterEqual(lock["wait_longest_ns"], SECTION_NS)
        self.assertEqual(lock["wait_longest_ns"], lock["wait_total_ns"])
        self.assertGreaterEqual(lock["hold_total_ns"], SECTION_NS)
        self.assertEqual(2, lock["sections_timed"])
        self.assertEqual((2, 1), (total(lock["hold_ns"]), total(lock["wait_ns"])))
        self.assertGreaterEqual(lock["hold_ns"][-1][0], SECTION_NS)
        sites = {site["site"]: site for site in lock["sites"]}
        for function, words, caused, waited in (("hold_hot", "the holder's", lock["wait_total_ns"], 0),
                                                ("wait_for_hot", "the waiter's", 0, lock["wait_total_ns"])):
            name = f"{function} (observed.c:{line_of(words)})" if shutil.which("addr2line") else \
                next(site for site in sites if site.startswith(f"{function}+"))
            self.assertEqual((1, caused, waited), (sites[name]["acquisitions"], sites[name]["caused_wait_ns"],
                                                   sites[name]["waited_ns"]), sites)
        self.assert_made(lock, "the holder's")

    def need_looks(self) -> None:
        version = os.confstr("CS_GNU_LIBC_VERSION") or ""
        if [int(part) for part in version.split()[-1].split(".")] < [2, 35]:
            self.skipTest("the stack is not looked at before glibc 2.35")

    def test_what_is_estimated_says_from_how_much(self) -> None:
        self.need_looks()
        profile, said = self.observe(self.program, "wrapped-often")
        lock, = profile["locks"]
        caused = [site for site in lock["sites"] if site["caused_wait_ns"] > 0]
        n_looks = caused[0]["caused_from_looks"]
        self.assertTrue(30 < n_looks < 2002, n_looks)
        self.assertEqual(lock["wait_total_ns"], sum(site["caused_wait_ns"] for site in caused))
        self.assertEqual({n_looks}, {site["caused_from_looks"] for site in caused})
        self.assertRegex(said, rf"\d % of the waiting while held from .* \(estimated from {n_looks} looks\)")

    def test_wrappers_of_the_program_s_own_are_looked_through(self) -> None:
        self.need_looks()
        lock = self.only("wrapped")
        sites = {site["site"]: site for site in lock["sites"]}
        self.assertEqual(2, len(sites), sites)
        self.assertFalse(any("caused_from_looks" in site for site in lock["sites"]), "each wait was seen")
        for function, words, caused, waited in (
                ("hold_through_wrapper", "the holder's through it", lock["wait_total_ns"], 0),
                ("wait_through_wrapper", "the waiter's through it", 0, lock["wait_total_ns"])):
            name = f"{function} (observed.c:{line_of(words)})" if shutil.which("addr2line") else \
                next(site for site in sites if site.startswith(f"{function}+"))
            self.assertEqual((1, caused, waited), (sites[name]["acquisitions"], sites[name]["caused_wait_ns"],
                                                   sites[name]["waited_ns"]), sites)
        self.assert_made(lock, "the holder's through it")

    def test_a_wait_is_told_with_who_and_when(self) -> None:
        profile, said = self.observe(self.program, "contend")
        wait, = profile["waits"]
        lock, = profile["locks"]
        self.assertEqual((lock["id"], lock["wait_total_ns"]), (wait["lock"], wait["wait_ns"]))
        self.assertNotEqual(wait["thread"], wait["holder"])
        self.assertLess(wait["start_ns"] + wait["wait_ns"], profile["seconds"] * 1e9)
        self.assertRegex(said, r"100 % of the waiting while held from hold_hot")
        slice_ns, lanes = profile["waited"]["slice_ns"], profile["waited"]["lanes"]
        slices = [(i, ns) for lane in lanes for i, ns in enumerate(lane["waited_ns"]) if ns > 0]
        self.assertEqual([wait["thread"]], [lane["thread"] for lane in lanes if lane["waited_ns"]])
        self.assertAlmostEqual(wait["wait_ns"], sum(ns for _, ns in slices), delta=len(slices))
        self.assertLessEqual(max(len(lane["waited_ns"]) for lane in lanes), 256)
        self.assertLess(abs(slices[0][0] * slice_ns - wait["start_ns"]), slice_ns + 1)
        self.assertTrue(all(ns <= slice_ns + 1 for _, ns in slices), slices)

    def test_counts_of_every_kind(self) -> None:
        lock = self.only("try")
        self.assertEqual((5, 5, 2, 0), tuple(lock[key] for key in ("acquisitions", "trylocks", "trylocks_failed",
                                                                   "contended")))
        lock = self.only("late")
        self.assertEqual((1, 1, 1), tuple(lock[key] for key in ("acquisitions", "timed", "contended")))
        self.assertEqual([], lock["wait_ns"])  # it did not get it
        self.assertGreater(lock["wait_total_ns"], 0)
        outer, table = sorted(self.locks("late-inside"), key=lambda lock: lock["kind"])
        self.assertEqual(("mutex", 1), (outer["kind"], outer["acquisitions"]))
        self.assertEqual((1, 0, 1, 1, []), tuple(table[key] for key in ("acquisitions", "reads", "timed", "contended",
                                                                        "under")))  # the writer's only
        lock = self.only("condition")
        self.assertEqual((2, 1, 0), tuple(lock[key] for key in ("acquisitions", "condition_waits", "contended")))
        self.assertEqual(2, total(lock["hold_ns"]))  # it is not held in the wait,
        self.assertGreater(lock["gap_ns"][-1][0], SECTION_NS / 2)  # which lies between two sections
        lock = self.only("hand-over")
        self.assertEqual((6, 5, 4), tuple(lock[key] for key in ("acquisitions", "handoffs", "threads")))
        lock = self.only("recursive")
        self.assertEqual((2, 1), (lock["acquisitions"], total(lock["hold_ns"])))
        self.assert_made(lock, "the recursive one's")
        lock = self.only("robust")
        self.assertEqual((3, 3), (lock["acquisitions"], total(lock["hold_ns"])))
        self.assert_made(lock, "the robust one's")

    def test_readers_and_writers(self) -> None:
        lock = self.only("read")
        self.assertEqual(("rwlock", 12, 11, 2, 1), tuple(lock[key] for key in ("kind", "acquisitions", "reads",
                                                                               "trylocks", "trylocks_failed")))
        self.assertEqual(12, total(lock["hold_ns"]))
        self.assert_made(lock, "the readers'")

    def test_spin_locks_and_those_of_c11(self) -> None:
        lock = self.only("spin")
        self.assertEqual(("spin", 4, 4), (lock["kind"], lock["acquisitions"], total(lock["hold_ns"])))
        self.assert_made(lock, "the spin lock's")
        lock = self.only("c11")
        self.assertEqual(1, lock["acquisitions"])
        self.assert_made(lock, "C11's")
        if shutil.which("addr2line"):
            self.assertEqual(f"lock_by_c11 (observed.c:{line_of(chr(67) + '11' + chr(39) + 's lock')})",
                             lock["sites"][0]["site"])

    def test_nesting(self) -> None:
        locks = self.locks("nest")
        outer, inner = sorted(locks, key=lambda lock: lock["hold_total_ns"], reverse=True)
        self.assert_made(outer, "the outer one's")
        self.assert_made(inner, "the inner one's")
        self.assertEqual([[], [{"lock": outer["id"], "times": 7}]], [outer["under"], inner["under"]])
        self.assertGreater(outer["hold_total_ns"], inner["hold_total_ns"])

    def test_a_moved_lock_keeps_its_maker(self) -> None:
        first, second = self.locks("move")
        self.assertEqual(first["made"], second["made"])
        self.assert_made(first, "the moved one's")

    def test_runs_are_successive(self) -> None:
        profile, _ = self.observe(self.program, "alternate")
        hot, other = (lock["id"] for lock in sorted(profile["locks"], key=lambda lock: lock["made"]))
        runs = profile["runs"]
        self.assertEqual({1}, {run["thread"] for run in runs})
        self.assertEqual([64] * (len(runs) - 1), [len(run["events"]) for run in runs[:-1]])
        self.assertGreaterEqual(len(runs), 6)
        for run in runs:
            locks = [event[0] for event in run["events"]]
            self.assertEqual({hot, other}, set(locks))
            self.assertTrue(all(a != b for a, b in zip(locks, locks[1:])), locks)
            for _, mode, gap, hold, depth in run["events"]:
                self.assertEqual(("w", 0), (mode, depth))
                self.assertTrue(gap >= 0 and hold >= 0)
        events = [event for run in self.observe(self.program, "nest", "read")[0]["runs"] for event in run["events"]]
        self.assertEqual({0, 1}, {event[4] for event in events})
        self.assertEqual({"r", "w"}, {event[1] for event in events})

    def test_yields_are_counted_and_sleeps_seen(self) -> None:
        """70 sections of a lock, the i-th with i % 3 yields; in each seventh another lock, and a yield within both."""
        profile, said = self.observe(self.program, "give-up-cpu")
        inner, hot = sorted(profile["locks"], key=lambda lock: lock["acquisitions"])
        self.assertEqual((10, 10, 70, 69 + 10), (inner["acquisitions"], inner["yields"], hot["acquisitions"],
                                                 hot["yields"]))
        self.assertRegex(said, r"the section yields its CPU: 79 calls of sched_yield while held")
        sampled = [(event[0], event[4], event[5] if len(event) > 5 else {}) for run in profile["runs"]
                   for event in run["events"]]
        taken = [(lock, i) for i in range(70) for lock in ([hot["id"]] + [inner["id"]] * (i % 7 == 0))]
        del taken[0], taken[64]  # a run begins with the gap behind an acquisition
        self.assertEqual(taken, [(lock, i) for (lock, _, _), (_, i) in zip(sampled, taken)])
        for (lock, depth, given_up), (_, i) in zip(sampled, taken):
            expected = (0, 1) if depth else (int(i % 5 == 1), i % 3 + (i % 7 == 0))
            self.assertEqual(expected, (given_up.get("gap_yields", 0), given_up.get("yields", 0)), (i, depth))
        slept = [{key for key in ("slept", "gap_slept") if key in given_up} for _, _, given_up in sampled]
        self.assertIn("slept", slept[taken.index((hot["id"], 20))])
        self.assertIn("gap_slept", slept[taken.index((hot["id"], 41))])

    def test_with_many_acquisitions_some_are_timed(self) -> None:
        lock = self.only("many")
        self.assertEqual(100000, lock["acquisitions"])
        self.assertLess(lock["sections_timed"], 100000)
        self.assertLess(abs(total(lock["hold_ns"]) - 100000), 2000)
        # A burst of 32 behind a pause has 31 gaps, and the last pause, of at most 992 acquisitions, may not end.
        self.assertLess(abs(total(lock["gap_ns"]) - 100000), 5000)

    def test_many_locks_of_one_site_become_one(self) -> None:
        locks = self.locks("crowd")
        said = self.observe(self.program, "crowd", "nest")[1]
        self.assertRegex(said, r"614 acquisitions of 202 locks")
        self.assertRegex(said, r"  200 locks: lock_in_crowd")
        self.assertEqual(2, said.count("  nest"), said)
        self.assertEqual(65, len(locks))
        self.assertEqual(200, sum(lock["instances"] for lock in locks))
        self.assertEqual(600, sum(lock["acquisitions"] for lock in locks))
        crowd, = (lock for lock in locks if lock["instances"] > 1)
        self.assertEqual(3 * crowd["instances"], crowd["acquisitions"])
        self.assertEqual({1}, {total(lock["hold_ns"]) // lock["acquisitions"] for lock in locks})

    def test_of_many_locks_of_one_site_those_that_matter_are_told_apart(self) -> None:
        for act, n_acquisitions, its_own in (("crowd-often", 1600, range(900, 1001)), ("crowd-waited-for", 1202, (3,))):
            with self.subTest(act):
                locks = self.locks(act)
                self.assertEqual(200, sum(lock["instances"] for lock in locks))
                self.assertEqual(n_acquisitions, sum(lock["acquisitions"] for lock in locks))
                crowd, = (lock for lock in locks if lock["instances"] > 1)
                self.assertEqual(200 - 65, crowd["instances"])
                self.assertEqual(crowd["made"], locks[-1]["made"])
                usual = 3 if act == "crowd-often" else 6
                other, = {lock["acquisitions"] for lock in locks if lock is not crowd} - {usual}
                self.assertIn(other, its_own)

    def test_time_in_which_another_thread_had_the_cpu_is_in_no_run(self) -> None:
        profile, said = self.observe(self.program, "share-cpu")
        n_preempted = sum(map(int, re.findall(r"preempted (\d+)", said)))
        if n_preempted < 10:
            self.skipTest(f"preempted only {n_preempted} times")
        gaps = [event[2] for run in profile["runs"] for event in run["events"]]
        self.assertGreater(len(gaps), 800)
        self.assertLess(sum(gap > 1e6 for gap in gaps), n_preempted / 2)

    def test_runs_say_how_many_acquisitions_came_before(self) -> None:
        profile, _ = self.observe(self.program, "many")
        before = [run["before"] for run in profile["runs"]]
        self.assertEqual([1 + 65 * i for i in range(8)], before[:8])
        self.assertTrue(all(a < b for a, b in zip(sorted(before[8:]), sorted(before[8:])[1:])), before)
        self.assertLess(50000, max(before))
        self.assertLessEqual(max(before) + 64, 100000)

    def test_what_finds_no_room_is_told(self) -> None:
        profile, said = self.observe(self.program, "too-many")
        self.assertGreater(profile["lost_events"], 0)
        self.assertEqual(9000, profile["lost_events"] + sum(lock["acquisitions"] for lock in profile["locks"]))
        self.assertIn(f"{profile['lost_events']} acquisitions found no room", said)

    def test_a_killed_program_and_children(self) -> None:
        profile, _ = self.observe(self.program, "killed", code=128 + 9)
        self.assertEqual((1, "signal 9"), (profile["locks"][0]["acquisitions"], profile["ended"]))
        profile, _ = self.observe(self.program, "fork")
        lock, = profile["locks"]
        self.assertEqual((21, 3, 3, 2), (lock["acquisitions"], lock["threads"], profile["processes"], lock["handoffs"]))
        profile, _ = self.observe("sh", "-c", f"{self.program} contend; {self.program} nest; exit 5", code=5)
        self.assertEqual(16, sum(lock["acquisitions"] for lock in profile["locks"]))
        self.assertEqual("exit 5", profile["ended"])

    def test_sigusr1_writes_what_there_is(self) -> None:
        process = self.start("observe", "--out", str(self.out), "--", self.program, "stay")
        assert process.stdout is not None
        self.assertEqual("there\n", process.stdout.readline())
        for i in (1, 2):
            process.send_signal(signal.SIGUSR1)
            path = self.out / f"profile-{i}.json"
            lockbench.wait_until(path.exists, "the profile so far")
            profile = json.loads(path.read_text())
            self.assertEqual(("runs", 10), (profile["ended"], profile["locks"][0]["acquisitions"]))
        process.send_signal(signal.SIGTERM)  # which is passed on
        self.assertEqual(128 + 15, process.wait(timeout=30))
        self.assertEqual("signal 15", json.loads((self.out / "profile.json").read_text())["ended"])

    def test_names_without_debug_information(self) -> None:
        bare, exporting = str(self.folder / "bare"), str(self.folder / "exporting")
        subprocess.run([*CC, "-O1", "-s", "-pthread", str(SOURCE), "-ldl", "-o", bare], check=True)
        subprocess.run([*CC, "-O1", "-s", "-rdynamic", "-pthread", str(SOURCE), "-ldl", "-o", exporting], check=True)
        lock, = self.observe(bare, "contend")[0]["locks"]
        self.assertRegex(lock["made"], r"^bare\+0x[0-9a-f]+$")
        lock, = self.observe(exporting, "contend")[0]["locks"]
        self.assertRegex(lock["made"], r"\+0x[0-9a-f]+( \(exporting\))?$")
        (self.folder / "bin").mkdir()
        lock, = self.observe(self.program, "contend", environment={"PATH": str(self.folder / "bin")})[0]["locks"]
        self.assertRegex(lock["made"], r"^hold_hot\+0x[0-9a-f]+ \(observed\)$")

    @unittest.skipIf(shutil.which(CXX[0]) is None, "no C++")
    def test_what_c_plus_plus_wraps_around_locks_is_looked_through(self) -> None:
        source = self.folder / "program.cc"
        source.write_text("#include <mutex>\n#include <shared_mutex>\nstatic std::mutex m;\n"
                          "static std::shared_mutex s;\n"
                          "static void take() { std::lock_guard<std::mutex> hold(m); }\n"
                          "static void look() { std::shared_lock<std::shared_mutex> hold(s); }\n"
                          "int main() { for (int i = 0; i < 5; i++) take(), look(); }\n")
        for level in ("-O0", "-O2"):
            subprocess.run([*CXX, "-g", level, "-pthread", str(source), "-o", str(self.folder / "program")], check=True)
            locks = self.observe(str(self.folder / "program"))[0]["locks"]
            self.assertEqual([("mutex", 5, 0), ("rwlock", 5, 5)],
                             sorted((lock["kind"], lock["acquisitions"], lock["reads"]) for lock in locks))
            for lock in locks:
                self.assertFalse(re.match(r"std::|__gthread", lock["made"]), lock["made"])

    def test_an_allocator_whose_own_mutexes_are_observed(self) -> None:
        known = subprocess.run(["/sbin/ldconfig", "-p"], text=True, stdout=subprocess.PIPE, check=False).stdout
        found = re.search(r"(/\S*/libjemalloc\.so\.2)$", known, re.MULTILINE)
        if found is None:
            self.skipTest("no jemalloc")
        profile, _ = self.observe("sh", "-c", f"{self.program} crowd fork move",
                                  environment={"LD_PRELOAD": found[1], "MALLOC_CONF": "narenas:1,tcache:false"})
        self.assertTrue(any("libjemalloc" in lock["made"] for lock in profile["locks"]), profile["locks"])

    def test_the_cost_is_told(self) -> None:
        profile, said = self.observe(self.program, "many", options=("--cost",))
        cost = profile["cost"]
        for key in ("per_acquisition_ns", "share_pct", "cpu_s", "plain_s", "plain_cpu_s"):
            self.assertIsInstance(cost[key], float, cost)
        self.assertRegex(said, r"observing takes -?[\d.]+ ns for each acquisition of a free lock")
        self.assertRegex(said, r"observed it took [\d.]+ s \([\d.]+ s of CPU time\), without [\d.]+ s")
        self.assertIsNone(self.observe("true")[0]["cost"]["plain_s"])

    def test_bad_input(self) -> None:
        for arguments, names in (((), "no `--`"), (("true",), "no `--`"), (("--",), "no program"),
                                 (("--out", "x"), "no `--`"), (("--", "no-such-program"), "there is no program"),
                                 (("--", "/etc/passwd"), "not executable"),
                                 (("--lock", "mcs", "--", "true"), "unknown"),
                                 (("--cost=1", "--", "true"), "takes no value"),
                                 (("--out", "no/folder", "--", "true"), "cannot create the folder 'no/folder'"),
                                 (("--out", ".", "--", "true"), "'.' exists; name a new folder with --out\n")):
            result = self.run_program("observe", *arguments)
            self.assertEqual((2, "", 1), (result.returncode, result.stdout, len(result.stderr.splitlines())),
                             result.stderr)
            self.assertTrue(result.stderr.startswith("lockbench: observe: ") or "folder" in result.stderr,
                            result.stderr)
            self.assertIn(names, result.stderr)
            self.assertEqual([], list(self.folder.iterdir()))

    def test_nothing_is_overwritten(self) -> None:
        for _ in range(2):
            self.assertEqual(0, self.run_program("observe", "--", self.program, "nest").returncode)
        folders = sorted((self.folder / "results").iterdir())
        self.assertEqual([["profile.json"]] * 2, [[path.name for path in folder.iterdir()] for folder in folders])

    def test_output_input_and_exit_code_are_the_program_s(self) -> None:
        result = self.run_program("observe", "--out", str(self.out), "--", "sh", "-c", "cat; echo err >&2; exit 7",
                                  input="in\n")
        self.assertEqual((7, "in\n"), (result.returncode, result.stdout))
        self.assertTrue(result.stderr.startswith("err\nlockbench observe: "), result.stderr)


if __name__ == "__main__":
    lockbench.main()
