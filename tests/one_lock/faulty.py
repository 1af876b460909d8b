#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What scripts/check says of locks that are wrong on purpose, and of headers with typical mistakes.

faulty.py BUILD: a build that has the programs of the faulty locks.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from check import command  # noqa: E402
from check import steps  # noqa: E402
from checkers import orders  # noqa: E402
from common.program import UserError  # noqa: E402
from report import catalogue  # noqa: E402

BUILD = Path(sys.argv.pop()).resolve()


def linked(folder: str, name: str) -> steps.Lock:
    """A faulty lock, with the programs that have all of them in place of its own."""
    lock = steps.Lock(name, Path(folder))
    lock.relacy.parent.mkdir(parents=True)
    lock.program("").parent.mkdir(parents=True)
    lock.program("conformance").symlink_to(BUILD / "tests" / "conformance" / "conformance-faulty")
    lock.program("lockbench").symlink_to(BUILD / "tests" / "lockbench-faulty")
    if (program := BUILD / "tests" / "relacy" / lock.relacy.name).exists():
        lock.relacy.symlink_to(program)
    return lock


class Faulty(unittest.TestCase):
    def verdict(self, step: str, lock: str) -> steps.Result:
        with tempfile.TemporaryDirectory() as folder:
            found = getattr(steps, step)(linked(folder, lock))
        return found[0] if isinstance(found, list) else found

    def is_wrong(self, step: str, lock: str, detail: str, what_to_do: str) -> None:
        with self.subTest(step=step, lock=lock):
            result = self.verdict(step, lock)
            self.assertEqual(steps.WRONG, result.verdict, result)
            self.assertIn(detail, "\n".join(result.details))
            self.assertIn(what_to_do, "\n".join(result.advice))

    def test_conformance(self) -> None:
        self.is_wrong("conformance", "test_broken", "two threads were inside at once", "lets a second one in")
        self.is_wrong("conformance", "test_unfair", "are promised", "keep errno")

    def test_stress(self) -> None:
        self.is_wrong("stress", "test_broken", "broken", "two were inside")

    def test_relacy(self) -> None:
        if not (BUILD / "tests" / "relacy" / "relacy_test_no_release").exists():
            self.skipTest("no Relacy")
        self.is_wrong("relacy", "test_no_release", "DATA RACE", "memory_order_release")
        self.is_wrong("relacy", "test_lost_wake", "DEADLOCK", "a wake-up is lost")


