# SPDX-License-Identifier: MIT
"""Finds the uses of atomics in a lock's header that name no memory order: C makes them sequentially consistent without
a word, and check-orders does not see them.

A pattern cannot tell `x = 0` on an atomic from one on a number; a compiler can. The header is compiled as C++ with
tests/code/explicit/lk_lang.h, whose atomics have no operators.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from checkers.genmc import ROOT
from checkers.sites import without_comments

STAND_IN = ROOT / "tests" / "code" / "explicit"
# Each header as programs have it, for checkers, and with what aborts at a copied lock.
VARIANTS: tuple[tuple[str, ...], ...] = ((), ("-DLK_WHOLE_WORDS",), ("-DLK_CANARY",))
ADVICE = "names no memory order, so it is sequentially consistent without a word: use the function with _explicit"
WORDS = {
    r"\b__(?:atomic|sync)_\w+": "is the compiler's, which check-orders does not see: use C11's function with _explicit",
    r"\b_Atomic\b": "is C's alone: write LK_ATOMIC(type)",
}


def compiler() -> str | None:
    return shutil.which("g++") or shutil.which("clang++")


def complaints(header: Path, options: list[str]) -> str:
    command = [compiler() or "g++", "-std=c++17", "-w", "-fsyntax-only", *options, f"-I{header.parent}",
               f"-I{ROOT / 'locks'}", "-xc++", str(header)]
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout


def errors_in(output: str) -> list[tuple[str, int, str]]:
    """File, line and text of each."""
    return [(path, int(line), text) for path, line, text in
            re.findall(r"^([^\n:]+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", output, re.MULTILINE)]


def words_in(text: str) -> dict[int, str]:
    """By line: what is refused for its name."""
    code = without_comments(text)
    return {code.count("\n", 0, match.start()) + 1: f"{match[0]} {advice}"
            for word, advice in WORDS.items() for match in re.finditer(word, code)}


def faults_of(header: Path) -> list[str]:
    """A line for the user each; needs a compiler()."""
    text = header.read_text()
    faults = words_in(text) if header.name != "lk_lang.h" else {}
    for variant in VARIANTS:
        output = complaints(header, ["-include", str(STAND_IN / "lk_lang.h"), f"-I{STAND_IN}", *variant])
        for path, line, why in errors_in(output):
            if Path(path).resolve() != header.resolve():
                faults.setdefault(0, f"{Path(path).name}:{line}: {why}")
                continue
            statement = " ".join(text.splitlines()[line - 1].split())
            is_atomic = re.search(r"atomic|operator(\+\+|--)\(int\)", why) is not None
            faults.setdefault(line, f"'{statement}' {ADVICE if is_atomic else f'does not compile as C++17: {why}'}")
    return [f"{header.name}:{line}: {fault}" for line, fault in sorted(faults.items())]
