# SPDX-License-Identifier: MIT
"""compare as a program: what it prints, what it refuses, its exit codes, and never a traceback."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import support
from results import columns

LOCKS = ("mcs", "futex", "ticket")
BUILD = {"build": {"git_sha": "1234567", "compiler": "gcc 12.2.0", "flags": "-O3", "type": "release"}}


class Programs(support.FolderTest):
    def run_of(self, name: str, rows: list[support.Row] | None = None, host: dict[str, Any] | None = None,
               **given: Any) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        rows = rows or support.matrix(locks=LOCKS, threads=(1, 2), repetitions=7, seed=len(name) + ord(name[0]))
        return support.write(folder, [{**row, **given} for row in rows], {**support.HOST, **BUILD, **(host or {})})

    def slowed(self, name: str, lock: str, factor: float, **given: Any) -> Path:
        rows = support.matrix(locks=LOCKS, threads=(1, 2), repetitions=7, seed=9)
        rows = [{**row, "ops_per_s": row["ops_per_s"] / (factor if row["lock"] == lock else 1)} for row in rows]
        return self.run_of(name, rows, **given)

    @staticmethod
    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return support.call("compare", *arguments)

    def good(self, *arguments: str | Path, code: int = 0) -> str:
        done = self.call(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def refused(self, *arguments: str | Path, words: tuple[str, ...] = ()) -> None:
        done = self.call(*arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)


class Formats(Programs):
    def test_table(self) -> None:
        text = self.good(self.run_of("a"))
        self.assertRegex(text, r"6 comparisons: \d faster, 0 slower, \d no difference shown")
        self.assertRegex(text, r"2 threads\n.*against .*ratio.*\n")
        self.assertRegex(text, r"\nfutex  ticket +44M +4\.94M +7 +8\.\d\d\d +8\.\d\d\d\.\.9\.\d\d\d 0\.000\d+ faster\n")
        for line in text.splitlines():
            self.assertTrue(line.isascii() and len(line) <= 100, line)

    def test_csv_and_json_tell_the_same_and_join_with_the_results(self) -> None:
        run = self.run_of("a")
        rows = list(csv.DictReader(io.StringIO(self.good(run, "--format", "csv"))))
        told = json.loads(self.good(run, "--format", "json"))
        self.assertEqual(len(rows), 6)
        self.assertEqual(sum(told["counts"].values()), 6)
        self.assertEqual((told["metric"], told["by"], told["margin"]), ("ops_per_s", "lock", 0.05))
        for row, entry in zip(rows, told["comparisons"]):
            self.assertEqual((row["lock"], row["against"], row["verdict"]),
                             (entry["lock"], entry["against"], entry["verdict"]))
            self.assertAlmostEqual(float(row["ratio"]), entry["ratio"], places=4)
            self.assertLessEqual(entry["low"], entry["ratio"])
            self.assertEqual((row["readers"], entry["readers"]), ("", None))
            self.assertAlmostEqual(entry["median"] / entry["median_against"], entry["ratio"], places=4)
        self.assertTrue(set(columns.CELL) <= set(rows[0]))

    def test_fields_with_commas_are_quoted(self) -> None:
        rows = csv.DictReader(io.StringIO(self.good(self.run_of("a", placement="list:0,1"), "--format", "csv")))
        self.assertEqual({(row["placement"], row["flags"]) for row in rows}, {("list:0,1", "")})

    def test_markdown(self) -> None:
        text = self.good(self.run_of("a"), "--format", "markdown")
        self.assertIn("### 2 threads", text)
        rows = [line for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(len({row.count("|") for row in rows}), 1)
        self.assertEqual(sum(row.endswith("|") and "futex" in row for row in rows), 4)

    def test_what_a_median_does_not_tell_is_beside_it(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=9)
        for row in rows:
            if row["lock"] == "mcs" and row["repetition"] < 5:
                row["ops_per_s"] *= 3
        text = self.good(self.run_of("a", rows))
        self.assertRegex(text, r"! mcs: two modes at 5\.\dM and 16M")
        self.assertIn("- modes: a sample fell into two modes", text)

    def test_the_bootstrap_by_option(self) -> None:
        run = self.run_of("a")
        order, bootstrap = (json.loads(self.good(run, "--format", "json", "--interval", name))
                            for name in ("order", "bootstrap"))
        self.assertIn("MOVER", order["method"])
        self.assertIn("percentile bootstrap", bootstrap["method"])
        self.assertNotEqual(order["comparisons"][0]["low"], bootstrap["comparisons"][0]["low"])
        self.assertEqual(order["comparisons"][0]["ratio"], bootstrap["comparisons"][0]["ratio"])


class Across(Programs):
    def test_the_same_cells_of_two_commits(self) -> None:
        old, new = self.run_of("old"), self.slowed("new", "mcs", 1.5, git_sha="7654321")
        told = json.loads(self.good(old, new, "--format", "json"))
        verdicts = {(c["lock"], c["threads"]): c["verdict"] for c in told["comparisons"]}
        self.assertEqual({cell for cell, verdict in verdicts.items() if verdict == "slower"}, {("mcs", 1), ("mcs", 2)})
        self.assertEqual(len(verdicts), 6)
        self.assertEqual(told["studied"], ["commit 1234567 against 7654321"])
        text = self.good(old, new)
        self.assertRegex(text, r"A = .*old.*\n")
        self.assertRegex(text, r"\nmcs +A +.* 0\.6\d\d .* slower\n")

    def test_three_runs(self) -> None:
        told = self.good(self.run_of("a"), self.run_of("b"), self.slowed("c", "mcs", 2))
        self.assertEqual(told.count(" in B "), 6)
        self.assertRegex(told, r"mcs in C +A .* slower")

    def test_two_machines_and_two_compilers(self) -> None:
        old = self.run_of("a")
        text = self.good(old, self.run_of("b", host={"host": "other"}, topology_hash="99", run_id="r2"))
        self.assertIn("Compared: machine testhost (topology abcdef) against testhost (topology 99)", text)
        clang = {"build": {**BUILD["build"], "compiler": "clang 14"}}
        self.assertIn("compiler gcc 12.2.0 against clang 14", self.good(old, self.run_of("c", host=clang)))

    def test_a_machine_that_moved_is_not_blamed_on_the_locks(self) -> None:
        """All is 20 % slower in the second run, baselines too; but mcs at 1 thread is slower by half."""
        locks = (*LOCKS, "counter")
        old = self.run_of("old", support.matrix(locks=locks, threads=(1, 2), repetitions=7, seed=3))
        rows = [{**row, "ops_per_s": row["ops_per_s"] / (1.5 if (row["lock"], row["threads"]) == ("mcs", 1) else 1.2)}
                for row in support.matrix(locks=locks, threads=(1, 2), repetitions=7, seed=4)]
        told = json.loads(self.good(old, self.run_of("new", rows), "--format", "json"))["comparisons"]
        self.assertEqual({(c["lock"], c["threads"]) for c in told if c["verdict"] == "slower"},
                         {("mcs", 1), ("counter", 1), ("counter", 2)})
        self.assertEqual({c["lock"] for c in told if "baseline" in c["flags"]}, set(LOCKS))
        elsewhere = self.run_of("x", rows, host={}, topology_hash="99")
        table = self.good(old, elsewhere, "--format", "csv")
        self.assertEqual(table.count(",slower,"), 8, "there the machine is the subject")

    def test_machine_and_build_at_once_is_refused(self) -> None:
        old, new = self.run_of("a"), self.run_of("b", host_name="x", topology_hash="99", git_sha="7654321")
        self.refused(old, new, words=("machine and build differ at once", "abcdef", "99", "1234567 against 7654321"))
        self.assertIn("compared anyway: machine and build differ", " ".join(self.good(old, new, "--anyway").split()))

    def test_time_slices_are_what_is_compared_or_one_cause_of_two(self) -> None:
        off = self.run_of("a", host={"run": {}})
        on = self.run_of("b", host={"run": {"slice_extension": True}})
        told = " ".join(self.good(off, on).split())
        self.assertIn("Compared: slice extension off against on", told)
        self.assertIn("time slices extended", told)
        self.assertNotIn("slice", self.good(off, self.run_of("c", host={"run": {"slice_extension": False}})))
        newer = self.run_of("d", host={"run": {"slice_extension": True}}, git_sha="7654321")
        self.refused(off, newer, words=("build and settings differ at once", "slice extension off against on"))

    def test_other_windows_are_refused(self) -> None:
        old = self.run_of("a")
        self.refused(old, self.run_of("b", duration_s=1), words=("duration_s 0.1 against 1", "--anyway"))
        self.refused(old, self.run_of("c", warmup_s=0), words=("warmup_s 0.02 against 0",))

    def test_another_number_of_cpus_is_refused(self) -> None:
        self.refused(self.run_of("a"), self.run_of("b", cpus=64), words=("cpus 2 against 64",))

    def test_other_workloads_are_refused_by_name(self) -> None:
        old = self.run_of("a")
        self.refused(old, self.run_of("b", cs_ns=200, read_pct=90),
                     words=("no cell in common", "cs_ns 0 against 200", "read_pct 0 against 90"))
        self.refused(old, self.run_of("c", cs_ns=200), "--anyway", words=("nothing to compare", "cs_ns 0 against 200"))

    def test_machines_that_are_not_the_same_are_named(self) -> None:
        def two(names: str) -> list[support.Row]:
            return [row for name in names for row in support.matrix(
                locks=LOCKS, threads=(2,), repetitions=7, host=name, topology_hash=name)]
        self.refused(self.run_of("a", two("uv")), self.run_of("b", two("xy")), words=("host u, v against x, y",))

    def test_mixed_commits_are_refused(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=7)
        rows[0]["git_sha"] = "7654321"
        self.refused(self.run_of("a"), self.run_of("b", rows), words=("mixes 2 commits", "1234567, 7654321"))

    def test_cells_of_one_run_only_are_told(self) -> None:
        rows = support.matrix(locks=("mcs",), threads=(1, 2, 4), repetitions=7)
        self.assertIn("5 of 9 cells are in one run only", self.good(self.run_of("a"), self.run_of("b", rows)))

    def test_files_of_many_machines_are_compared_machine_by_machine(self) -> None:
        def fleet(speed: float) -> list[support.Row]:
            rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=7)
            return [{**row, "host": host, "topology_hash": host, "ops_per_s": row["ops_per_s"] * factor}
                    for host, factor in (("x", 1.0), ("y", speed)) for row in rows]
        told = json.loads(self.good(self.run_of("a", fleet(1)), self.run_of("b", fleet(2)), "--format", "json"))
        self.assertEqual({(c["host"], c["verdict"]) for c in told["comparisons"]},
                         {("x", "no difference shown"), ("y", "faster")})


class ExitCodes(Programs):
    def test_slower_fails(self) -> None:
        old, new = self.run_of("old"), self.slowed("new", "mcs", 1.25)
        done = self.call(old, new, "--fail-if-slower", "10")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertRegex(done.stderr, r"compare: slower by more than 10 %: mcs at \d threads?: -\d\d\.\d % and 1 more")
        self.good(old, new, "--fail-if-slower", "30")
        self.good(new, old, "--fail-if-slower", "10")
        self.good(self.slowed("one", "futex", 3), "--against", "ticket", "--fail-if-slower", "1", code=1)

    def test_a_lock_that_fails_now_fails(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=7)
        for row in rows:
            if row["lock"] == "mcs":
                row.update(status="timeout", ops_per_s="")
        text = self.good(self.run_of("a"), self.run_of("b", rows), "--fail-if-slower", "10", code=1)
        self.assertIn("mcs in B: 7 failed trials", text)

    def test_too_few_trials_do_not_pass_for_no_difference(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=3)
        old, new = self.run_of("a", rows), self.run_of("b", rows)
        self.refused(old, new, "--fail-if-slower", "10", words=("nothing can be shown", "7 or more repetitions"))
        self.assertIn("few trials: in 3 of 3 comparisons", self.good(old, new))

    def test_one_repetition_is_a_warning(self) -> None:
        text = self.good(self.run_of("a", support.matrix(locks=LOCKS, repetitions=1)))
        self.assertIn("few trials: in 9 of 9 comparisons", text)
        self.assertIn("0 faster, 0 slower, 9 no difference shown", text)


class Bounds(Programs):
    def test_an_open_wait_is_at_least_that_long(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], threads=(2,), repetitions=7, latency=True)
        for row in rows:
            if row["wait_max_ns"] != "":
                row.update(wait_max_ns=9e7 if row["lock"] == "mcs" else 1e6, waits_open=int(row["lock"] == "mcs"))
                row.update(wait_bound_from_q=0.5 if row["lock"] == "mcs" else "")
        run = self.run_of("a", rows)
        text = self.good(run, "--metric", "wait_max_ns", "--against", "futex")
        self.assertRegex(text, r"\nmcs +futex +>=90ms +1\.0ms +7 +>=90\.0 .* slower +bound\n")
        [told] = json.loads(self.good(run, "--metric", "wait_max_ns", "--format", "json"))["comparisons"]
        self.assertEqual((told["lock"], told["verdict"], told["is_bound"], told["is_bound_against"], told["low"]),
                         ("futex", "faster", False, True, 0))


class BadInput(Programs):
    def test_options(self) -> None:
        run = self.run_of("a")
        cases: dict[tuple[str | Path, ...], tuple[str, ...]] = {
            (): ("arguments are required",), ("--nosuch",): ("--help",), (run, "--by", "colour"): ("colour", "lock"),
            (run, "--metric", "jain"): ("jain", "ops_per_s"), (run, "--format", "xml"): ("xml", "json"),
            (run, "--margin", "many"): ("many",), (run, "--margin", "-1"): ("0 to 100",),
            (run, "--margin", "nan"): ("0 to 100",),
            (run, run, "--by", "threads"): ("for one run",), (run, run, "--against", "mcs"): ("for one run",),
            (run, "--fail-if-slower", "5"): ("--against",), (run, "--against", "nosuch"): ("there is: ", "mcs"),
            (run, "--metric", "wait_p99_ns"): ("no good trial has wait_p99_ns", "--latency"),
            (run, "--by", "placement"): ("placement alone", "compact")}
        for arguments, words in cases.items():
            with self.subTest(arguments):
                self.refused(*arguments, words=words)

    def test_the_old_name_of_against(self) -> None:
        run = self.run_of("a")
        cases: list[list[str | Path]] = [[run, "--baseline", "mcs"], [run, "--baseline=mcs"],
                                         [run, run, "--baseline", "mcs"]]
        for arguments in cases:
            self.refused(*arguments, words=("--baseline is called --against now", "--against LOCK"))

    def test_files(self) -> None:
        run = self.run_of("a")
        whole = (run / "results.csv").read_text()
        header, first = whole.splitlines()[:2]
        for name, content, words in (
                ("not ours", "a,b\n1,2\n", ("not a CSV of lockbench",)), ("empty", "", ("given.csv: empty",)),
                ("binary", "\x00\x01\x02" * 99, ("not a CSV",)), ("no rows", header + "\n", ("0 rows",)),
                ("no jain", whole.replace(",jain,", ",joan,"), ("column missing: jain",)),
                ("old schema", whole.replace("1234567,4,", "1234567,0,"), ("schema '0'", "measure again")),
                ("new schema", whole.replace("1234567,4,", "1234567,5,"), ("schema '5'", "newer lockbench")),
                ("words", whole.replace(",9.", ",nine."), ("damaged",))):
            with self.subTest(name):
                path = self.folder / "given.csv"
                path.write_text(content)
                self.refused(path, words=words)
                self.refused(run, path, words=words)
        self.refused(self.folder / "missing", words=("No such file",))
        self.refused(self.run_of("b", status="crashed"), words=("no good trial has ops_per_s",))

    def test_values_that_are_no_numbers_are_left_out(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(2,), repetitions=9)
        for row, value in zip(rows, ("", "NaN", "nan", "inf", "-inf", "-5")):
            row["ops_per_s"] = value
        rows[7]["line_ns"] = rows[8]["line_ns"] = ""
        told = json.loads(self.good(self.run_of("a", rows), "--format", "json"))
        self.assertEqual(sum(c["n"] + c["n_against"] for c in told["comparisons"]), 2 * (27 - 6))

    def test_a_cut_off_line_is_a_warning(self) -> None:
        path = self.run_of("a") / "results.csv"
        path.write_text(path.read_text()[:-40])
        done = self.call(path)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (0, 1))
        self.assertIn("the last line is cut off", done.stderr)

    def test_runs_of_older_schemas_compare_with_those_of_now(self) -> None:
        rows = support.matrix(locks=LOCKS, threads=(1, 2), repetitions=7)
        now = self.run_of("now", rows + support.matrix(locks=LOCKS, threads=(1, 2), repetitions=7, layout="together"))
        for schema in (1, 2):
            then = self.run_of(f"then{schema}", support.of_schema(schema, rows))
            for runs in ((then, now), (now, then)):
                told = self.good(*runs)
                self.assertIn("6 comparisons", told)
                self.assertNotIn("together", told)

    def test_the_layouts_of_one_run(self) -> None:
        slow = support.matrix(locks=["mcs", "futex"], threads=(2,), repetitions=9, layout="together")
        for row in slow:
            row["ops_per_s"] /= 2
        run = self.run_of("a", support.matrix(locks=["mcs", "futex"], threads=(2,), repetitions=9) + slow)
        told = self.good(run, "--by", "layout", "--against", "apart")
        self.assertIn("2 comparisons: 0 faster, 2 slower", told)
        self.assertRegex(told, r"(?s)mcs, 2 threads\n.*together +apart")
        self.assertNotIn("data together", told)  # of the workload, which both lines share
        self.assertIn("2 comparisons", self.good(run))  # locks, each layout by itself

    def test_as_a_program(self) -> None:
        run = self.run_of("a")
        script = support.ROOT / "scripts" / "compare"
        done = subprocess.run([script, "a", "--against", "mcs"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tables = [text[text.index("1 thread"):] for text in (done.stdout, self.good(run, "--against", "mcs"))]
        self.assertEqual(*tables)
        self.assertEqual(subprocess.run([script, "nosuch"], capture_output=True).returncode, 2)

    def test_closed_pipe(self) -> None:
        command = [sys.executable, str(support.SCRIPTS / "verb.py"), "compare", str(self.run_of("a"))]
        done = subprocess.run(["bash", "-c", '"$@" | true', "bash", *command], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    unittest.main()
