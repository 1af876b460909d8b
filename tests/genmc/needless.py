#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-orders tells a needless order from a needed one, takes a reason for the former, and refuses bad input."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from checkers import genmc  # noqa: E402
from checkers import orders  # noqa: E402
from checkers import sites  # noqa: E402

TICKET = orders.text_of("ticket")
TAKES_A_NUMBER = "atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed)"
AS_NEEDED = "/* Relaxed: it only hands out distinct numbers; entering is ordered by the load of `serving`. */"


def ticket(order: str, comment: str = AS_NEEDED) -> list[sites.Mutant]:
    """Those of the first site of a ticket lock that takes its number with this order."""
    source = TICKET.replace(TAKES_A_NUMBER, TAKES_A_NUMBER.replace("relaxed", order)).replace(AS_NEEDED, comment)
    assert source != TICKET
    return [mutant for mutant in sites.mutants_of("ticket", source) if "fetch_add" in mutant.site]


@unittest.skipIf(genmc.program() is None, "no genmc on the PATH")
class Verdicts(unittest.TestCase):
    def rows(self, mutants: list[sites.Mutant]) -> list[tuple[str, str]]:
        rows = [orders.verdict_on(mutant, [orders.by_genmc(orders.proofs, 60)], True) for mutant in mutants]
        return [(row.mutant.lost, row.verdict) for row in rows]

    def test_needless(self) -> None:
        self.assertEqual([("release", "survived"), ("acquire", "survived")], self.rows(ticket("acq_rel")))

    def test_reason(self) -> None:
        mutants = ticket("acquire", "/* order-kept acquire: this test asks for it. */")
        self.assertEqual([("acquire", "kept")], self.rows(mutants))
        self.assertEqual(["this test asks for it"], [mutant.reason for mutant in mutants])

    def test_needed(self) -> None:
        release = [mutant for mutant in sites.mutants_of("ticket", TICKET) if mutant.lost == "release"]
        self.assertEqual([("release", "caught")], self.rows(release))

    def test_refuted(self) -> None:
        source = TICKET.replace("/* Release: pairs with", "/* order-kept release: no. Release: pairs with")
        release = next(mutant for mutant in sites.mutants_of("ticket", source) if mutant.lost == "release")
        _, wrong = orders.settle(orders.verdict_on(release, [orders.by_genmc(orders.proofs, 60)], True), {}, True)
        self.assertIn("refuted", wrong)


class BadInput(unittest.TestCase):
    def refuse(self, *arguments: str, names: str) -> None:
        with self.subTest(arguments=arguments):
            result = subprocess.run([str(ROOT / "scripts" / "check-orders"), *arguments], text=True, check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual(2, result.returncode, result.stderr)
            self.assertEqual("", result.stdout)
            self.assertEqual(1, len(result.stderr.splitlines()), result.stderr)
            self.assertIn(names, result.stderr)

    def test_bad_input(self) -> None:
        self.refuse("--locks", "tickt", names="'tickt' is not a lock of ours; they are ticket")
        self.refuse("--locks", "empty", names="'empty'")
        self.refuse("--locks", "", names="''")
        self.refuse("--jobs", "0", names="'0'")
        self.refuse("--timeout", "soon", names="'soon'")
        self.refuse("--dr", names="--dr")
        self.refuse("mcs", names="mcs")


if __name__ == "__main__":
    unittest.main()
