#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each atomic operation in the headers of locks/ names its memory order; what does not is found."""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "py"))

from checkers import explicit  # noqa: E402

SKIPPED = 77
CONTROL = """#include "lk.h"
struct lk_control {{
  LK_ATOMIC(uint32_t) word;
  LK_ATOMIC(struct lk_control *) next;
  LK_ATOMIC(bool) flag;
  LK_CANARY_MEMBER
}};
static inline void lk_control_lock(struct lk_control *lock, struct lk_control *other, uint32_t number) {{
  (void)lock, (void)other, (void)number;
  {}
}}
"""
LINE = 10  # of the statement

# Each must be found, by this word.
FAULTY = {
    "lock->word = 0;": "_explicit",
    "lock->word++;": "_explicit",
    "--lock->word;": "_explicit",
    "lock->word += number;": "_explicit",
    "lock->word |= 1;": "_explicit",
    "number = lock->word;": "_explicit",
    "if (lock->flag) number = 1;": "_explicit",
    "while (!lock->flag) lk_pause();": "_explicit",
    "if (lock->word == number) number = 1;": "_explicit",
    "lock->next = other;": "_explicit",
    "lock->next->word = number;": "_explicit",
    "lock->word = other->word;": "_explicit",
    "atomic_exchange(&lock->word, 1);": "_explicit",
    "atomic_store(&lock->word, 1);": "_explicit",
    "number = atomic_load(&lock->word);": "_explicit",
    "atomic_fetch_add(&lock->word, 1);": "_explicit",
    "atomic_compare_exchange_strong(&lock->word, &number, 1);": "_explicit",
    "__atomic_store_n(&lock->word, 1, __ATOMIC_RELEASE);": "__atomic_store_n",
    "__sync_fetch_and_add(&number, 1);": "__sync_fetch_and_add",
    "static _Atomic(int) own; own = 1;": "LK_ATOMIC(type)",
    "static _Atomic int own; own++;": "LK_ATOMIC(type)",
    "number = nothing;": "does not compile as C++17",
}
# What is right, and must not be complained of.
RIGHT = [
    "atomic_store_explicit(&lock->word, 0, memory_order_release);",
    "atomic_store_explicit(&lock->next, NULL, memory_order_relaxed);",
    "while (!atomic_load_explicit(&lock->flag, memory_order_acquire)) lk_pause();",
    "atomic_init(&lock->word, 0);",
    "static struct lk_control own = {0, NULL, false, LK_CANARY_INIT}; (void)own;",
    "number = 0; /* lock->word = 0 */",
    "atomic_compare_exchange_weak_explicit(&lock->word, &number, 1, memory_order_acquire, memory_order_relaxed);",
]


def faults_of(statement: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        header = Path(folder) / "control.h"
        header.write_text(CONTROL.format(statement))
        return explicit.faults_of(header)


def wrong_controls(pool: ThreadPoolExecutor) -> list[str]:
    wrong = []
    for statement, found in zip(FAULTY, pool.map(faults_of, FAULTY)):
        if not any(fault.startswith(f"control.h:{LINE}: ") and FAULTY[statement] in fault for fault in found):
            wrong.append(f"'{statement}' was not found; what was found: {found}")
    return wrong + [f"'{statement}' is right, and was complained of: {found}"
                    for statement, found in zip(RIGHT, pool.map(faults_of, RIGHT)) if found]


def main() -> int:
    if explicit.compiler() is None:
        print("skipped: no g++ or clang++")
        return SKIPPED
    headers = sorted((ROOT / "locks").glob("*.h"))
    with ThreadPoolExecutor(2) as pool:
        wrong = [f"locks/{fault}" for faults in pool.map(explicit.faults_of, headers) for fault in faults]
        wrong += wrong_controls(pool)
    for text in wrong:
        print(text)
    print(f"{len(headers)} headers, {len(wrong)} faults")
    return 1 if wrong or len(headers) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
