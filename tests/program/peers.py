# SPDX-License-Identifier: MIT
"""The locks of other libraries: listed exactly when their feature is on, selected as `peer`, and marked so in a row.

PEER_FEATURES, in the environment: "NAME=auto|enabled|disabled ..." as the build was configured; CXX: its compiler.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Callable

import lockbench

ROOT = Path(__file__).resolve().parents[2]
CXX = shlex.split(os.environ.get("CXX", "c++"))
FEATURES = dict(word.split("=") for word in os.environ["PEER_FEATURES"].split())
# An old compiler has the header, but C++ cannot read it.
ATOMICS = "#include <stdatomic.h>\n_Atomic(int) counter;\n"


def compiles(text: str, *language: str) -> bool:
    return subprocess.run([*CXX, *language, "-fsyntax-only", "-"], input=text, text=True, check=False,
                          stderr=subprocess.DEVNULL).returncode == 0


def is_c(text: str) -> bool:
    return compiles(text, "-xc", "-std=gnu11")


def is_cpp(text: str) -> bool:
    return compiles(text, "-xc++", "-std=gnu++2b")


def has_crate() -> bool:
    return (any(Path("/usr/share/cargo/registry").glob("parking_lot-0.12.*"))
            and subprocess.run("cargo --version", shell=True, check=False, capture_output=True).returncode == 0)


# What a feature brings, and how to tell that its library is there.
LIBRARIES: dict[str, tuple[set[str], Callable[[], bool]]] = {
    "absl": ({"absl_mutex"}, lambda: is_cpp(ATOMICS + "#include <absl/synchronization/mutex.h>\n")),
    "ck": ({"ck_ticket", "ck_mcs", "ck_clh", "ck_fas", "ck_fas_eb", "ck_pflock", "ck_tflock"},
           lambda: is_c("#include <ck_spinlock.h>\n")),
    "nsync": ({"nsync_mu"}, lambda: is_c("#include <nsync.h>\n")),
    "parking_lot": ({"parking_lot"}, has_crate),
    "std": ({"std_shared_mutex"}, lambda: is_cpp(ATOMICS)),
    "tbb": ({"tbb_spin", "tbb_queuing"}, lambda: is_cpp(ATOMICS + "#include <oneapi/tbb/spin_mutex.h>\n")),
}


@functools.lru_cache(maxsize=None)
def expected() -> set[str]:
    """The peers that this build must have, found out without the build's help."""
    on = {name for name, (_, is_there) in LIBRARIES.items()
          if FEATURES[name] == "enabled" or FEATURES[name] == "auto" and is_there()}
    return {peer for name in on for peer in LIBRARIES[name][0]}


class Peers(lockbench.Case):
    def listed(self) -> dict[str, str]:
        result = self.run_program("list", "--json")
        return {lock["name"]: lock["source"] for lock in json.loads(result.stdout) if lock["twin_of"] is None}

    def selected(self, locks: str) -> set[str]:
        result = self.run_program("run", "--no-twin", "--locks", locks, "--threads", "1", "--benchmark_list_tests")
        self.assertEqual(0, result.returncode, result.stderr)
        return {line.split("/")[1] for line in result.stdout.splitlines()}

    def test_the_features_of_the_build_are_those_known_here(self) -> None:
        self.assertEqual(set(LIBRARIES), set(FEATURES))

    def test_listed_exactly_when_their_feature_is_on(self) -> None:
        self.assertEqual(expected(), {name for name, source in self.listed().items() if source == "peer"})

    def test_selected_by_their_word_and_by_all_and_not_by_default(self) -> None:
        if not expected():
            self.skipTest("this build has no peers")
        self.assertEqual(expected(), self.selected("peer"))
        self.assertEqual(set(self.listed()), self.selected("all"))
        self.assertFalse(expected() & self.selected("common"))

    def test_a_row_says_peer(self) -> None:
        if not expected():
            self.skipTest("this build has no peers")
        result = self.run_to_the_end("--no-twin", "--locks", "peer,ticket", "--threads", "2", "--duration", "0.01",
                                     "--warmup", "0", "--repetitions", "1")
        self.assertEqual(0, result.returncode, result.stderr)
        sources = {row["lock"]: row["source"] for row in self.rows()}
        self.assertEqual({**{name: "peer" for name in expected()}, "ticket": "ours"}, sources)
        versions = json.loads((self.out / "host.json").read_text())["build"]["peers"].split(", ")
        self.assertEqual({name for name, (peers, _) in LIBRARIES.items() if peers & expected()},
                         {version.split()[0] for version in versions})

    def test_each_can_be_turned_off_and_says_so(self) -> None:
        build = self.folder / "build"
        result = subprocess.run(["meson", "setup", *(f"-Dpeer_{name}=disabled" for name in LIBRARIES), build, ROOT],
                                text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(0, result.returncode, result.stdout)
        left_out = dict(re.findall(r"left out: ([\w, ]+): (.*)", result.stdout))
        for name, (peers, _) in LIBRARIES.items():
            names, = [names for names, why in left_out.items() if why == f"peer_{name} is disabled"]
            self.assertEqual(peers, set(names.split(", ")))
        targets = json.loads((build / "meson-info" / "intro-targets.json").read_text())
        libraries = {target["name"] for target in targets}
        self.assertIn("lk_ticket", libraries)
        for name, (peers, _) in LIBRARIES.items():
            self.assertFalse({f"lk_{peer}" for peer in peers} & libraries, name)


if __name__ == "__main__":
    lockbench.main()
