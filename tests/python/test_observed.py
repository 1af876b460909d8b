# SPDX-License-Identifier: MIT
"""A profile of a program's locks and the page about it, from profiles whose truth is known."""

from __future__ import annotations

import copy
import json
import math
import re
import shutil
import unittest
from html import unescape
from pathlib import Path
from typing import Any

import support

from observed import groups, page, pictures, profile

SAMPLE = support.ROOT / "tests" / "program" / "profiles" / "sample.json"


def site(name: str, acquisitions: int, waited_ns: int = 0, caused_wait_ns: int = 0) -> dict[str, Any]:
    return {"site": name, "acquisitions": acquisitions, "waited_ns": waited_ns, "caused_wait_ns": caused_wait_ns}


def lock(number: int, name: str, **given: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "kind": "mutex", "made": name, "made_from": [], "instances": 1,
            "acquisitions": 10, "reads": 0, "contended": 0, "trylocks": 0, "trylocks_failed": 0, "timed": 0,
            "condition_waits": 0, "yields": 0, "threads": 1, "handoffs": 0, "wait_total_ns": 0, "wait_longest_ns": 0,
            "sections_timed": 10, "hold_total_ns": 1000, "hold_ns": [[100, 10]], "wait_ns": [], "gap_ns": [],
            "sites": [site("take", 10)], "under": [], **given}


def whole(*locks: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"schema": 1, "lockbench": "0.2.0", "commit": "0123456789", "host": "testhost", "started_at": "2026-11-30",
            "program": ["/usr/bin/some program", "-x"], "ended": "exit 0", "seconds": 2.0, "cpus": 2, "threads": 2,
            "processes": 1, "lost_events": 0, "unmatched_unlocks": 0,
            "cost": {"per_acquisition_ns": 9.5, "share_pct": 1.25, "cpu_s": 1.0, "plain_s": None, "plain_cpu_s": None},
            "locks": list(locks), "runs": [], "waits": [], "waited": {"slice_ns": 1e8, "lanes": []}, **given}


SHARDS = [lock(1, "alone", acquisitions=7, wait_total_ns=500, wait_longest_ns=500, contended=1),
          lock(2, "shard", acquisitions=20, wait_total_ns=400, wait_longest_ns=90, contended=6, threads=3,
               hold_ns=[[7, 1], [9, 2]], sites=[site("get", 6, 400, 100), site("put", 14, 0, 100)],
               under=[{"lock": 1, "times": 5}]),
          lock(3, "shard", acquisitions=30, wait_total_ns=200, wait_longest_ns=95, contended=4, threads=2,
               hold_ns=[[8, 4], [9, 1], [12, 3]], sites=[site("put", 30, 200, 400)],
               under=[{"lock": 1, "times": 6}, {"lock": None, "times": 2}, {"lock": 2, "times": 1}]),
          lock(4, "shard", kind="spin", under=[{"lock": 3, "times": 0}])]


class Profiles(support.FolderTest):
    def write(self, contents: dict[str, Any], name: str = "profile.json") -> Path:
        path = self.folder / name
        path.write_text(json.dumps(contents))
        return path

    def load(self, *locks: dict[str, Any], **given: Any) -> profile.Profile:
        return profile.load(self.write(whole(*locks, **given)))


class Reading(Profiles):
    def test_the_sample_of_the_documentation(self) -> None:
        read = profile.load(SAMPLE)
        self.assertEqual(("db_bench", 3), (read.program, len(read.locks)))
        self.assertEqual({}, read.lanes[1])  # of before there were any
        self.assertEqual([0, 0, 0], [lock["yields"] for lock in read.locks])  # nor were these counted

    def test_what_is_no_profile_is_refused_in_a_line(self) -> None:
        good = whole(*SHARDS)
        del good["cost"]
        cases: list[tuple[Any, str]] = [
            ([], "no profile"), ({}, "no profile"), ({"context": {}, "benchmarks": []}, "no profile"),
            ({**good, "schema": 2}, "schema 2; this lockbench reads schema 1"), (good, "the profile has no cost")]
        for key, value, words in (("id", 1, "two locks have one id"), ("hold_ns", [[5, 1], [5, 2]], "ascending"),
                                  ("wait_ns", [5], "[upper_ns, count]"), ("sites", [{}], "a site of lock 2"),
                                  ("acquisitions", "7", "lock 2 of the list has no acquisitions"),
                                  ("threads", True, "threads")):
            bad = copy.deepcopy(whole(*SHARDS))
            bad["locks"][1][key] = value
            cases.append((bad, words))
        for key, value, words in (("seconds", 0, "no time"), ("program", [], "no program"),
                                  ("locks", [5], "lock 1 of the list is no object"),
                                  ("waits", [{"lock": 1, "thread": 1, "holder": None, "start_ns": -1, "wait_ns": 0}],
                                   "a wait began"),
                                  ("waited", {"slice_ns": 0, "lanes": []}, "slice_ns"),
                                  ("waited", {"slice_ns": 1, "lanes": [{"thread": 1, "waited_ns": [-1]}]}, "a lane")):
            cases.append(({**whole(*SHARDS), key: value}, words))
        for contents, words in cases:
            path = self.write(contents)
            with self.subTest(words), self.assertRaises(profile.ProfileError) as raised:
                profile.load(path)
            self.assertIn(words, str(raised.exception))
            self.assertTrue(str(raised.exception).startswith(f"{path}: "))
            self.assertNotIn("\n", str(raised.exception))
        for text in ("", "{", "[1, 2", "\x00"):
            (self.folder / "profile.json").write_text(text)
            with self.assertRaisesRegex(profile.ProfileError, "no JSON"):
                profile.load(self.folder / "profile.json")


