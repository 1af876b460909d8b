# SPDX-License-Identifier: MIT
"""The plot of what the lines of a simulated run did."""

from __future__ import annotations

import csv

import support
from plots import command, traffic
from results import reading
from test_plot import texts

MODEL = "box 0123456789abcdef v1"


class Traffic(support.FolderTest):
    def run_with_counts(self) -> reading.Run:
        """Loads miss once from the same cache and n times from farther with n threads."""
        rows = support.matrix(threads=(1, 2, 4), repetitions=3, simulated=MODEL)
        rows = [{**row, "order_index": i} for i, row in enumerate(rows)]
        names = [f"{kind}_{origin}_per_op" for kind in traffic.KINDS for origin in traffic.ORIGINS]
        with (self.folder / traffic.FILE).open("w", newline="") as file:
            writer = csv.DictWriter(file, ["order_index", "misses_per_op", *names])
            writer.writeheader()
            for row in rows:
                writer.writerow({**dict.fromkeys(names, 0), "order_index": row["order_index"], "loads_llc_per_op": 1,
                                 "rmws_remote_per_op": row["threads"], "misses_per_op": 1 + row["threads"]})
        return reading.load(support.write(self.folder, rows))

    def test_each_lock_has_its_misses_by_distance(self) -> None:
        run = self.run_with_counts()
        cells = traffic.counted(run)
        assert cells is not None
        self.assertEqual(len(cells), cells[["lock", "threads"]].drop_duplicates().shape[0])
        self.assertEqual(set(cells["rmws_remote_per_op"] - cells["threads"]), {0})
        files = {path.name: path for path in command.draw(run, self.folder) if path.suffix == ".svg"}
        found = texts(files["misses.svg"])
        for word in ("mcs", "ticket", "same last-level cache", "farther", "2 threads", "4 threads *", "5", "3"):
            self.assertIn(word, found)
        for word in ("SMT sibling", "memory", "empty"):
            self.assertNotIn(word, found)
        for name, path in files.items():
            self.assertIn("simulated: box", " ".join(texts(path)), name)

    def test_measured_runs_and_damaged_counts(self) -> None:
        run = self.run_with_counts()
        (self.folder / traffic.FILE).write_text("order_index,lock\n1,mcs\n")
        with self.assertRaisesRegex(reading.ResultsError, "counts.csv: damaged"):
            traffic.counted(run)
        self.assertIsNone(traffic.counted(reading.load(support.write(self.folder, support.matrix(repetitions=2)))))