class Headers(unittest.TestCase):
    """A ttas with a mistake."""

    def verdict(self, step: str, old: str, new: str) -> steps.Result:
        text = orders.text_of("ttas")
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(orders, "LOCKS", Path(folder)):
            (Path(folder) / "ttas.h").write_text(text.replace(old, new))
            return getattr(steps, step)(steps.Lock("ttas", BUILD))[0]

    def test_right(self) -> None:
        for step in "header", "atomics":
            self.assertEqual(steps.OK, self.verdict(step, "ttas", "ttas").verdict)

    def test_header(self) -> None:
        for old, new, what_to_do in (
                ("  LK_ATOMIC(uint32_t) state;", "  _Alignas(64) LK_ATOMIC(uint32_t) state;", "write LK_ALIGNED"),
                ("#ifndef LK_TTAS_H", "#ifndef LK_TAS_H", "begin with #ifndef"),
                ("  (void)config;", "  (void)config, (void)isatty(0);", "include the header")):
            result = self.verdict("header", old, new)
            self.assertEqual(steps.WRONG, result.verdict)
            self.assertIn(what_to_do, result.advice[0])
            self.assertIn("ttas.h:", result.details[0])

    def test_functions(self) -> None:
        for old, new, detail, what_to_do in (
                ("lk_ttas_unlock(", "lk_ttas_release(", "lk_ttas_unlock must be void (struct lk_ttas *, ",
                 "write static inline void lk_ttas_unlock(struct lk_ttas *, struct lk_ttas_ctx *)"),
                ("static inline bool lk_ttas_trylock(", "static inline int lk_ttas_trylock(",
                 "or say #define lk_ttas_no_trylock 1", "write static inline bool lk_ttas_trylock("),
                ("= LK_", "= LK_SYSTEM | LK_PEER | LK_", "say LK_SYSTEM or LK_PEER", "the assertion says it")):
            for compiler in filter(shutil.which, ("gcc", "clang")):
                result = steps.refused("ttas", self.said_by(compiler, old, new))
                self.assertIn(detail, result.details[0])
                self.assertIn(what_to_do, result.advice[0])

    def said_by(self, compiler: str, old: str, new: str) -> str:
        text = orders.text_of("ttas")
        self.assertIn(old, text)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "ttas.h").write_text(text.replace(old, new))
            result = subprocess.run([compiler, "-std=gnu11", "-DLK=ttas", *(f"-I{place}" for place in (
                folder, ROOT / "locks", ROOT / "src")), "-fsyntax-only", "-xc", "-"], input='#include "lock_ops.h"\n',
                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertNotEqual(0, result.returncode)
        return result.stdout

    def test_atomics(self) -> None:
        result = self.verdict("atomics", "atomic_store_explicit(&lock->state, LK_TTAS_FREE, memory_order_release)",
                              "lock->state = LK_TTAS_FREE")
        self.assertEqual(steps.WRONG, result.verdict)
        self.assertRegex(result.details[0], r"ttas.h:\d+: 'lock->state = LK_TTAS_FREE;' names no memory order")
        self.assertIn("_explicit", result.advice[0])


class Names(unittest.TestCase):
    def test_refused(self) -> None:
        for name, words in {"tickt": "the nearest is 'ticket'", "nosuch": "README.md lists", "empty": "a baseline",
                            "locks/mcs.h": "without its folder", "pthread_mutex": "the system's lock"}.items():
            with self.assertRaisesRegex(UserError, words):
                command.refuse_unknown(["mcs", name])

    def test_script(self) -> None:
        result = subprocess.run([str(ROOT / "scripts" / "check"), "mcs", "mcz"], text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual((2, "", 1), (result.returncode, result.stdout, len(result.stderr.splitlines())), result)

    def test_half_added(self) -> None:
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(orders, "LOCKS", Path(folder)):
            (Path(folder) / "meson.build").write_text("locks = [\n  'here',\n]\n")
            (Path(folder) / "there.h").write_text("")
            with self.assertRaisesRegex(UserError, "but there is no locks/here.h"):
                command.refuse_unknown(["here"])
            with self.assertRaisesRegex(UserError, "add the line 'there', to"):
                command.refuse_unknown(["there"])


class Page(unittest.TestCase):
    LOCK = {"name": "mcs", "kind": "mutex", "fifo": "yes", "waits": "spin", "trylock": True, "timedlock": False,
            "freed_by_last": "yes", "processes": False, "lock_bytes": 8, "ctx_bytes": 128,
            "heap_bytes": 0}

    def test_a_row_goes_where_the_list_has_it(self) -> None:
        text, order = catalogue.PAGE.read_text(), orders.listed_locks()
        without = "".join(line for line in text.splitlines(True) if catalogue.name_in(line) != "mcs")
        self.assertNotEqual(text, without)
        names = [list(filter(None, map(catalogue.name_in, page.splitlines())))
                 for page in (text, catalogue.with_row(without, self.LOCK, order))]
        self.assertEqual(*names)
        self.assertEqual(text.count("\n"), catalogue.with_row(text, self.LOCK, order).count("\n"))


class Whole(unittest.TestCase):
    def test_a_right_lock(self) -> None:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = command.main(["--build", str(BUILD), "ticket"])
        self.assertEqual(0, code, output.getvalue())
        self.assertIn("ticket: all is well", output.getvalue())
        self.assertNotIn("what to do", output.getvalue())


if __name__ == "__main__":
    unittest.main()