class Groups(Profiles):
    def test_locks_of_one_place_are_one(self) -> None:
        found = groups.groups(self.load(*SHARDS))
        self.assertEqual(["2 locks: shard", "alone", "shard"], [group.title for group in found])
        shards = found[0]
        wanted = {"instances": 2, "acquisitions": 50, "contended": 10, "wait_total_ns": 600, "wait_longest_ns": 95,
                  "threads": 3}
        self.assertEqual(wanted, {key: shards.figures[key] for key in wanted})
        self.assertEqual([(7, 1), (8, 4), (9, 3), (12, 3)], shards.histograms["hold_ns"])
        self.assertEqual([("put", 44, 200, 500, 0), ("get", 6, 400, 100, 0)], [tuple(place) for place in shards.sites])
        self.assertEqual((8, 12), (groups.quantile(shards.histograms["hold_ns"], 0.4),
                                   groups.quantile(shards.histograms["hold_ns"], 1)))
        self.assertTrue(math.isnan(groups.quantile([], 0.5)))

    def test_a_section_that_yields_is_told(self) -> None:
        for yields in (0, 3):
            read = self.load(lock(1, "alone", yields=yields), lock(2, "alone", yields=2 * yields))
            self.assertEqual(3 * yields, groups.groups(read)[0].figures["yields"])
            self.assertEqual(yields > 0, "the section yields its CPU" in page.page(read))

    def test_nesting_and_both_orders(self) -> None:
        nested = groups.nestings(groups.groups(self.load(*SHARDS)))
        self.assertEqual([("alone", "2 locks: shard", 11, False), ("", "2 locks: shard", 2, False),
                          ("2 locks: shard", "2 locks: shard", 1, False)], [tuple(pair) for pair in nested])
        both = [lock(1, "a", under=[{"lock": 2, "times": 3}]), lock(2, "b", under=[{"lock": 1, "times": 4}])]
        read = self.load(*both)
        self.assertEqual([("a", "b", 4, True), ("b", "a", 3, True)],
                         [tuple(pair) for pair in groups.nestings(groups.groups(read))])
        self.assertEqual(1, page.page(read).count("are taken each under the other"))


class Pictures(unittest.TestCase):
    def test_bars_lie_where_the_buckets_are(self) -> None:
        bars = pictures.bars([(0, 1), (1, 1), (2, 3), (100, 5), (111, 6), (200, 7)])
        self.assertEqual([(1, 2), (800 / 9, 100), (100, 111), (1600 / 9, 200)], [bar[:2] for bar in bars[-4:]])
        self.assertTrue(all(a.upper <= b.lower for a, b in zip(bars, bars[1:])))
        self.assertEqual(23, sum(bar.n for bar in bars))

    def test_the_area_of_a_bar_is_its_share(self) -> None:
        found = groups._group("x", "mutex", [lock(1, "x", hold_ns=[[90, 10], [180, 20], [189, 10], [1600, 5]])])
        rects = re.findall(r'<rect class=held x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"><title>'
                           r"[^:]*: ([\d.]+) %", pictures.histograms(found))
        self.assertEqual(4, len(rects))
        areas = [float(width) * float(height) for _, width, height, _ in rects]
        for area, (_, _, _, share) in zip(areas, rects):
            self.assertAlmostEqual(float(share) / 100, area / sum(areas), delta=0.01)

    def test_slices_that_were_waited_in_are_drawn_where_they_are(self) -> None:
        svg = pictures.waiting(1e8, {4: [0, 100_000_000, 0, 25_000_000], 9: [0, 0]}, 1.0)
        self.assertEqual(["4"], re.findall(r">thread (\d+)</text>", svg))
        rects = re.findall(r'<rect class=waited x="([\d.]+)" .*?fill-opacity="([\d.]+)"><title>thread 4, (.*?): waited '
                           r"([\d.]+) %", svg)
        self.assertEqual([("1.00", "100 ms to 200 ms", "100"), ("0.36", "300 ms to 400 ms", "25")],
                         [rect[1:] for rect in rects])
        width = pictures.WIDTH - pictures.LEFT - pictures.RIGHT
        self.assertEqual([f"{pictures.LEFT + width * part:.1f}" for part in (0.1, 0.3)], [rect[0] for rect in rects])
        self.assertEqual("", pictures.waiting(1e8, {1: [0, 0]}, 1.0))

    def test_of_many_threads_those_are_shown_that_waited_longest(self) -> None:
        svg = pictures.waiting(1e8, {i: [i] for i in range(1, 101)}, 1.0)
        self.assertEqual([str(i) for i in range(101 - pictures.MOST_ROWS, 101)],
                         re.findall(r">thread (\d+)</text>", svg))
        self.assertIn("52 more threads waited", svg)


