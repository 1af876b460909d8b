# SPDX-License-Identifier: MIT
"""The steps of a lock's check. Each runs what a test of the whole suite runs, for one lock, and says in plain words
what came out.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from check import advice
from checkers import explicit
from checkers import genmc
from checkers import orders
from checkers import sites
from checkers.genmc import ROOT
from common.program import UserError
from report import catalogue

OK, WRONG, SKIPPED, WRITTEN = "ok", "wrong", "skipped", "written"
BUILD = "build"
NEEDED = {"header", "atomics", BUILD}  # by all that follow
TESTS = ROOT / "tests"
STRESS_S = 5
PATIENCE_S = 25  # until a case of conformance hangs
GENMC_S = 15  # of the CPU, for each client; the suite gives it 60
MAX_DETAILS = 8


@dataclass(frozen=True)
class Lock:
    name: str
    build: Path

    @property
    def header(self) -> Path:
        return orders.LOCKS / f"{self.name}.h"

    def program(self, name: str) -> Path:
        """One that has no other lock."""
        return self.build / "tests" / "one_lock" / f"{name}-{self.name}"

    @property
    def relacy(self) -> Path:
        return self.build / "tests" / "relacy" / f"relacy_{self.name}"

    @property
    def library(self) -> Path:
        return self.build / "src" / f"liblk_{self.name}.a"


@dataclass(frozen=True)
class Result:
    step: str
    verdict: str
    text: str
    details: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Run:
    code: int
    output: str


def run(*command: str | Path) -> Run:
    result = subprocess.run([str(word) for word in command], text=True, errors="replace", check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return Run(result.returncode, result.stdout)


def wrong(step: str, text: str, said: list[str], known: advice.Advice) -> Result:
    """With what was said, and what to do about the first of it."""
    return Result(step, WRONG, text, tuple(said[:MAX_DETAILS]), (advice.on(known, said),))


def errors_of(output: str) -> list[str]:
    """Of a compiler, with paths as seen from here; each once."""
    errors = re.findall(r"^(?:.*[/ ])?([^/\s]+:\d+(?::\d+)?: (?:fatal )?error: .*)$", output,
                        re.MULTILINE | re.IGNORECASE)  # Meson's are in capitals
    return list(dict.fromkeys(errors)) or output.strip().splitlines()[-3:]


def header(lock: Lock) -> list[Result]:
    pairs = [pair for pair in (("gcc", "g++"), ("clang", "clang++")) if all(map(shutil.which, pair))]
    for cc, cpp in pairs or [("cc", "c++")]:
        done = run("env", f"CPP={cpp}", sys.executable, TESTS / "code" / "headers.py", "--only", lock.header, cc)
        if done.code != 0:
            return [wrong("header", f"{cc} and {cpp} do not take it as C11 and as C++17 and later",
                          errors_of(done.output), advice.HEADER)]
    return [Result("header", OK, f"is C11 and C++17 to C++23 to {' and '.join(cc for cc, _ in pairs) or 'cc'}")]


def atomics(lock: Lock) -> list[Result]:
    if faults := explicit.faults_of(lock.header):
        return [Result("atomics", WRONG, "an atomic names no memory order", tuple(faults[:MAX_DETAILS]),
                       ("write atomic_..._explicit with an order, and say in a comment what it pairs with",))]
    return [Result("atomics", OK, "each names its memory order")]


def unfit_functions(lock: str, output: str) -> list[str]:
    """Those that the header has not, or not as src/the_lock.h asks for them: on lines that the compiler shows."""
    asked = dict(re.findall(r"MUST_BE\(\w+, (\w+), \"(.*)\"\);", output))
    said = [f"lk_x_{function} must be {text}" for function, text in asked.items()]
    return [re.sub(r"\blk_x(?=\b|_)", f"lk_{lock}", text) for text in said]


def refused(lock: str, output: str) -> Result:
    return wrong(BUILD, "it does not compile into the hosts", unfit_functions(lock, output) or errors_of(output),
                 advice.BUILD)


def targets(lock: Lock) -> list[str]:
    programs = [lock.library, lock.program("lockbench"), lock.program("conformance")]
    there = (lock.build / "build.ninja").read_text()
    maybe = [lock.relacy, lock.build / "src" / "preload" / f"lockbench-preload-{lock.name}.so"]
    programs += [program for program in maybe if f"\nbuild {program.relative_to(lock.build)}:" in there]
    return [str(program.relative_to(lock.build)) for program in programs]


def build(lock: Lock) -> list[Result]:
    run("ninja", "-C", lock.build, "build.ninja")  # the list may have changed, and with it what there is to build
    done = run("ninja", "-C", lock.build, *targets(lock))
    if done.code == 0:
        return [Result(BUILD, OK, "the lock in every host, and nothing else")]
    return [refused(lock.name, done.output)]


def hot_loop(lock: Lock) -> list[Result]:
    objdump = shutil.which("objdump")
    if objdump is None:
        return [Result("hot loop", SKIPPED, "there is no objdump")]
    done = run(sys.executable, TESTS / "code" / "hot_loop.py", objdump, lock.library)
    if done.code == 0:
        return [Result("hot loop", OK, done.output.strip().removeprefix(f"{lock.name}: "))]
    said = [line for line in done.output.splitlines() if " loops call " not in line]
    return [Result("hot loop", WRONG, "the timed loop calls what does not belong there", tuple(said[:MAX_DETAILS]),
                   ("the line above says it; docs/adding-a-lock.md says why",))]


def conformance(lock: Lock) -> list[Result]:
    done = run(lock.program("conformance"), "--patience", str(PATIENCE_S), lock.name)
    lines = done.output.splitlines()
    if done.code == 0:
        n = sum(line.startswith(f"{lock.name}: ") for line in lines)
        return [Result("conformance", OK, f"{n} cases of lk.h's promises")]
    cases = [line for line in lines if line.startswith(f"{lock.name}: ") and " hung: " not in line]
    said = [re.sub(r"^\S*tests/", "tests/", line) for line in lines
            if re.search(r"\.c:\d+: |hung: |ERROR|WARNING", line)]
    said = sorted(dict.fromkeys(said), key=lambda line: "two threads were inside" not in line)  # which tells most
    if done.code < 0 or not said:
        said.append(f"{cases[-1] if cases else lock.name}: ended by signal {-done.code}" if done.code < 0 else
                    "\n".join(lines[-3:]))
    return [wrong("conformance", "a promise of lk.h is not kept", said, advice.CONFORMANCE)]


def stress(lock: Lock) -> list[Result]:
    done = run(lock.program("lockbench"), "stress", "--locks", lock.name, "--duration", str(STRESS_S))
    if done.code == 0:
        return [Result("stress", OK, f"{STRESS_S} s of delays, signals, stops and too many threads")]
    said = [line for line in done.output.splitlines() if line.startswith("lockbench: ")]
    return [wrong("stress", "broken under disturbances", said or done.output.splitlines()[-3:], advice.STRESS)]


def use(lock: Lock) -> list[Result]:
    if f"#define lk_{lock.name}_retries" in lock.header.read_text():
        return [Result("use", SKIPPED, "its readers retry: guards have nothing to leave")]
    done = run(sys.executable, TESTS / "use" / "every_lock.py", "gcc", "g++", lock.name)
    if done.code == 0:
        return [Result("use", OK, "by C and C++ programs, with condition variables")]
    said = [line for line in done.output.splitlines() if re.search(r"error:|hangs|returns|lost", line)]
    return [wrong("use", "a program that takes it as lk_enter.h and lk.hpp do goes wrong", said or [done.output[-200:]],
                  advice.USE)]


def relacy(lock: Lock) -> Result:
    if not lock.relacy.exists():
        return Result("relacy", SKIPPED, "Relacy is not installed (Debian: relacy-dev), or this is no build with gcc")
    done = run(lock.relacy)
    lines = done.output.splitlines()
    if done.code == 0:
        return Result("relacy", OK, f"{len(lines)} clients under C++11's memory model")
    return wrong("relacy", "an execution goes wrong", [*lines[-1:], f"its history: {lock.relacy}"], advice.RELACY)


def by_genmc(lock: Lock) -> Result:
    if genmc.program() is None:
        return Result("genmc", SKIPPED, "there is no genmc on the PATH: nothing is proven")
    done = run(sys.executable, TESTS / "genmc" / "check.py", "--timeout", str(GENMC_S), lock.header)
    lines = [line for line in done.output.splitlines() if re.match(r"(proven|caught|unfinished|failed) ", line)]
    said = [line for line in lines if line.startswith(("caught", "failed"))]
    n_unfinished = sum(line.startswith("unfinished") for line in lines)
    if said or not lines:
        return wrong("genmc", "an execution goes wrong", said or done.output.splitlines()[-3:], advice.GENMC)
    late = f"; {n_unfinished} did not end in {GENMC_S} s: give it bounds in scripts/py/checkers/genmc.py"
    late = late if n_unfinished else ""
    return Result("genmc", OK, f"{len(lines) - n_unfinished} clients proven under RC11 and IMM{late}")


def checkers(lock: Lock) -> list[Result]:
    """Neither cares what else the machine does, and each keeps one CPU busy."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda step: step(lock), (relacy, by_genmc)))


