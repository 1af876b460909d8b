# SPDX-License-Identifier: MIT
"""The shapes that locks are known for, on machines that are not here: by how many lines move, where that can be told,
and by ratios within one profile that every published machine agrees on."""

from __future__ import annotations

import csv
import json
from typing import Iterable

import lockbench


Counts = dict[tuple[str, int], dict[str, float]]  # by lock and threads: the columns of counts.csv, and ops_per_s


class Shapes(lockbench.Case):
    def counts(self, machine: str, locks: str, threads: Iterable[int], *more: str) -> Counts:
        out = f"{machine}-{locks}".replace(",", "-")
        result = self.run_program("simulate", "--machine", machine, "--locks", locks, "--threads",
                                  ",".join(map(str, threads)), "--seeds", "1", "--out", out, *more)
        self.assertEqual(0, result.returncode, result.stderr)
        found = {}
        ops = {row["order_index"]: float(row["ops_per_s"]) for row in self.rows(self.folder / out)}
        with (self.folder / out / "counts.csv").open() as file:
            for row in csv.DictReader(file):
                words = ("lock", "placement", "status")
                numbers = {name: float(value) for name, value in row.items() if name not in words and value}
                found[row["lock"], int(row["threads"])] = {**numbers, "ops_per_s": ops[row["order_index"]]}
        return found

    def test_queue_locks_move_as_many_lines_however_many_wait(self) -> None:
        counts = self.counts("genoa2", "mcs,clh,ticket", (4, 16, 64))
        for lock in ("mcs", "clh"):
            few, many = (counts[lock, n]["misses_per_op"] for n in (4, 64))
            self.assertLess(abs(many - few), 1, f"{lock}: {few} lines with 4 threads, {many} with 64")
        few, many = (counts["ticket", n]["misses_per_op"] for n in (4, 64))
        self.assertGreater(many, 8 * few, "every waiter loads the word again at each hand-over")
        self.assertLess(counts["clh", 16]["misses_per_op"], counts["mcs", 16]["misses_per_op"], "no link to the next")

    def test_levels_pay_where_machines_have_them(self) -> None:
        counts = self.counts("genoa2", "mcs,hmcs", (96,), "--placement", "scatter")  # both sockets
        self.assertGreater(counts["hmcs", 96]["ops_per_s"], 1.3 * counts["mcs", 96]["ops_per_s"])
        one = self.counts("graviton3", "mcs,hmcs", (64,))  # one cache, one socket: nothing to gain
        self.assertLess(one["hmcs", 64]["ops_per_s"], 1.3 * one["mcs", 64]["ops_per_s"])

    def test_bypassing_pays_on_four_nodes(self) -> None:
        """The machine of CNA's own measurements, 4 x 18 x 2, where it was 1.8 times as fast as a queue."""
        profile = self.folder / "four.json"
        transfers = {"smt": {"ns": 11}, "llc": {"ns": 64}, "remote": {"ns": 161}}
        profile.write_text(json.dumps({"name": "four", "topology": "pack:4 [numa] l3:1 core:18 pu:2",
                                       "transfers": {"source": "as haswell4", **transfers}}))
        counts = self.counts("four.json", "mcs,cna", (142,), "--placement", "scatter")
        self.assertGreater(counts["cna", 142]["ops_per_s"], 1.2 * counts["mcs", 142]["ops_per_s"])

    def test_a_tenure_keeps_the_lines_where_they_are(self) -> None:
        """However many wait, and on both sockets: the others sleep, and one looks."""
        counts = self.counts("genoa2", "mcs,relay", (64, 192))
        for n in (64, 192):
            self.assertLess(counts["relay", n]["handoffs_per_op"], 0.02, n)
            self.assertLess(3 * counts["relay", n]["misses_per_op"], counts["mcs", n]["misses_per_op"], n)
            self.assertGreater(counts["relay", n]["ops_per_s"], 2 * counts["mcs", n]["ops_per_s"], n)

    def test_locks_of_domains_stay_in_them(self) -> None:
        counts = self.counts("icelake2", "mcs,hmcs,cohort,cna", (72,))
        self.assertGreater(counts["mcs", 72]["remote_handoff_pct"], 20)
        for lock in ("hmcs", "cohort", "cna"):
            self.assertLess(counts[lock, 72]["remote_handoff_pct"], 5, lock)


if __name__ == "__main__":
    lockbench.main()