class Page(Profiles):
    def data(self, text: str) -> dict[str, Any]:
        match = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
        assert match is not None
        return dict(json.loads(match[1]))

    def test_what_is_lost_comes_first(self) -> None:
        read = self.load(*SHARDS)
        text = page.page(read)
        self.assertRegex(text, r"(?s)Which lock is waited for\?.*?<b class=best>2 locks: shard</b>.*?600 ns.*?55\xa0%")
        self.assertRegex(text, r"(?s)From where is it held.*?<b>put</b>.*?83\xa0%")
        order = [text.index(f'href="#lock-{i}"') for i in range(3)]
        self.assertEqual(sorted(order), order)
        self.assertEqual(3, text.count("<details class=lock"))
        self.assertEqual(["600ns waited for 2 locks: shard", "  83 % of that while it was held from put"],
                         list(page.headlines(read)))

    def test_an_estimate_says_from_how_much_and_is_left_out_where_that_is_too_little(self) -> None:
        def estimated(looks: int) -> profile.Profile:
            sites = [{**site("put", 6, 100, 300), "caused_from_looks": looks}, site("get", 4, 300, 100)]
            return self.load(lock(1, "a", wait_total_ns=400, contended=9, sites=sites))
        enough, few = estimated(groups.MIN_LOOKS), estimated(groups.MIN_LOOKS - 1)
        text = page.page(enough)
        self.assertIn("75 % of the waiting (estimated from 5 looks) while held from put", text)
        self.assertRegex(text, r"(?s)From where is it held.*?75\xa0%.*?estimated from looks at the stack <b>5</b>")
        self.assertIn("<td>75</td><td>5</td></tr>", text)
        self.assertIn("<td>25</td><td>counted</td></tr>", text)
        self.assertIn("  75 % of that (estimated from 5 looks) while it was held from put",
                      list(page.headlines(enough)))
        text = page.page(few)
        self.assertNotIn("75", re.sub(r"(?s)<style>.*?</style>|<script.*?</script>|<svg.*?</svg>", "", text))
        self.assertIn("most of the waiting, as far as seen, while held from put", text)
        self.assertIn("<td></td><td>4</td></tr>", text)
        self.assertNotIn("looks", page.page(self.load(*SHARDS)))

    def test_each_lock_of_a_place_is_there_too(self) -> None:
        text = page.page(self.load(*SHARDS))
        self.assertRegex(text, r"<h2>Locks of one place</h2><details><summary>2 locks</summary>")
        self.assertNotIn("Locks of one place", page.page(self.load(lock(1, "a"), lock(2, "b"))))

    def test_where_nobody_waits_it_says_so(self) -> None:
        read = self.load(lock(1, "a"))
        self.assertIn("No thread waited for a lock: 10 acquisitions of 1 lock in 2 s", page.page(read))
        self.assertEqual(["no thread waited for a lock"], list(page.headlines(read)))
        self.assertIn("No thread waited for a lock: 0 acquisitions of 0 locks", page.page(self.load()))

    def test_waits_are_in_the_picture_s_data(self) -> None:
        waits = [{"lock": number, "thread": thread, "holder": holder, "start_ns": start, "wait_ns": wait}
                 for number, thread, holder, start, wait in ((3, 1, 2, 900, 50), (1, 2, None, 100, 70),
                                                             (2, 2, 1, 300, 40), (99, 1, 2, 10, 1))]
        text = page.page(self.load(*SHARDS, waits=waits))
        data = self.data(text)
        self.assertEqual(["2 locks: shard", "alone", "a lock that is not in the profile"], data["locks"])
        self.assertEqual([[2, 1, 2, 10, 1], [1, 2, None, 100, 70], [0, 2, 1, 300, 40], [0, 1, 2, 900, 50]],
                         data["waits"])
        self.assertEqual(["1", "3", "2", "0"], re.findall(r'data-wait="(\d+)"', text))

    def test_of_too_many_waits_the_longest_are_kept_and_that_is_said(self) -> None:
        waits = [{"lock": 1, "thread": 1, "holder": None, "start_ns": i, "wait_ns": i}
                 for i in range(page.MOST_WAITS + 5)]
        text = page.page(self.load(*SHARDS, waits=waits))
        self.assertIn(f"The longest {page.MOST_WAITS} of the last", text)
        self.assertEqual(5, self.data(text)["waits"][0][4])

    def test_names_cannot_break_out_of_the_page(self) -> None:
        name = "</script><b>$x & 'y' \"z\""
        waits = [{"lock": 1, "thread": 1, "holder": None, "start_ns": 1, "wait_ns": 1}]
        read = self.load(lock(1, name, sites=[site(name, 1, 1, 1)], wait_total_ns=1, under=[{"lock": 1, "times": 1}]),
                         waits=waits, program=[name], ended=name, host=name)
        text = page.page(read)
        self.assertNotIn("<b>$x", text)
        self.assertEqual([name], self.data(text)["locks"])
        self.assertGreaterEqual(unescape(text).count(name), 8)

    def test_what_is_to_be_read_with_care(self) -> None:
        text = page.page(self.load(*SHARDS, lost_events=3, unmatched_unlocks=2, ended="signal 9", threads=8,
                                   cost={"per_acquisition_ns": 20.0, "share_pct": 30.0}))
        for words in ("3 acquisitions found no room", "2 unlocks were by threads", "ended with signal 9",
                      "8 threads on 2 CPUs", "observing took 30 %"):
            self.assertIn(words, text)
        self.assertIn("Nothing suspicious", page.page(self.load(*SHARDS)))
        self.assertIn("still running", page.page(self.load(*SHARDS, ended="runs")))
        self.assertNotIn("Observing took", page.page(self.load(cost={"per_acquisition_ns": None, "share_pct": None})))

    def test_the_page_asks_the_network_for_nothing_and_needs_no_library(self) -> None:
        text = page.page(profile.load(SAMPLE))
        self.assertNotRegex(text, r"(src|href)=[\"']?(https?:)?//")
        self.assertLess(len(text), 200_000)


