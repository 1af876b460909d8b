# SPDX-License-Identifier: MIT
"""A model held against a machine: only if it is asked for, and with the error that was put in."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import support
from test_compare import Programs

ALL = ("mcs", "ticket", "futex")
MODEL = "box 0123456789abcdef v1"


class ModelErrors(Programs):
    def machine(self, **given: Any) -> Any:
        return self.run_of("machine", support.matrix(locks=ALL, threads=(1, 2, 4), repetitions=7),
                           **given)

    def model(self, factors: dict[str, float], **given: Any) -> Any:
        """Of each lock the machine's median by a factor, in the first draw, and from 0.9 to 1.1 of that in two more."""
        rows = []
        for row in support.matrix(locks=factors, threads=(1, 2, 4), repetitions=3, seed=1, simulated=MODEL):
            middle = sorted(r["ops_per_s"] for r in support.matrix(locks=ALL, threads=(1, 2, 4), repetitions=7)
                            if (r["lock"], r["threads"]) == (row["lock"], row["threads"]))[3]
            rows.append({**row, "ops_per_s": middle * factors[row["lock"]] * (1, 0.9, 1.1)[row["repetition"] - 1],
                         **given})
        return self.run_of("model", rows)

    def test_the_error_of_each_lock_is_what_was_put_in(self) -> None:
        machine, model = self.machine(), self.model({"mcs": 1.05, "ticket": 0.5})
        for order in ((machine, model), (model, machine)):
            told = json.loads(self.good("--model-error", *order, "--format", "json"))
            self.assertEqual(MODEL, told["model"])
            self.assertEqual({"mcs": (3, 1.05, 3), "ticket": (3, 2, 0)},
                             {row["lock"]: (row["n"], round(row["off"], 6), row["covered"]) for row in told["locks"]})
            self.assertAlmostEqual(math.sqrt(1.05 * 2), told["off"])
        text = self.good("--model-error", machine, model)
        self.assertRegex(text, r"\nmcs +3 +1\.05 +1\.05 +1\.05 +3 of 3\nticket +3 +2\.00 +0\.50 +0\.50 +0 of 3\n")
        self.assertRegex(text, r"\nticket +4 .* 0\.50 \(\+\)\n")
        self.assertIn("(1) one thread: the model knows accesses", text)
        for line in text.splitlines():
            self.assertTrue(line.isascii() and len(line) <= 100, line)
        self.assertIn("| ticket | 3 | 2.00 | 0.50 | 0.50 | 0 of 3 |",
                      self.good("--model-error", machine, model, "--format", "markdown"))
        rows = list(csv.DictReader(io.StringIO(self.good("--model-error", machine, model, "--format", "csv"))))
        self.assertEqual(6, len(rows))
        self.assertEqual({"1.05", "0.5"}, {row["ratio"] for row in rows})

    def test_without_being_asked_it_refuses(self) -> None:
        machine, model = self.machine(), self.model({"mcs": 1})
        for more in ((), ("--anyway",)):
            self.refused(machine, model, *more, words=("is simulated (box", "--model-error"))

    def test_what_cannot_be_held_against_each_other(self) -> None:
        machine, model = self.machine(), self.model({"mcs": 1})
        self.refused("--model-error", machine, words=("two runs", "1 measured, 0 simulated"))
        self.refused("--model-error", machine, machine, words=("2 measured, 0 simulated",))
        self.refused("--model-error", model, machine, "--metric", "cpu_ns_per_op", words=("--model-error",))
        elsewhere = self.model({"mcs": 1}, placement="cores")
        self.refused("--model-error", elsewhere, machine, words=("no cell in common: placement compact against cores",))
