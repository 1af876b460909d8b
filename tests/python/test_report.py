# SPDX-License-Identifier: MIT
"""The answer, the map and the page, from CSVs whose truth is known."""

from __future__ import annotations

import json
import re
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import support

from compare.ranking import Ranking
from report import answer
from report import command
from report import price
from report import summary
from results import reading
from results.cells import cells


def data_of(page: str) -> dict[str, Any]:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match is not None
    return json.loads(match[1])


class Answers(support.FolderTest):
    """`quick` is twice as fast as `slow` at one thread and alike at two, beyond which `fifo` collapses."""

    def setUp(self) -> None:
        super().setUp()
        rng = np.random.default_rng(7)
        rows = []
        for threads, rates in ((1, (200, 100, 150)), (2, (50, 49.5, 20)), (4, (40, 39.8, 0.001))):
            for lock, rate in zip(("quick", "slow", "fifo"), rates):
                for repetition in range(1, 10):
                    even = 1 / threads if lock == "fifo" else 0.3 / threads
                    rows.append(support.trial(rng, "futex", threads, repetition,
                                              ops_per_s=1e6 * rate * rng.lognormal(0, 0.005), min_share=even)
                                | {"lock": lock})
        run = reading.load(support.write(self.folder, rows))
        self.table, self.ranking = cells(run), Ranking.of(run)
        self.found = {a.question.name: a for a in answer.answers(self.table, self.ranking)}

    def test_best_and_what_is_not_shown_to_be_worse(self) -> None:
        self.assertEqual("quick", self.found["alone"].best)
        self.assertEqual([], self.found["alone"].alike)
        self.assertIn(self.found["short"].best, ("quick", "slow"))
        self.assertEqual(1, len(self.found["short"].alike))

    def test_a_lock_that_starves_a_thread_is_no_answer_where_none_may(self) -> None:
        self.assertEqual("fifo", self.found["fair"].best)
        self.assertEqual("fifo", self.found["fair-crowd"].best)
        self.assertNotEqual("fifo", self.found["crowd"].best)

    def test_headlines_are_few_and_fit_a_terminal(self) -> None:
        lines = list(answer.headlines(list(self.found.values())))
        self.assertEqual(3, sum(not line.startswith(" ") for line in lines))
        self.assertIn("quick", " ".join(lines))
        self.assertTrue(all(len(line) <= 100 and line.isascii() for line in lines), lines)

    def test_questions_that_were_not_measured_are_left_out(self) -> None:
        self.assertNotIn("long", self.found)
        self.assertNotIn("rw", self.found)

    def test_a_lock_that_failed_once_is_no_answer(self) -> None:
        table = self.table.copy()
        table.loc[table["lock"] == "quick", "failed"] = True
        self.assertNotIn("quick", {a.best for a in answer.answers(table, self.ranking)})

    def test_regions_name_the_best_and_those_alike(self) -> None:
        [(_, regions)] = answer.regions(self.table, self.ranking, "mutex")
        by_threads = {region.threads: region for region in regions}
        self.assertEqual("quick", by_threads[1].best)
        self.assertEqual([], by_threads[1].alike)
        self.assertEqual({"quick", "slow"}, {by_threads[2].best, *by_threads[2].alike})


