#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header compiles by itself, and twice, with all warnings on; the locks as plain C11 and all in one file, with a
canary too, and the same as C++17 and later.

headers.py [--only HEADER] COMPILER [ARGUMENT...]

--only: this header of a lock alone.

CPP, in the environment, is the C++ compiler. PEERS names those peers whose library is installed; the others have
nothing to include.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wredundant-decls", "-Werror", "-fsyntax-only", "-xc", "-"]
CANARY: list[list[str]] = [[], ["-DLK_CANARY"]]
# What a lock's user knows: this folder, and nothing of the harness or of GNU.
LOCKS = ["-std=c11", f"-I{ROOT / 'locks'}", f"-I{ROOT / 'tests' / 'locks'}"]
# What plain C11 hides and a lock declares itself is visible to these, and must not be declared twice.
WIDER = [["-std=gnu11"], ["-std=gnu11", "-D_GNU_SOURCE"], ["-D_POSIX_C_SOURCE=199309L"]]
# What bench/peers/instance.cc makes of them; without -pedantic, since lk.h is C.
CPP = ["-std=gnu++2b", f"-I{ROOT / 'locks'}", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-xc++", "-"]
# What a C++ program makes of the locks.
CPP_STANDARDS = ["-std=c++17", "-std=c++20", "-std=c++2b"]
CPP_LOCKS = [f"-I{ROOT / 'locks'}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-xc++", "-"]
# The harness uses GNU's C where C11 has no word: without -pedantic, which would forbid that. What is compiled for
# each lock is told one.
HARNESS = ["-std=gnu11", "-D_GNU_SOURCE", "-DLK=ticket", *(f"-I{ROOT / folder}" for folder in (
    "locks", "src", "bench", "tests", "tests/conformance", "tests/benchmarks"))]

# Folders of headers that do not stand alone, or are looked at elsewhere.
NOT_ALONE = {"relacy", "genmc", "locks", "peers", "explicit"}
Task = tuple[list[str], list[str], list[Path]]  # compiler, options, headers

# Headers that must be complained of: their text, how often they are included, and what the complaint must name.
FAULTY = {"needs_another.h": ("struct control { uint32_t word; };", 1, "uint32_t"),
          "not_twice.h": ("struct control { int word; };", 2, "redefinition"),
          "warns.h": ("static inline int control(int x) { return x < 1u; }", 1, "sign-compare"),
          "needs_gnu.h": ("enum { control = sizeof(typeof(1)) };", 1, "typeof")}
# And those of which only C++ complains.
FAULTY_IN_CPP = {"needs_c.h": ("struct control { _Alignas(64) int word; };", 1, "control"),
                 "converts.h": ("static inline int *control(void *address) { return address; }", 1, "void*")}


def library_flags() -> list[str]:
    result = subprocess.run(["pkg-config", "--cflags", "hwloc", "jansson"], text=True, stdout=subprocess.PIPE,
                            check=False)
    return shlex.split(result.stdout)


def complaint(compiler: list[str], options: list[str], headers: list[Path]) -> str:
    """What the compiler says of a file that includes these headers in this order; nothing if all is well."""
    text = "".join(f'#include "{header}"\n' for header in headers) + "extern int no_file_is_empty;\n"
    result = subprocess.run([*compiler, *options], input=text, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    return "" if result.returncode == 0 else f"{' '.join(header.name for header in headers)}:\n{result.stdout}"


def plan() -> list[tuple[list[str], list[Path]]]:
    locks = sorted([*(ROOT / "locks").glob("*.h"), *(ROOT / "tests" / "locks").glob("*.h")])
    others = sorted(header for folder in ("src", "bench", "tests") for header in (ROOT / folder).rglob("*.h")
                    if not NOT_ALONE & set(header.relative_to(ROOT).parts))
    peers = os.environ.get("PEERS", "").split()
    in_c = locks + [header for name in peers if (header := ROOT / f"locks/peers/{name}.h").exists()]
    tasks = [([*LOCKS, *WARNINGS], [header] * 2) for header in in_c]
    in_cpp = [header for name in peers if (header := ROOT / f"bench/peers/{name}.h").exists()]
    tasks += [(CPP, [header] * 2) for header in in_cpp]
    tasks += [([*canary, *LOCKS, *WARNINGS], locks) for canary in CANARY]
    tasks += [([*LOCKS, *wider, *WARNINGS], locks) for wider in WIDER]
    tasks.append(([*LOCKS, *WARNINGS], locks[::-1]))
    harness = [*HARNESS, *library_flags(), *(flag for flag in WARNINGS if flag != "-Wpedantic")]
    return tasks + [(harness, [header] * 2) for header in others]


def plan_in_cpp() -> list[tuple[list[str], list[Path]]]:
    """As C++, each lock alone under the oldest standard; else all in one file, which is far quicker."""
    locks = sorted((ROOT / "locks").glob("*.h"))
    oldest, *newer = CPP_STANDARDS
    tasks = [([oldest, *CPP_LOCKS], [header] * 2) for header in locks]
    tasks.append(([oldest, "-DLK_CANARY", *CPP_LOCKS], locks))
    return tasks + [([standard, *CPP_LOCKS], locks) for standard in newer]


def plan_of_one(header: Path, compiler: list[str], cpp: list[str]) -> list[Task]:
    """A lock's header by itself, as whatever a program may be written in."""
    standards: list[list[str]] = [[], *WIDER]
    in_c = [[*canary, *LOCKS, *standard, *WARNINGS] for canary in CANARY for standard in standards]
    in_cpp = [[standard, *canary, *CPP_LOCKS] for canary in CANARY for standard in CPP_STANDARDS]
    return [*((compiler, options, [header] * 2) for options in in_c),
            *((cpp, options, [header] * 2) for options in in_cpp)]


def missed_faults(compiler: list[str], options: list[str], faulty: dict[str, tuple[str, int, str]]) -> list[str]:
    """The controls: what is said if a faulty header is not complained of, or for another reason."""
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, times, named) in faulty.items():
            header = Path(folder) / name
            header.write_text(text + "\n")
            said = complaint(compiler, options, [header] * times)
            if named not in said.replace("void *", "void*"):
                missed.append(f"{name}: its fault, {text}, was not found; the compiler says: {said or 'nothing'}")
    return missed


def complaints_of(tasks: list[Task]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(lambda task: complaint(*task), tasks) if text]


def main() -> int:
    compiler, cpp = sys.argv[1:], shlex.split(os.environ["CPP"])
    if compiler[0] == "--only":
        _, header, *compiler = compiler
        complaints = complaints_of(plan_of_one(Path(header), compiler, cpp))
        print("\n".join(complaints))
        return 1 if complaints else 0
    tasks = [(compiler, options, headers) for options, headers in plan()]
    tasks += [(cpp, options, headers) for options, headers in plan_in_cpp()]
    complaints = complaints_of(tasks)
    complaints += missed_faults(compiler, [*LOCKS, *WARNINGS], FAULTY)
    complaints += missed_faults(cpp, [CPP_STANDARDS[0], *CPP_LOCKS], FAULTY_IN_CPP)
    for text in complaints:
        print(text)
    print(f"{len(tasks)} files compiled, {len(complaints)} failed")
    return 1 if complaints or len(tasks) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