class Called(Profiles):
    def test_a_folder_or_a_file_gets_its_page_beside_it(self) -> None:
        self.write(whole(*SHARDS))
        self.write(whole(lock(1, "a")), "profile-1.json")
        for given, written in ((self.folder, "profile.html"), (self.folder / "profile-1.json", "profile-1.html")):
            done = support.script("report", given)
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertEqual(f"report: {self.folder / written}", done.stdout.splitlines()[0])
            self.assertIn("some program", (self.folder / written).read_text())
        done = support.call("report", self.folder / "profile.json", "--out", self.folder / "x.html")
        self.assertEqual((0, True), (done.returncode, (self.folder / "x.html").exists()))

    def test_a_run_that_keeps_a_profile_is_still_a_run(self) -> None:
        support.write(self.folder, support.matrix(["futex"], (1,), 7))
        shutil.copy(SAMPLE, self.folder / "profile.json")
        self.assertEqual(self.folder / "profile.json", profile.find(self.folder / "profile.json"))
        self.assertIsNone(profile.find(self.folder))

    def test_bad_input_is_one_line_and_writes_nothing(self) -> None:
        good = self.write(whole(*SHARDS))
        empty = self.folder / "empty"
        empty.mkdir()
        (self.folder / "bad.json").write_text("{}")
        before = set(self.folder.iterdir())
        cases: list[tuple[tuple[str | Path, ...], str]] = [
            ((good, good), "a profile has a page of its own; give it alone"),
            ((self.folder / "none.json",), "No such file"), ((self.folder / "bad.json",), "no profile"),
            ((empty,), "no results.csv"), ((good, "--out", "/does/not/exist/x.html"), "No such file or directory")]
        for arguments, words in cases:
            done = support.call("report", *arguments)
            self.assertEqual((2, "", 1), (done.returncode, done.stdout, done.stderr.count("\n")), done.stderr)
            self.assertIn(words, done.stderr)
        self.assertEqual(before, set(self.folder.iterdir()))


if __name__ == "__main__":
    unittest.main()