class Prices(support.FolderTest):
    """Of one lock or two, out of trials of which one column is known."""

    def answer(self, *locks: str, threads: tuple[int, ...] = (2,), **given: Any) -> answer.Answer:
        rows = support.matrix(locks, threads, 7, latency=True, cpu_ns_per_op=90, ops_per_s=22e6)
        for row in rows:
            row.update({"ops_per_s": "", "cpu_ns_per_op": ""} if row["wait_max_ns"] != "" else {})
            row.update({column: value for column, value in given.items() if row["wait_max_ns"] != ""
                        or not column.startswith("wait")})
        run = reading.load(support.write(self.folder, rows))
        [found] = [a for a in answer.answers(cells(run), Ranking.of(run)) if a.question.name == "short"]
        return found

    def price(self, **given: Any) -> dict[str, str]:
        found = self.answer("mcs", **given)
        assert found.best is not None
        return dict(found.prices[found.best])

    def test_what_stands_beside_the_name(self) -> None:
        self.assertEqual({"throughput": "22M/s", "least served thread": "56 % of an even share", "longest wait":
                          "606us", "CPU per operation": "90ns"}, self.price(min_share=0.28, wait_max_ns=606e3))

    def test_a_bound_stays_a_bound(self) -> None:
        self.assertEqual(">=606us", self.price(wait_max_ns=606e3, waits_open=1, wait_bound_from_q=0.5)["longest wait"])

    def test_what_was_not_judged_or_measured_says_so(self) -> None:
        self.assertEqual("not judged", self.price(ops=30)["least served thread"])
        rows = support.matrix(["mcs"], (2,), 7)
        run = reading.load(support.write(self.folder, rows))
        found = {a.question.name: a for a in answer.answers(cells(run), Ranking.of(run))}["short"]
        self.assertEqual("not measured", dict(found.prices["mcs"])["longest wait"])
        table = cells(reading.load(support.write(self.folder, support.matrix(["mcs"], (2, 4), 7, latency=True))))
        table.loc[table["threads"] == 4, "n_unjudged"] = 1
        table["least_even"] = 0.5
        self.assertIn(price.Item("least served thread", "50 % of an even share (not judged in 1 of 2 situations)"),
                      price.price(table))

    def test_over_several_situations_a_range_or_the_worst(self) -> None:
        table = cells(reading.load(support.write(self.folder, support.matrix(["mcs"], (2, 4), 7, latency=True))))
        table[["ops_per_s", "cpu_ns_per_op"]] = [[22e6, 90], [66.7e3, 1e4]]
        table[["least_even", "wait_max_ns"]] = [[0.9, 1e6], [0.2, 9e6]]
        table["wait_max_ns_is_bound"] = [True, False]
        self.assertEqual(["66.7k to 22M/s", "20 % of an even share", ">=9ms", "90ns to 10us"],
                         [item.value for item in price.price(table)])

    def test_one_thread_neither_shares_nor_waits(self) -> None:
        table = cells(reading.load(support.write(self.folder, support.matrix(["mcs"], (1,), 7, latency=True))))
        self.assertEqual(["throughput", "CPU per operation"], [item.name for item in price.price(table)])

    def test_the_best_is_not_said_to_be_as_fast_as_the_best(self) -> None:
        found = self.answer("mcs", "futex")
        self.assertNotIn("lock's throughput", " ".join(found.lines))
        rows = support.matrix(["mcs", "futex"], (2,), 7)
        for row in rows:
            row["min_share"] = 0.5 if row["lock"] == "mcs" else 0.1
        run = reading.load(support.write(self.folder, rows))
        fair = {a.question.name: a for a in answer.answers(cells(run), Ranking.of(run))}["fair"]
        self.assertRegex(" ".join(fair.lines), r": mcs .* 1\d % of the fastest lock's throughput")


