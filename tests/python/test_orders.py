# SPDX-License-Identifier: MIT
"""Which orders check-orders finds in a header, and what it makes of them."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from typing import Iterable
from unittest import mock

from tests.python import support  # noqa: F401  (makes scripts/py importable)

from checkers import explicit
from checkers import genmc
from checkers import orders
from checkers import sites


def header(body: str) -> str:
    return "static inline void lk_x_lock(struct lk_x *lock, struct lk_x_ctx *ctx) {\n" + body + "\n}\n"


def steps(body: str) -> list[tuple[str, str, str, str]]:
    return [(mutant.site, mutant.order, mutant.weaker, mutant.lost) for mutant in
            sites.mutants_of("x", header(body))]


class Sites(unittest.TestCase):
    def test_one_step(self) -> None:
        self.assertEqual([("lock: exchange lock->tail", "acq_rel", "acquire", "release"),
                          ("lock: exchange lock->tail", "acq_rel", "release", "acquire")],
                         steps("atomic_exchange_explicit(&lock->tail, ctx, memory_order_acq_rel);"))
        self.assertEqual([], steps("atomic_load_explicit(&lock->tail, memory_order_relaxed);"))

    def test_seq_cst_by_operation(self) -> None:
        for operation, arguments, weaker in (("load", "", "acquire"), ("store", "1, ", "release"),
                                             ("fetch_add", "1, ", "acq_rel")):
            found = steps(f"atomic_{operation}_explicit(&lock->a, {arguments}memory_order_seq_cst);")
            self.assertEqual([(f"lock: {operation} lock->a", "seq_cst", weaker, "seq_cst")], found)
        self.assertEqual([("lock: fence", "acquire", "relaxed", "acquire")],
                         steps("atomic_thread_fence(memory_order_acquire);"))

    def test_failure(self) -> None:
        body = "atomic_compare_exchange_strong_explicit(&a->b, &c, d, memory_order_acquire,\n memory_order_acquire);"
        mutants = sites.mutants_of("x", header(body))
        self.assertEqual([("acquire", False), ("acquire on failure", True)], [(m.lost, m.is_c11) for m in mutants])
        self.assertEqual([2, 3], [mutant.line for mutant in mutants])

    def test_the_change(self) -> None:
        body = "/* memory_order_acquire */ atomic_load_explicit(&a[f(b, c) & d], memory_order_acquire);"
        mutant, = sites.mutants_of("x", header(body))
        self.assertEqual("lock: load a[f(b, c) & d]", mutant.site)
        self.assertEqual(header(body.replace("d], memory_order_acquire", "d], memory_order_relaxed")), mutant.source)

    def test_twins(self) -> None:
        load = "atomic_load_explicit(&lock->a, memory_order_acquire);"
        self.assertEqual(["lock: load lock->a", "lock: load lock->a #2"], [site for site, *_ in steps(load + load)])

    def test_reasons(self) -> None:
        before = "/* Acquire: why.\n order-kept acquire: nobody\n sees it. */\n"
        load = "atomic_load_explicit(&lock->a, memory_order_acquire);"
        behind = " /* order-kept acquire: as above. */"
        mutants = sites.mutants_of("x", header(before + load + "\n" + load + behind + "\n" + load))
        self.assertEqual(["nobody sees it", "as above", ""], [mutant.reason for mutant in mutants])

    def test_reason_without_order(self) -> None:
        for body in ("/* order-kept release: no */ atomic_load_explicit(&lock->a, memory_order_acquire);",
                     "/* order-kept acquire: nothing follows */"):
            with self.assertRaises(sites.Misplaced):
                sites.mutants_of("x", header(body))


class Run(unittest.TestCase):
    """check-orders on ticket.h, with a checker that says what the test wants: of the lock as it is, and of weaker."""

    def run_with(self, as_it_is: str, weaker: str | BaseException, has_genmc: bool = True,
                 *, old: str = "lock,site\n") -> tuple[int, str, str]:
        """Exit code, output, and the table afterwards."""
        source = orders.text_of("ticket")

        def checker(mutant: sites.Mutant, _: Path) -> Iterable[tuple[str, genmc.Outcome]]:
            verdict = as_it_is if mutant.source == source else weaker
            if isinstance(verdict, BaseException):
                raise verdict
            yield "somebody", genmc.Outcome(verdict, "something", 0)

        output = io.StringIO()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(output), \
                contextlib.redirect_stderr(output):
            table = Path(folder) / "orders.csv"
            table.write_text(old)
            with mock.patch.object(orders, "TABLE", table), \
                    mock.patch.object(orders, "checkers_in", lambda *_: [checker]), \
                    mock.patch.object(orders, "earlier", lambda _: {}), \
                    mock.patch.object(genmc, "program", lambda: "genmc" if has_genmc else None), \
                    mock.patch.object(orders.relacy, "is_here", lambda: True):
                code = orders.main(["--locks", "ticket", "--jobs", "2"])
            self.assertEqual([table], list(Path(folder).iterdir()))
            return code, output.getvalue(), table.read_text()

    def test_settled(self) -> None:
        code, said, table = self.run_with("proven", "caught")
        self.assertEqual((0, True), (code, table.startswith("lock,site,order,weaker")))
        self.assertIn("3 caught", said)

    def test_broken_as_it_is(self) -> None:
        code, said, table = self.run_with("caught", "caught")
        self.assertEqual((1, "lock,site\n"), (code, table))
        self.assertIn("ticket.h is broken as it is: repair it first: somebody: something", said)
        self.assertNotIn("caught ", said)

    def test_not_compiled(self) -> None:
        code, said, table = self.run_with("failed", "failed")
        self.assertEqual((1, "lock,site\n"), (code, table))
        self.assertIn("ticket.h cannot be checked", said)

    def test_survived(self) -> None:
        code, said, table = self.run_with("proven", "proven")
        self.assertEqual((1, "lock,site\n"), (code, table))
        self.assertIn("weaken it, or say why not", said)

    def test_failed_and_unfinished(self) -> None:
        for verdict in "failed", "unfinished":
            code, said, table = self.run_with("proven", verdict)
            self.assertEqual((1, "lock,site\n"), (code, table))
            self.assertNotIn("weaken it", said)

    def test_without_genmc(self) -> None:
        code, said, table = self.run_with("proven", "proven", has_genmc=False)
        self.assertEqual((0, "lock,site\n"), (code, table))
        self.assertIn("3 undecided", said)
        self.assertNotIn("weaken it", said)

    def test_interrupted(self) -> None:
        code, said, table = self.run_with("proven", KeyboardInterrupt())
        self.assertEqual((130, "lock,site\n"), (code, table))
        self.assertIn("check-orders: interrupted; results/orders.csv is left as it was\n", said)

    def test_implicit(self) -> None:
        with mock.patch.object(explicit, "faults_of", lambda _: ["ticket.h:3: names no order"]), \
                mock.patch.object(explicit, "compiler", lambda: "g++"):
            code, said, table = self.run_with("proven", "caught")
        self.assertEqual((1, "lock,site\n"), (code, table))
        self.assertIn("ticket.h:3: names no order", said)


class Outputs(unittest.TestCase):
    def test_judge(self) -> None:
        clean = "No errors were detected.\nNumber of complete executions explored: 276\n"
        self.assertEqual(("proven", "276 executions"), genmc.judge(0, clean))
        self.assertEqual("caught", genmc.judge(0, "Warning: Unfreed memory!\n" + clean)[0])
        race = "Error: Non-atomic race!\nEvent (1, 3)\n*** Verification unsuccessful.\n"
        self.assertEqual(("caught", "Non-atomic race"), genmc.judge(42, race))
        hang = "Error: Liveness violation!\nEvent\nNon-terminating spinloop: thread 2\n"
        self.assertEqual(("caught", "Non-terminating spinloop: thread 2"), genmc.judge(42, hang))
        self.assertEqual(("failed", "mutex.c:3:1: error: no"), genmc.judge(5, "x\nmutex.c:3:1: error: no\ny"))
        self.assertEqual("failed", genmc.judge(0, "")[0])
        self.assertEqual("unfinished", genmc.judge(-9, "")[0])


if __name__ == "__main__":
    unittest.main()
