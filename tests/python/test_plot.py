# SPDX-License-Identifier: MIT
"""Plots: the files are there, whole, the same every time, and name every lock without overlap."""

from __future__ import annotations

import unittest
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import numpy as np
import pandas as pd

import support
from common import palette
from plots import command
from plots import line_ends
from plots import situations
from plots import style
from results import labels
from results import reading


OVER_THREADS = ("throughput", "scaling", "fairness", "cpu_per_op", "wait")
BY_THREADS = ("who_pays", "wait_tail", "hand_offs")


def texts(svg: Path) -> list[str]:
    return ["".join(element.itertext()) for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]


class Plots(support.FolderTest):
    def draw(self, rows: list[support.Row], host: dict[str, object] | None = None,
             only: tuple[str, ...] = (*OVER_THREADS, *BY_THREADS)) -> dict[str, Path]:
        """only: of the plots over threads, these; none by threads unless some are among them. Drawing takes long."""
        run = reading.load(support.write(self.folder, rows, host))
        over_threads = [plot for plot in command.PLOTS if plot.name in only]
        by_threads = situations.figures if set(only) & set(BY_THREADS) else lambda *_: iter(())
        with mock.patch.multiple(command, PLOTS=over_threads), mock.patch.object(style, "PNG_DPI", 30), \
                mock.patch.object(situations, "figures", by_threads):
            return {path.name: path for path in command.draw(run, self.folder)}

    def test_every_plot_is_written_twice_and_names_the_locks(self) -> None:
        files = self.draw(support.matrix(repetitions=7, latency=True), support.HOST)
        self.assertCountEqual(files, [f"{name}.{kind}" for name in (*OVER_THREADS, *BY_THREADS)
                                      for kind in ("svg", "png")])
        for name, path in files.items():
            if name.endswith(".png"):
                self.assertTrue(path.read_bytes().startswith(b"\x89PNG"))
                continue
            with self.subTest(name):
                found = texts(path)
                for lock in support.LOCKS:
                    self.assertEqual(lock in found, lock not in ("empty", "counter")
                                     or Path(name).stem not in ("fairness", *BY_THREADS), lock)
                for word in (("2 threads", "4 threads *") if Path(name).stem in BY_THREADS else
                             ("threads", "more threads than CPUs (2)", "1", "2", "4")):
                    self.assertIn(word, found)
                self.assertIn("Test CPU 3000, 2 CPUs allowed, virtual machine (kvm), run 20260102", " ".join(found))
        self.assertIn("operations per second", texts(files["throughput.svg"]))
        self.assertIn("10 M", texts(files["throughput.svg"]))
        self.assertIn("100 µs", texts(files["wait.svg"]))

    def test_what_is_due_has_no_cpu_time_of_its_own(self) -> None:
        files = self.draw(support.matrix(threads=(1, 2), repetitions=2, rate_per_s=1000.0, cpu_ns_per_op=""),
                          only=("throughput", "cpu_per_op"))
        self.assertNotIn("cpu_per_op.svg", files)
        self.assertIn("1000 operations/s", " ".join(texts(files["throughput.svg"])))

    def test_no_mark_where_threads_fit_and_no_waits_where_none_were_measured(self) -> None:
        files = self.draw(support.matrix(threads=(1, 2), repetitions=2), only=("throughput", "wait"))
        self.assertNotIn("wait.svg", files)
        self.assertNotIn("more threads", " ".join(texts(files["throughput.svg"])))

    def test_one_number_of_threads_does_not_scale(self) -> None:
        files = self.draw(support.matrix(threads=(2,), repetitions=2), only=("throughput", "scaling"))
        self.assertIn("throughput.svg", files)
        self.assertNotIn("scaling.svg", files)

    def test_baselines_are_named_only_where_they_were_measured(self) -> None:
        rows = support.matrix(threads=(1, 2), repetitions=2, latency=True)
        files = self.draw([row for row in rows if row["kind"] != "baseline" or row["wait_max_ns"] == ""],
                          only=("throughput", "wait"))
        self.assertIn("counter", texts(files["throughput.svg"]))
        self.assertNotIn("counter", texts(files["wait.svg"]))

    def test_a_run_of_baselines_alone(self) -> None:
        self.assertIn("empty", self.texts_of_throughput(support.matrix(locks=["empty"], repetitions=2)))

    def test_the_same_data_gives_the_same_svg(self) -> None:
        rows = support.matrix(threads=(1, 2), repetitions=2)
        first = {name: path.read_bytes() for name, path in self.draw(rows).items() if name.endswith(".svg")}
        for name, path in self.draw(rows).items():
            if name.endswith(".svg"):
                self.assertEqual(path.read_bytes(), first[name])
                self.assertNotIn(b"<dc:date>", first[name])

    def test_the_csv_is_not_touched(self) -> None:
        rows = support.matrix(threads=(1,), repetitions=2)
        support.write(self.folder, rows)
        before = (self.folder / "results.csv").read_bytes()
        self.draw(rows, only=("throughput",))
        self.assertEqual((self.folder / "results.csv").read_bytes(), before)

    def test_one_set_of_plots_per_workload(self) -> None:
        rows = support.matrix(threads=(1,), repetitions=2) + support.matrix(threads=(1,), repetitions=2, cs_ns=200)
        files = self.draw(rows)
        self.assertEqual(len(files), 12)
        self.assertIn("throughput-cs_ns_200.svg", files)

    def texts_of_throughput(self, rows: list[support.Row]) -> list[str]:
        return texts(self.draw(rows, only=("throughput",))["throughput.svg"])

    def test_failed_trials_are_marked(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], repetitions=2)
        for row in rows:
            if row["lock"] == "mcs" and row["threads"] == 4:
                row.update(status="timeout", ops_per_s="")
        found = self.texts_of_throughput(rows)
        for word in ("mcs†", "futex", "×", "† × trials that failed: mcs 2 timeout at 4 threads"):
            self.assertIn(word, found)

    def test_a_number_of_threads_at_which_everything_failed_is_on_the_axis(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], threads=(1, 64), repetitions=2)
        for row in rows:
            if row["threads"] == 64:
                row.update(status="timeout", ops_per_s="")
        found = self.texts_of_throughput(rows)
        self.assertIn("64", found)
        self.assertEqual(found.count("×"), 2)

    def test_a_lock_without_any_good_trial_is_still_named(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], repetitions=2)
        for row in rows:
            if row["lock"] == "mcs":
                row.update(status="crashed", ops_per_s="")
        self.assertIn("mcs†", self.texts_of_throughput(rows))

    def test_zero_and_single_values_are_drawn(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(4,), repetitions=1, ops_per_s=0, cpu_ns_per_op="")
        self.assertIn("mcs", texts(self.draw(rows, only=("throughput", *BY_THREADS))["throughput.svg"]))

    def test_thirty_locks_are_split_by_family(self) -> None:
        rng = np.random.default_rng(2)
        kinds = [("mutex", "yes", "spin"), ("mutex", "no", "spin"), ("mutex", "no", "park"), ("rw", "no", "park")]
        names = [f"lock_{i}" for i in range(30)]
        rows = [support.trial(rng, name, threads, traits=(*kinds[i % 4], "ours", 50 + i, 0.3))
                for i, name in enumerate(names) for threads in (1, 2, 4)]
        rows = support.numbered(rows)
        run = reading.load(support.write(self.folder, rows))
        locks = run.rows.drop_duplicates("lock")
        locks = locks.assign(family=[labels.family(lock) for _, lock in locks.iterrows()])
        shown = command.panels_of(command.PLOTS[0].metrics, locks)
        self.assertCountEqual([lock for panel in shown for lock in panel.locks], names)
        self.assertLessEqual(max(len(panel.locks) for panel in shown), 8)
        files = self.draw(rows, only=("throughput", *BY_THREADS))
        found = texts(files["throughput.svg"])
        for word in (*names, "spinning, FIFO", "parking", "readers/writer locks"):
            self.assertEqual(found.count(word), 1, word)
        # A panel for 2 threads and one for 4.
        self.assertEqual({texts(files["hand_offs.svg"]).count(name) for name in names}, {2})
        said = " ".join(texts(files["who_pays.svg"]))  # the front at its points, all by family below
        for name in names:
            self.assertRegex(said, rf"\b{name}\b")
        self.assertRegex(said, "● parking: lock_.* ■ readers/writer locks: lock_.* ◆ spinning, FIFO: lock_")
        width = float(str(ElementTree.parse(files["who_pays.svg"]).getroot().get("width")).removesuffix("pt"))
        self.assertLess(width / 72, 9, "inches: wider figures cannot be read where a page makes them fit")

    def test_a_lock_for_copies_takes_no_place_in_the_front_of_the_others(self) -> None:
        here = pd.DataFrame({"lock": ["seqlock", "fast", "even", "worse"], "ops_per_s": [9, 5, 1, 4.0],
                             "least_even": [0.8, 0.5, 1.0, 0.4], "copies": [True, False, False, False]})
        self.assertEqual(["fast", "even", "seqlock"], situations.fronts(here))

    def test_the_front_is_what_nothing_beats(self) -> None:
        here = pd.DataFrame({"lock": ["fast", "even", "both", "worse", "twin"], "ops_per_s": [9, 1, 5, 4, 5.0],
                             "least_even": [0.1, 1.0, 0.5, 0.4, 0.5]})
        self.assertEqual(["fast", "both", "even"], situations.front(here))


