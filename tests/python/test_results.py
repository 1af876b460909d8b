# SPDX-License-Identifier: MIT
"""Reading: whole runs, damaged ones, and files that are none of ours."""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import subprocess
import sys
import unittest
from typing import Any

import pandas as pd

import support
from results import columns
from results import hypervisors
from results import labels
from results import reading


class Reading(support.FolderTest):
    def read(self, rows: list[support.Row]) -> reading.Run:
        return reading.load(support.write(self.folder, rows))

    def test_values_come_back_and_empty_is_not_measured(self) -> None:
        rows = support.matrix(threads=(1, 2), repetitions=2)
        run = self.read(rows)
        self.assertEqual(len(run.rows), len(rows))
        for given, read in zip(rows, run.rows.to_dict("records")):
            self.assertEqual(given["lock"], read["lock"])
            self.assertAlmostEqual(given["ops_per_s"], read["ops_per_s"], places=3)
            self.assertTrue(pd.isna(read["wait_max_ns"]))

    def test_a_file_does_as_well_as_its_folder(self) -> None:
        support.write(self.folder, support.matrix(repetitions=1))
        pd.testing.assert_frame_equal(
            reading.load(self.folder).rows, reading.load(str(self.folder / "results.csv")).rows)

    def test_further_columns_are_tolerated(self) -> None:
        run = self.read([{**row, "colour": "blue"} for row in support.matrix(repetitions=1)])
        self.assertNotIn("colour", run.rows)

    def test_text_with_commas_is_one_field(self) -> None:
        run = self.read(support.matrix(repetitions=1, placement="list:0,2,4-7"))
        self.assertEqual(list(run.rows["placement"].unique()), ["list:0,2,4-7"])

    def test_cells_and_workloads(self) -> None:
        rows = support.matrix(locks=["mcs", "futex"], threads=(1, 2), repetitions=3)
        rows += support.matrix(locks=["mcs"], threads=(3, 4), repetitions=2, read_pct="", writers=1, readers=2)
        run = self.read(rows)
        self.assertEqual(run.rows.groupby("cell").size().tolist(), [3, 3, 3, 3, 2, 2])
        self.assertEqual(run.rows.groupby("workload").size().tolist(), [12, 4])

    def test_where_the_data_lie_is_part_of_a_cell(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(1, 2), repetitions=3)
        rows += support.matrix(locks=["mcs"], threads=(1, 2), repetitions=3, layout="together")
        run = self.read(rows)
        self.assertEqual(run.rows.groupby("cell").size().tolist(), [3, 3, 3, 3])
        self.assertEqual(run.rows.groupby("workload")["layout"].agg(set).tolist(), [{"apart"}, {"together"}])
        texts = [labels.workload_label(row) for _, row in run.rows.drop_duplicates("workload").iterrows()]
        self.assertEqual(texts[0] + ", lock and data together", texts[1])
        self.assertEqual(list(labels.workload_slugs(run.rows).values()), ["-layout_apart", "-layout_together"])

    def test_the_rate_of_an_open_loop_is_part_of_a_cell(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(1, 2), repetitions=3)
        rows += support.matrix(locks=["mcs"], threads=(1, 2), repetitions=3, rate_per_s=2000.5)
        run = self.read(rows)
        self.assertEqual(run.rows.groupby("cell").size().tolist(), [3, 3, 3, 3])
        texts = [labels.workload_label(row) for _, row in run.rows.drop_duplicates("workload").iterrows()]
        self.assertEqual(2, len(set(texts)))
        self.assertEqual(1, len({text.replace("no think time", "2000.5 operations/s") for text in texts}))

    def test_what_older_files_lack_is_what_they_were_measured_with(self) -> None:
        rows = support.matrix(threads=(1, 2), repetitions=2)
        now = self.read(rows).rows
        same = [column for column in now if column != "schema"]
        for schema, n_later in ((1, 0), (1, 2), (1, 4), (2, 5), (3, 20), (columns.SCHEMA, len(columns.LATER))):
            with self.subTest(schema=schema, n_later=n_later):
                then = self.read(support.of_schema(schema, rows, n_later)).rows
                self.assertEqual(set(then["layout"]), {"apart"})
                pd.testing.assert_frame_equal(then[same], now[same])

    def test_trials_of_either_kind_and_only_good_ones(self) -> None:
        rows = support.matrix(locks=["mcs"], threads=(2,), repetitions=3, latency=True)
        rows += [{**rows[0], "status": status} for status in reading.STATUSES if status != "ok"]
        run = self.read(rows)
        self.assertEqual((len(run.rows), len(run.throughput()), len(run.latency())), (12, 3, 3))

    def test_a_big_file_is_read_quickly_and_within_memory(self) -> None:
        """A fifth of a million rows, in a time that only a read by rows, or a second copy, would exceed."""
        support.write(self.folder, support.matrix(repetitions=7))
        path = self.folder / "results.csv"
        header, body = path.read_text().split("\n", 1)
        n_rows = body.count("\n")
        with path.open("w") as file:
            file.write(header + "\n")
            for _ in range(200_000 // n_rows):
                file.write(body)
        code = ("import sys; sys.path.insert(0, sys.argv[1]); from results import reading; "
                "print(len(reading.load(sys.argv[2]).rows))")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code, support.SCRIPTS, path], capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), str(200_000 // n_rows * n_rows), done.stderr)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime  # others may run beside a test
        self.assertLess(cpu_s, 12)
        self.assertLess(used.ru_maxrss / 1024, 600)


class Refusing(support.FolderTest):
    def setUp(self) -> None:
        super().setUp()
        self.rows = support.matrix(locks=["mcs"], threads=(1, 2), repetitions=2)
        self.path = self.folder / "results.csv"

    def refused(self, *words: str) -> None:
        with self.assertRaises(reading.ResultsError) as caught:
            reading.load(self.folder)
        message = str(caught.exception)
        self.assertNotIn("\n", message)
        for word in words:
            self.assertIn(word, message)

    def changed(self, **values: Any) -> None:
        support.write(self.folder, self.rows + [{**self.rows[0], **values}])

    def test_nothing_there(self) -> None:
        self.refused("no results.csv", "folder of a run")
        with self.assertRaisesRegex(reading.ResultsError, "No such file"):
            reading.load(self.folder / "missing")

    def test_not_ours(self) -> None:
        for content in (b"a,b\n1,2\n", b"\x89PNG\r\n\x1a\n\0\0\0\r\xff\xfe", b'{"lock": 1}\n', b"x" * 200000):
            with self.subTest(content[:10]):
                self.path.write_bytes(content)
                self.refused("results.csv: not a", "give a CSV that `lockbench run` wrote")

    def test_an_empty_file(self) -> None:
        self.path.write_bytes(b"")
        self.refused("results.csv: empty;", "measure again")

    def test_a_folder_in_place_of_the_file(self) -> None:
        self.path.mkdir()
        self.refused("Is a directory")

    def test_no_rows(self) -> None:
        whole, old = ",".join(columns.NAMES), ",".join(columns.FIRST)
        for header in (whole, whole + "\n", whole + "\nrun,", old + "\n"):
            with self.subTest(header[-5:]):
                self.path.write_text(header)
                self.refused("0 rows")

    def test_missing_columns_are_named(self) -> None:
        for schema, n_columns in ((columns.SCHEMA, len(columns.NAMES)), (3, 64), (2, 64), (1, 59)):
            rows = support.of_schema(schema, self.rows)
            support.write(self.folder, [{c: v for c, v in row.items() if c not in ("jain", "seed")} for row in rows])
            self.refused("column missing: jain, seed", f"schema {schema} has {n_columns} columns")
        for column in ("layout", "trylock"):
            support.write(self.folder, [{c: v for c, v in row.items() if c != column} for row in self.rows])
            self.refused(f"column missing: {column}", f"schema {columns.SCHEMA}")

    def test_other_schemas(self) -> None:
        newer = columns.SCHEMA + 1
        for schema, advice in ((newer, "newer lockbench"), (0, "measure again"), ("x", "measure again")):
            with self.subTest(schema):
                support.write(self.folder, [{**row, "schema": schema} for row in self.rows])
                self.refused(f"schema '{schema}'", f"reads schemas 1 to {columns.SCHEMA}", advice)
        for schema in (1, newer):
            self.changed(schema=schema)
            self.refused(f"schema {schema}.0 in line 6", f"allowed: {columns.SCHEMA}")

    def test_a_newer_schema_is_named_before_its_missing_columns(self) -> None:
        rows = [{**{c: v for c, v in row.items() if c != "jain"}, "schema": columns.SCHEMA + 1} for row in self.rows]
        support.write(self.folder, rows)
        self.refused(f"schema '{columns.SCHEMA + 1}'")

    def test_unknown_words(self) -> None:
        self.changed(status="fine")
        self.refused("status 'fine' in line 6", "ok, timeout, crashed, broken, noisy, disturbed")
        self.changed(kind="semaphore")
        self.refused("kind 'semaphore'", "mutex, rw, baseline")
        self.changed(layout="near")
        self.refused("layout 'near' in line 6", "apart, together")
        self.changed(layout="")
        self.refused("line 6 is damaged", "no layout")

    def test_text_where_a_number_belongs(self) -> None:
        self.changed(jain="high")
        self.refused("damaged", "high")

    def test_damaged_lines_in_the_middle(self) -> None:
        support.write(self.folder, self.rows)
        lines = self.path.read_text().splitlines(keepends=True)
        self.path.write_text("".join([*lines[:2], "run,2026,ok\n", *lines[2:]]))
        self.refused("line 3 is damaged", "no lock")
        self.path.write_text("".join([*lines[:2], lines[2].replace("\n", ",1,2\n"), *lines[3:]]))
        self.refused("damaged", "line 3")
        self.path.write_text("".join([lines[0], lines[1].replace("\n", ",1\n"), *lines[2:]]))
        self.refused("damaged", "line 2")

    def test_two_files_joined(self) -> None:
        support.write(self.folder, self.rows)
        text = self.path.read_text()
        self.path.write_text(text + text)
        self.refused(f"line {len(text.splitlines()) + 1} is a header again", "joined")

    def test_a_byte_order_mark(self) -> None:
        support.write(self.folder, self.rows)
        self.path.write_bytes(b"\xef\xbb\xbf" + self.path.read_bytes())
        self.refused("byte-order mark")


class CutOff(support.FolderTest):
    def read(self, text: str) -> tuple[reading.Run, str]:
        (self.folder / "results.csv").write_text(text)
        complaint = io.StringIO()
        with contextlib.redirect_stderr(complaint):
            run = reading.load(self.folder)
        return run, complaint.getvalue()

    def test_the_last_line_is_left_out_with_a_warning(self) -> None:
        support.write(self.folder, support.matrix(locks=["mcs"], threads=(1, 2), repetitions=2))
        whole = (self.folder / "results.csv").read_text()
        last = whole.rstrip("\n").rfind("\n") + 1
        middle = last + (len(whole) - last) // 2
        for text in (whole[:-1], whole[:middle], whole[:middle] + "\n", whole[:last + 1], whole[:-1] + ",9\n"):
            with self.subTest(text[last:]):
                run, complaint = self.read(text)
                self.assertEqual(len(run.rows), 3)
                self.assertRegex(complaint, "warning: .*results.csv: the last line is cut off")

    def test_a_whole_file_gives_no_warning(self) -> None:
        support.write(self.folder, support.matrix(repetitions=1))
        self.assertEqual(self.read((self.folder / "results.csv").read_text())[1], "")
        self.assertEqual(self.read((self.folder / "results.csv").read_text() + "\n")[1], "")


class Host(support.FolderTest):
    def read(self, content: str | None) -> tuple[reading.Run, str]:
        support.write(self.folder, support.matrix(locks=["mcs"], repetitions=1))
        if content is not None:
            (self.folder / "host.json").write_text(content)
        complaint = io.StringIO()
        with contextlib.redirect_stderr(complaint):
            return reading.load(self.folder), complaint.getvalue()

    def test_every_key_is_optional(self) -> None:
        for content in (None, "{}", "[]", '{"warnings": null, "n_cpus_allowed": "two"}', '{"warnings": "loud"}'):
            with self.subTest(content):
                run, complaint = self.read(content)
                self.assertEqual((run.warnings, complaint), ([], ""))
                self.assertIn("virtual or not: unknown", labels.provenance(run))

    def test_unreadable_is_a_warning(self) -> None:
        run, complaint = self.read('{"host": ')
        self.assertEqual(run.host, {})
        self.assertIn("host.json: not readable as JSON", complaint)

    def test_provenance(self) -> None:
        run, _ = self.read(json.dumps(support.HOST))
        self.assertEqual("testhost, Test CPU 3000, 2 CPUs allowed, virtual machine (kvm), run 20260102-030405, "
                         "git 1234567", labels.provenance(run))
        self.assertEqual(run.warnings, support.HOST["warnings"])
        run, _ = self.read(json.dumps({**support.HOST, "hypervisor": None}))
        self.assertIn("no virtual machine", labels.provenance(run))

    def test_commits_are_short(self) -> None:
        rows = support.matrix(locks=["mcs"], repetitions=1, git_sha="0123456789abcdef-dirty")
        run = reading.load(support.write(self.folder, rows))
        self.assertTrue(labels.provenance(run).endswith("git 0123456-dirty"))


class Names(support.FolderTest):
    def first(self, **given: Any) -> pd.Series:
        row = support.matrix(locks=["mcs"], threads=(4,), repetitions=1)[0]
        return reading.load(support.write(self.folder, [{**row, **given}])).rows.iloc[0]

    def test_workload_labels(self) -> None:
        self.assertEqual(labels.workload_label(self.first(read_pct=99.9)),
                         "99.9 % reads, 5 keys, 1 lock, empty section, no think time, placement compact")
        fixed = self.first(read_pct="", readers=3, writers=1, cs_ns=1500, cs_lines=4, think="sleep", think_ns=1e6)
        self.assertEqual("1 fixed writer, 5 keys, 1 lock, section 1.5us + 4 lines, think sleep 1ms, placement compact",
                         labels.workload_label(fixed))

    def test_slugs_name_only_what_varies(self) -> None:
        rows = support.matrix(locks=["mcs"], repetitions=1)
        self.assertEqual(labels.workload_slugs(self.load(rows)), {0: ""})
        rows += support.matrix(locks=["mcs"], repetitions=1, cs_ns=200)
        self.assertEqual(labels.workload_slugs(self.load(rows)), {0: "-cs_ns_0", 1: "-cs_ns_200"})
        rows += support.matrix(locks=["mcs"], repetitions=1, read_pct="", readers=1, writers=3, placement="list:0,2")
        slugs = labels.workload_slugs(self.load(rows))
        self.assertEqual(len(set(slugs.values())), 3)
        self.assertEqual(slugs[2], "-placement_list_0_2-writers_3-cs_ns_0")

    def load(self, rows: list[support.Row]) -> pd.DataFrame:
        return reading.load(support.write(self.folder, rows)).rows

    def test_families(self) -> None:
        for kind, fifo, waits, family in (
                ("baseline", "", "", "baselines"), ("rw", "yes", "spin", "readers/writer locks"),
                ("mutex", "no", "park", "parking"), ("mutex", "yes", "hybrid", "spinning, then parking"),
                ("mutex", "yes", "spin", "spinning, FIFO"), ("mutex", "no", "spin", "spinning, no order"),
                ("mutex", "bounded", "spin", "spinning, bounded bypass")):
            with self.subTest(family):
                self.assertEqual(labels.family(self.first(kind=kind, fifo=fifo, waits=waits)), family)


class Hypervisors(support.FolderTest):
    def test_mapped_and_trimmed_when_read(self) -> None:
        for told, shown in (("bhyve bhyve ", "virtual machine (bhyve)"), ("KVMKVMKVM\0\0\0", "virtual machine (KVM)"),
                            ("KVM", "virtual machine (KVM)"), ("NewVisor    ", "virtual machine (NewVisor)"),
                            (None, "no virtual machine")):
            run = reading.load(support.write(self.folder, support.matrix(["mcs"], (1,), 1),
                                             {**support.HOST, "hypervisor": told}))
            self.assertIn(f", {shown}, run", labels.provenance(run))

    def test_the_same_names_as_in_c(self) -> None:
        source = (support.ROOT / "src" / "machine" / "provenance.c").read_text()
        body = source[source.index("vendors[][2]"):].partition("};")[0]
        self.assertEqual(hypervisors.VENDORS, dict(re.findall(r'\{"([^"]+)", "([^"]+)"\}', body)))


if __name__ == "__main__":
    unittest.main()