class ForCopies(support.FolderTest):
    """A seqlock that is twice as fast as the best readers/writer lock, at two threads and at four."""

    def setUp(self) -> None:
        super().setUp()
        rng = np.random.default_rng(3)
        traits = ("rw", "no", "spin", "ours", 10.0, 1.0)
        rows = [support.trial(rng, lock, threads, repetition, traits=traits, read_pct=90, writes_per_s=1e5,
                              ops_per_s=1e6 * rate * rng.lognormal(0, 0.005))
                for threads in (2, 4) for lock, rate in (("rw_futex", 10), ("rw_ticket", 5), ("seqlock", 20))
                for repetition in range(1, 8)]
        self.measured = reading.load(support.write(self.folder, rows))
        self.table, self.ranking = cells(self.measured), Ranking.of(self.measured)

    def test_the_answer_names_the_best_lock_and_then_the_seqlock(self) -> None:
        [found] = answer.answers(self.table, self.ranking)
        self.assertEqual(("rw_futex", 2), (found.best, found.n_locks))
        self.assertAlmostEqual(1, found.score)
        self.assertRegex(list(found.lines)[-1], "^for state that may be copied: seqlock, 2 times as fast: throughput ")
        self.assertIn("for state that may be copied: seqlock", " ".join(" ".join(answer.headlines([found])).split()))

    def test_without_another_lock_there_is_none_to_name_first(self) -> None:
        [found] = answer.answers(self.table[self.table["lock"] == "seqlock"], self.ranking)
        self.assertIsNone(found.best)
        self.assertRegex(" ".join(found.lines), "none was measured that protects state in place for .*: seqlock: thr")

    def test_one_that_failed_is_not_named(self) -> None:
        table = self.table.copy()
        table.loc[table["lock"] == "seqlock", "failed"] = True
        [found] = answer.answers(table, self.ranking)
        self.assertEqual([], found.for_copies)

    def test_the_map(self) -> None:
        [(_, regions)] = answer.regions(self.table, self.ranking, "rw")
        self.assertEqual([("rw_futex", [], "seqlock")] * 2, [(r.best, r.alike, r.for_copies) for r in regions])
        page = command.page([self.measured], [self.table], [self.ranking])
        self.assertIn("<small>copies: seqlock</small>", page)
        self.assertEqual([False, False, True], [data_of(page)["locks"][lock]["copies"]
                                                for lock in ("rw_futex", "rw_ticket", "seqlock")])

    def test_the_summary(self) -> None:
        lines = [line.split()[:2] for line in summary.summary(self.measured)
                 if re.match(r" *(\d|=|cpy) +(rw_|seqlock)", line)]
        self.assertEqual([["1", "rw_futex"], ["2", "rw_ticket"], ["cpy", "seqlock"]] * 2, lines)