class Labels(unittest.TestCase):
    def test_apart_in_order_and_within_bounds(self) -> None:
        rng = np.random.default_rng(1)
        for n in (1, 2, 10, 30):
            wanted = sorted(rng.uniform(-20, 120, n))
            placed = line_ends.spread(wanted, 3, 0, 100)
            self.assertGreaterEqual(min(placed), -1e-9)
            self.assertLessEqual(max(placed), 100 + 1e-9)
            self.assertTrue(all(b - a >= 3 - 1e-9 for a, b in zip(placed, placed[1:])))

    def test_moves_only_what_is_too_close_and_to_both_sides(self) -> None:
        self.assertEqual(line_ends.spread([10, 50, 50, 90], 4, 0, 100), [10, 48, 52, 90])

    def test_too_many_share_the_room(self) -> None:
        self.assertEqual(line_ends.spread([5] * 5, 100, 0, 40), [0, 10, 20, 30, 40])
        self.assertEqual(line_ends.spread([], 5, 0, 40), [])


class Styles(unittest.TestCase):
    def test_ten_locks_differ_without_colour(self) -> None:
        styles = [style.lock_style(i) for i in range(command.MAX_IN_ONE)]
        self.assertEqual(len({style.marker for style in styles}), command.MAX_IN_ONE)
        self.assertEqual(len({(style.color, style.line) for style in styles}), command.MAX_IN_ONE)


