# SPDX-License-Identifier: MIT
"""Flips between simulated runs: those that are there are found, and chance makes none."""

from __future__ import annotations

import itertools
import tempfile
import unittest
from pathlib import Path
from typing import Callable

import numpy as np

import support
from compare import flips
from results import reading

LOCKS = "abcd"
N_SECTIONS = 60


class Find(support.FolderTest):
    def find(self, n_runs: int, speed: Callable[[int, int, int], float], seed: int) -> flips.Flips:
        """Runs of 7 trials with heavy tails. `speed` of (run, section, lock), all counted from 0."""
        rng = np.random.default_rng(seed)
        runs = []
        for run in range(n_runs):
            base = support.trial(rng, "mcs", 2, host=f"host{run}", topology_hash=f"host{run}", run_id=f"run{run}")
            rows = [{**base, "lock": LOCKS[lock], "cs_ns": section, "line_ns": 50,
                     "ops_per_s": 1e6 * speed(run, section, lock) * np.exp(0.05 * rng.standard_t(2))}
                    for section, lock, _ in itertools.product(range(N_SECTIONS), range(len(LOCKS)), range(7))]
            rows = support.numbered([rows[i] for i in rng.permutation(len(rows))])
            runs.append(reading.load(support.write(Path(tempfile.mkdtemp(dir=self.folder)), rows)))
        return flips.find(runs)

    def test_locks_that_differ_in_one_run_only_do_not_flip(self) -> None:
        """Now and then the verdicts alone say so: of two that are alike the wrong one wins. That stays open."""
        found = [self.find(5, lambda run, section, lock: 1.5 ** lock if run == 0 else 1, seed) for seed in range(3)]
        self.assertEqual([6 * N_SECTIONS] * 3, [f.n_shared for f in found])
        self.assertEqual([0] * 3, [f.n_flips for f in found])
        self.assertGreater(sum(f.n_open for f in found), 0)

    def test_an_order_that_is_turned_round_is_found(self) -> None:
        """In a fifth of the sections of one of three runs."""
        found = self.find(3, lambda run, section, lock: 1.5 ** (-lock if run == 2 and section < 12 else lock), 1)
        true = found.rows[found.rows["cs_ns"] < 12]["pair"].nunique()
        self.assertGreaterEqual(true, 0.9 * 6 * 12)
        self.assertEqual(true, found.n_flips)
        self.assertTrue((found.rows.loc[found.rows["side"] == 2, "winner"] == 1).all(), "a is ahead where it is turned")


if __name__ == "__main__":
    unittest.main()