class Page(support.FolderTest):
    def write(self, rows: list[support.Row]) -> Path:
        return support.write(Path(tempfile.mkdtemp(dir=self.folder)), rows)

    def page(self, *folders: Path) -> str:
        runs = [reading.load(folder) for folder in folders]
        return command.page(runs, [cells(run) for run in runs], [Ranking.of(run) for run in runs])

    def test_all_cells_are_in_it_and_empty_is_null(self) -> None:
        data = data_of(self.page(self.write(support.matrix(support.LOCKS, (1, 2, 4), 7, latency=True))))
        run = data["runs"][0]
        self.assertEqual(3 * len(support.LOCKS), len(run["cells"]))
        rows = [dict(zip(data["fields"], cell)) for cell in run["cells"]]
        self.assertTrue(all(row["low"] <= row["ops_per_s"] <= row["high"] for row in rows))
        self.assertTrue(all(row["try_success_pct"] is None for row in rows))
        self.assertTrue(all(row["scaling"] == 1 for row in rows if row["threads"] == 1))

    def test_workloads_and_locks_are_in_an_order_to_find_them(self) -> None:
        """Not in that of the trials, which is random."""
        rows = [row for cs_ns in (1000, 0, 200)
                for row in support.matrix(("ticket", "empty", "mcs"), (2,), 7, cs_ns=cs_ns)]
        data = data_of(self.page(self.write(rows)))
        self.assertEqual(["mcs", "ticket", "empty"], list(data["locks"]))
        labels = [label for _, label in sorted(data["runs"][0]["workloads"].items())]
        self.assertRegex(" ".join(labels), "empty section.*section 200 ns.*section 1 µs")

    def test_names_cannot_break_out_of_the_page(self) -> None:
        rows = [row | {"lock": "</script><b>x"} for row in support.matrix(["futex"], (1,), 7)]
        page = self.page(self.write(rows))
        self.assertNotIn("</script><b>x", page)
        self.assertEqual(["</script><b>x"], list(data_of(page)["locks"]))

    def test_two_runs_tell_where_they_disagree(self) -> None:
        """The locks' names are exchanged, so that the pair flips wherever it differs."""
        rows = support.matrix(["futex", "ticket"], (1, 2), 7)
        swapped = [row | {"lock": {"futex": "ticket", "ticket": "futex"}[row["lock"]]} for row in rows]
        one, other = self.write(rows), self.write(swapped)
        page = self.page(one, other)
        self.assertIn("compared in two runs or more: 2; 2 flip,", page)
        self.assertRegex(page, r"futex or ticket\?</th><td class=text><div>futex \([\d.]+\u00a0times\)</div></td>"
                               r"<td class=text><div>ticket \([\d.]+\u00a0times\)</div></td>")
        self.assertNotIn("Where the runs disagree", self.page(one))

    def test_winners_that_are_not_shown_to_differ_disagree_about_nothing(self) -> None:
        one, other = (self.write(support.matrix(["futex", "ticket"], (1, 2), 3, seed=seed)) for seed in (1, 2))
        self.assertIn("2; 0 flip, 0 have the same winner in all, 2 show no difference in any", self.page(one, other))

    def test_runs_that_cannot_disagree_have_their_page(self) -> None:
        for rows in (support.matrix(["empty", "counter"], (1, 2), 7), support.matrix(["futex"], (1, 2), 7)):
            self.assertIn("compared in two runs or more: 0", self.page(self.write(rows), self.write(rows)))
        failed = support.matrix(["futex"], (1,), 7, status="timeout", ops_per_s="")
        self.assertNotIn("Where the runs disagree", self.page(self.write(failed), self.write(failed)))

    def test_runs_are_told_from_each_other(self) -> None:
        rows = support.matrix(["futex"], (1,), 7)
        folders = [self.folder / machine / "results" for machine in "ab"]
        for folder in folders:
            folder.mkdir(parents=True)
            support.write(folder, rows)
        names = [run["name"] for run in data_of(self.page(*folders))["runs"]]
        self.assertEqual([str(folder / "results.csv") for folder in folders], names)
        done = support.call("report", folders[0], folders[1], folders[0] / "results.csv")
        self.assertEqual((2, f"report: {folders[0] / 'results.csv'}: given twice; give each run once\n"),
                         (done.returncode, done.stderr))

    def test_what_is_not_known_is_not_made_up(self) -> None:
        """A lone lock is the best of nothing, baselines are no locks, and without host.json no command is known."""
        alone = self.page(self.write(support.matrix(["futex"], (1, 2), 7)))
        self.assertRegex(alone, "<b class=best>futex</b>.*?<div>the only one that was measured</div>")
        self.assertIn("no host.json is beside the CSV", alone)
        self.assertNotIn("To measure it again", alone)
        self.assertIn("No mutex was measured", self.page(self.write(support.matrix(["empty", "counter"], (1, 2), 7))))

    def test_the_page_asks_the_network_for_nothing(self) -> None:
        page = self.page(self.write(support.matrix(["futex"], (1,), 7)))
        self.assertNotRegex(page, r"(src|href)=[\"']?(https?:)?//")

    def test_bad_arguments_are_one_line(self) -> None:
        given: tuple[tuple[str, ...], ...] = ((), ("--what",), ("/does/not/exist",), ("--out",))
        for arguments in given:
            done = support.call("report", *arguments)
            self.assertEqual(2, done.returncode)
            self.assertEqual(1, done.stderr.count("\n"), done.stderr)

    def test_an_unwritable_place_is_one_line_and_leaves_nothing_there(self) -> None:
        folder = self.write(support.matrix(["futex"], (1,), 7))
        taken = self.folder / "taken"
        taken.mkdir()
        before = set(self.folder.iterdir())
        for out, why in ((Path("/does/not/exist/r.html"), "No such file or directory"), (taken, "Is a directory")):
            done = support.call("report", folder, "--out", out)
            self.assertEqual((2, f"report: {out}: {why}; give a file that can be written by --out\n"),
                             (done.returncode, done.stderr))
        self.assertEqual(before, set(self.folder.iterdir()))


if __name__ == "__main__":
    unittest.main()