class Palette(unittest.TestCase):
    def test_locks_that_are_shown_together_differ_and_winners_keep_their_colour(self) -> None:
        place = {f"lock_{i}": i for i in range(30)}
        for shown in ({"lock_0", "lock_8", "lock_16"}, set(list(place)[:8]), set(place)):
            slots = palette.slots(shown, place)
            self.assertEqual(len(shown), len(set(slots.values())))
            self.assertEqual(slots["lock_0"], 0)
            self.assertEqual(min(len(shown), 8), len({slot % 8 for slot in slots.values()}))

    def test_winners_come_first_and_baselines_last(self) -> None:
        table = pd.DataFrame([(0, n, lock, kind, rate) for n in (1, 2) for lock, kind, rate in (
            ("empty", "baseline", 99), ("slow", "mutex", 1), ("quick", "mutex", 5), ("good", "mutex", 4),
            ("failed", "mutex", float("nan")))], columns=["workload", "threads", "lock", "kind", "ops_per_s"])
        table["readers"] = float("nan")
        self.assertEqual(["quick", "good", "slow", "failed", "empty"], list(palette.places(table)))


class Program(support.FolderTest):
    def test_names_what_it_wrote(self) -> None:
        done = support.script("plot", support.write(self.folder, support.matrix(threads=(1,), repetitions=1)))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        written = [Path(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(written), 6)
        self.assertTrue(all(path.stat().st_size > 1000 for path in written))

    def test_says_that_there_was_nothing_to_draw(self) -> None:
        support.write(self.folder, support.matrix(threads=(2,), repetitions=1, status="timeout", ops_per_s=""))
        done = support.call("plot", self.folder)
        self.assertEqual((0, "", 1), (done.returncode, done.stdout, done.stderr.count("\n")))
        self.assertIn("nothing is drawn", done.stderr)

    def test_bad_input_is_one_line_and_exit_code_2(self) -> None:
        cases: list[list[str | Path]] = [[self.folder], [], ["--frobnicate"]]
        for arguments in cases:
            with self.subTest(arguments=arguments):
                done = support.call("plot", *arguments)
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)

    def test_a_folder_that_cannot_be_written(self) -> None:
        support.write(self.folder, support.matrix(threads=(1,), repetitions=1))
        (self.folder / "throughput.svg").mkdir()
        done = support.call("plot", self.folder)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("throughput.svg: Is a directory", done.stderr)


if __name__ == "__main__":
    unittest.main()