def is_settled(lock: Lock) -> bool:
    """Each order of the header has its row in results/orders.csv, and each row its order."""
    wanted = {(mutant.lock, mutant.site, mutant.order, mutant.weaker)
              for mutant in sites.mutants_of(lock.name, lock.header.read_text())}
    return wanted == {key for key in orders.earlier(orders.TABLE) if key[0] == lock.name}


def memory_orders(lock: Lock) -> list[Result]:
    try:
        if is_settled(lock):
            return [Result("orders", OK, "each is in results/orders.csv: needed, or kept for a reason")]
    except sites.Misplaced as error:
        return [Result("orders", WRONG, str(error), (), ("put 'order-kept WHAT: reason' beside the operation",))]
    if genmc.program() is None:
        return [Result("orders", SKIPPED, "results/orders.csv is not of this header, and to write it takes genmc")]
    done = run(ROOT / "scripts" / "check-orders", "--locks", lock.name)
    if done.code == 0 and is_settled(lock):
        return [Result("orders", WRITTEN, f"{done.output.splitlines()[-1]}, in results/orders.csv")]
    said = [line.strip() for line in done.output.splitlines()
            if not line.startswith(("caught ", "kept ", "results/"))]
    return [Result("orders", WRONG, "an order is not settled", tuple(said[:MAX_DETAILS]),
                   (f"scripts/check-orders --locks {lock.name} says it again",))]


def page(lock: Lock) -> list[Result]:
    listed = run(lock.program("lockbench"), "list", "--json")
    try:
        is_new = catalogue.update(json.loads(listed.output)[0], orders.listed_locks())
    except UserError as error:
        return [Result("catalogue", WRONG, "the head of the file cannot be read", (str(error),),
                       ("begin with '/*', ' * NAME: what it is', an empty line, and ' * Source: ' with the paper",))]
    except (ValueError, IndexError):
        return [Result("catalogue", WRONG, "lockbench list --json says", tuple(listed.output.splitlines()[-3:]))]
    if is_new:
        return [Result("catalogue", WRITTEN, "its line in locks/README.md")]
    return [Result("catalogue", OK, "its line in locks/README.md is what the header says")]


# What is quick and tells most comes first; nothing comes between a lock and what it can be timed by.
STEPS: tuple[Callable[[Lock], list[Result]], ...] = (
    header, atomics, build, hot_loop, page, conformance, stress, use, checkers, memory_orders)
