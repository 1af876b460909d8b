# SPDX-License-Identifier: MIT
"""Writes locks/README.md: a table of the locks, out of `lockbench list --json` and the heads of their headers."""

from __future__ import annotations

import argparse
import difflib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from common.program import Parser, UserError

LOCKS = Path(__file__).resolve().parents[3] / "locks"
PAGE = LOCKS / "README.md"

INTRODUCTION = """\
# The locks

Made by `scripts/catalogue` from the traits and file heads; a test fails when it is stale. To change a line, change the
head of the header that it links to. Sizes are those of x86-64. Locks of other libraries, which are listed where the
library is installed, are not here: `lockbench list` shows them.

- **FIFO** *bounded*: not in order, but no waiter is overtaken more often than a bound that the head tells.
- **waits** *hybrid*: spins first, then sleeps in the kernel. **domains**: uses where a thread runs.
- **timed** *yes*: a waiter can give up at a deadline. Where arrivals take a number or a place in a queue, which others
  wait behind, they cannot take it back, and there is none.
- **freed by last** *yes*: a thread that unlocks it and knows that no other comes any more may destroy and free it at
  once, as with a mutex of POSIX or C++. *no*: it must stay alive until unlock has returned in every thread.
- **processes** *yes*: it may lie in memory that processes share, and they exclude each other. All others hold
  addresses, sleep on words of one process, or share its tables. What holds of each alike is in [lk.h](lk.h): after
  `fork` the child may use a lock that was free, with a new context, and what another thread held stays held; the
  handler of a signal may try a lock, and never wait for it, so it has no use for one without a trylock.
- **lock**, **context**: bytes of one lock, and of what each thread needs to use it. **heap**: bytes that a lock and all
  its contexts allocate beside, for 64 threads on 64 CPUs in two nodes. Tables of the process, which a head tells of,
  are not in it.
"""

SECTIONS = {"mutex": "Mutexes", "rw": "Readers/writer locks", "baseline": "Baselines"}
ENOUGH = 60  # characters: "Test-and-set" is a sentence, but tells little
HEADS = ("lock", "idea", "source", "FIFO", "waits", "trylock", "timed", "domains", "freed by last", "processes", "lock",
         "context", "heap")


def paragraphs(header: Path) -> list[str]:
    """Those of the comment that a header begins with, each as one line."""
    match = re.search(r"/\*\n(.*?)\n \*/", header.read_text(), re.DOTALL)
    if match is None:
        raise UserError(f"{header}: no head; it must begin with a comment that tells what the lock is")
    lines = [line.removeprefix(" *").strip() for line in match[1].split("\n")]
    return [" ".join(block.split("\n")) for block in re.split(r"\n{2,}", "\n".join(lines))]


def beginning(text: str) -> str:
    """Its first sentences, until there are enough of them to say something."""
    sentences = re.split(r"(?<=[.:]) +(?=[A-Z])", text)
    n = 1
    while n < len(sentences) and len(" ".join(sentences[:n])) < ENOUGH:
        n += 1
    return re.sub(r"[.:]$", "", " ".join(sentences[:n]))


def idea_and_source(name: str) -> tuple[str, str]:
    """What the head says first about the lock, and the paragraph, or its part, that cites."""
    header = LOCKS / f"{name}.h"
    head = paragraphs(header)
    source = next((p.removeprefix("Source: ") for p in head if p.startswith("Source: ")), None)
    if not head[0].startswith(f"{name}: ") or source is None:
        raise UserError(f"{header}: the head must begin with '{name}: ' and have a paragraph 'Source: '")
    source = re.split(r" (?=States and invariants:|Invariants:|FIFO:|Preference:)", source)[0]
    return beginning(head[0].removeprefix(f"{name}: ")), source.rstrip(".")


def row(lock: dict[str, Any]) -> str:
    idea, source = idea_and_source(lock["name"])
    cells = [f"[`{lock['name']}`]({lock['name']}.h)", idea, source, lock["fifo"], lock["waits"],
             "yes" if lock["trylock"] else "no", "yes" if lock["timedlock"] else "",
             "yes" if lock.get("domains") else "", lock["freed_by_last"], "yes" if lock["processes"] else "",
             str(lock["lock_bytes"]), str(lock["ctx_bytes"] or "–"), str(lock["heap_bytes"] or "–")]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def page(locks: list[dict[str, Any]]) -> str:
    text = INTRODUCTION
    for kind, title in SECTIONS.items():
        text += f"\n## {title}\n\n| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS) + "\n"
        text += "".join(row(lock) + "\n" for lock in locks
                        if lock["kind"] == kind and lock["source"] != "peer" and not lock["twin_of"])
    return text


def name_in(line: str) -> str:
    """Of the lock whose row that is; empty: of none."""
    match = re.match(r"\| \[`(\w+)`\]", line)
    return match[1] if match else ""


def with_row(text: str, lock: dict[str, Any], order: list[str]) -> str:
    """The page with this lock's row in place of its old one, or where it belongs by THE list's order."""
    lines = [line for line in text.splitlines(True) if name_in(line) != lock["name"]]
    begin = lines.index(f"## {SECTIONS[lock['kind']]}\n")
    before = set(order[:order.index(lock["name"])])
    at = begin + 4  # the title, a blank line, the heads and the rule
    for i in range(at, len(lines)):
        if not name_in(lines[i]):
            break
        if name_in(lines[i]) in before:
            at = i + 1
    return "".join([*lines[:at], row(lock) + "\n", *lines[at:]])


def update(lock: dict[str, Any], order: list[str]) -> bool:
    """Writes one lock's row; False: it was right."""
    found = PAGE.read_text()
    wanted = with_row(found, lock, order)
    PAGE.write_text(wanted)
    return found != wanted


def main(arguments: list[str]) -> int:
    parser = Parser("scripts/catalogue", __doc__, usage="scripts/catalogue [--check]")
    parser.add_argument("lockbench", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true",
                        help="write nothing; exit code 1 if the page is not what would be written")
    options = parser.parse_args(arguments)
    try:
        listed = subprocess.run([options.lockbench, "list", "--json"], capture_output=True, text=True,
                                check=True).stdout
        wanted = page(json.loads(listed))
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise UserError(str(error)) from None
    if not options.check:
        PAGE.write_text(wanted)
        return 0
    found = PAGE.read_text() if PAGE.exists() else ""
    sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), "locks/README.md",
                                               "what the headers say", n=0))
    if found != wanted:
        print("catalogue: locks/README.md is stale; run scripts/catalogue", file=sys.stderr)
    return int(found != wanted)
