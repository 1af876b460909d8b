# SPDX-License-Identifier: MIT
"""The promises of src/machine/placement.h, held against a plan and the XML of its machine, by none of lockbench's code.

Machines: generated ones, uneven and with levels missing; and the XML files in the folders of HWLOC_MACHINES (colon
separated), for example tests/hwloc of hwloc's own repository.
"""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, Optional

import lockbench
from hwloc_xml import LEVELS, Cpu, Machine, partition
from random_machine import RandomMachine

OUTER_FIRST = ("package", "node", "llc", "core")
N_GENERATED = 40


def outermost_first(cpus: list[Cpu]) -> list[str]:
    return sorted(OUTER_FIRST, key=lambda level: len(partition(cpus, level)))


class Plan:
    """What lockbench says of one machine, beside what its XML says."""

    def __init__(self, machine: Machine, said: dict[str, Any]) -> None:
        self.said = said
        by_number = {cpu.number: cpu for cpu in machine.cpus}
        self.order = [by_number[cpu["cpu"]] for cpu in said["cpus"] if cpu["cpu"] in by_number]
        self.expected = set(by_number)
        cores = Counter(cpu.domain["core"] for cpu in machine.cpus)
        self.siblings = {cpu.number: cores[cpu.domain["core"]] for cpu in machine.cpus}
        self.by_number = by_number

    def placed(self, name: str) -> Optional[list[Cpu]]:
        cpus = self.said["placements"][name]["cpus"]
        return None if cpus is None else [self.by_number[number] for number in dict.fromkeys(cpus)]

    def faults(self) -> list[str]:
        if {cpu["cpu"] for cpu in self.said["cpus"]} != self.expected:
            return [f"CPUs: {sorted(cpu['cpu'] for cpu in self.said['cpus'])}, the XML has {sorted(self.expected)}"]
        found = [f"{level}: domains differ from the XML's" for level in LEVELS if not self.has_domains(level)]
        checks = {"compact": self.is_compact, "scatter": self.is_scattered, "cores": self.takes_cores_first,
                  "smt": self.has_siblings_only, "same-llc": self.is_widest_cache,
                  "cross-node": self.takes_nodes_in_turn}
        for name, check in checks.items():
            placed = self.placed(name)
            if not check(placed):
                found.append(f"{name}: {[cpu.number for cpu in placed or []]}")
        return found

    def has_domains(self, level: str) -> bool:
        said: dict[int, set[int]] = {}
        for cpu in self.said["cpus"]:
            said.setdefault(cpu[level], set()).add(cpu["cpu"])
        return {frozenset(group) for group in said.values()} == partition(self.order, level)

    def is_whole(self, placed: Optional[list[Cpu]]) -> bool:
        return placed is not None and {cpu.number for cpu in placed} == self.expected

    def is_compact(self, placed: Optional[list[Cpu]]) -> bool:
        """hwloc's own order, in which objects of a tree are whole; of nodes only where they are part of the tree."""
        if placed is None or not self.is_whole(placed):
            return False
        return all(is_unbroken([cpu.domain[level] for cpu in placed]) for level in ("core", "package"))

    def is_scattered(self, placed: Optional[list[Cpu]]) -> bool:
        """At each step no CPU that is left has emptier surroundings: fewer siblings at work, then fewer neighbours."""
        if placed is None or not self.is_whole(placed):
            return False
        levels = outermost_first(self.order)
        taken: dict[str, Counter[object]] = {level: Counter() for level in levels}

        def crowd(cpu: Cpu) -> list[int]:
            return [taken["core"][cpu.domain["core"]]] + [taken[level][cpu.domain[level]] for level in levels]

        left = {cpu.number: cpu for cpu in self.order}
        for chosen in placed:
            if min(crowd(cpu) for cpu in left.values()) < crowd(chosen):
                return False
            del left[chosen.number]
            for level in levels:
                taken[level][chosen.domain[level]] += 1
        return True

    def takes_cores_first(self, placed: Optional[list[Cpu]]) -> bool:
        return placed is not None and self.is_whole(placed) and spares_siblings(placed)

    def has_siblings_only(self, placed: Optional[list[Cpu]]) -> bool:
        wanted = {number for number, n in self.siblings.items() if n > 1}
        if placed is None:
            return not wanted
        return {cpu.number for cpu in placed} == wanted and is_unbroken([cpu.domain["core"] for cpu in placed])

    def is_widest_cache(self, placed: Optional[list[Cpu]]) -> bool:
        if placed is None:
            return False
        caches = partition(self.order, "llc")
        mine = frozenset(cpu.number for cpu in placed)
        return mine in caches and len(mine) == max(map(len, caches)) and spares_siblings(placed)

    def takes_nodes_in_turn(self, placed: Optional[list[Cpu]]) -> bool:
        nodes = partition(self.order, "node")
        if placed is None:
            return len(nodes) == 1
        taken: Counter[object] = Counter()
        size = Counter(cpu.domain["node"] for cpu in self.order)
        for cpu in placed:  # none is ahead of a node that has CPUs left
            if any(taken[node] < taken[cpu.domain["node"]] and taken[node] < n for node, n in size.items()):
                return False
            taken[cpu.domain["node"]] += 1
        return self.is_whole(placed) and all(
            spares_siblings([cpu for cpu in placed if cpu.domain["node"] == node]) for node in size)


def is_unbroken(domains: list[object]) -> bool:
    """Equal ones stand together."""
    runs = [domain for domain, _ in itertools.groupby(domains)]
    return len(runs) == len(set(runs))


def spares_siblings(placed: list[Cpu]) -> bool:
    """A core's second CPU comes when each core has its first, and so on."""
    taken: Counter[object] = Counter()
    ranks = []
    for cpu in placed:
        ranks.append(taken[cpu.domain["core"]])
        taken[cpu.domain["core"]] += 1
    return ranks == sorted(ranks)


class Promises(lockbench.Case):
    def describe(self, **environment: str) -> Optional[dict[str, Any]]:
        result = self.run_program("topology", "--json", env=environment)
        if result.returncode == 2 and "HWLOC_XMLFILE" in result.stderr:
            return None
        self.assertEqual(0, result.returncode, result.stderr)
        said: dict[str, Any] = json.loads(result.stdout)
        return said

    def plan(self, seed: int) -> Plan:
        path = self.folder / "machine.xml"
        RandomMachine(seed).write(path)
        said = self.describe(HWLOC_XMLFILE=str(path))
        assert said is not None, path.read_text()
        return Plan(Machine(path), said)

    def test_generated_machines(self) -> None:
        for seed in range(N_GENERATED):
            with self.subTest(seed=seed):
                self.assertEqual([], self.plan(seed).faults())

    def test_the_checker_finds_what_is_wrong(self) -> None:
        """Each policy's order under the name of another that it is not: on some machine that must show."""
        found: Counter[str] = Counter()
        swaps = {"scatter": "compact", "compact": "scatter", "cores": "compact", "smt": "scatter",
                 "same-llc": "compact", "cross-node": "compact"}
        for seed in range(N_GENERATED):
            plan = self.plan(seed)
            right = plan.said["placements"]
            for name, other in swaps.items():
                plan.said["placements"] = {**right, name: right[other]}
                found.update(fault.partition(":")[0] for fault in plan.faults())
            plan.said["placements"] = right
            plan.said["cpus"] = [{**cpu, "llc": 0} for cpu in plan.said["cpus"]]
            found.update(fault.partition(":")[0] for fault in plan.faults())
        self.assertEqual({*swaps, "llc"}, set(found))

    def test_machines_in_files(self) -> None:
        folders = [Path(folder) for folder in os.environ.get("HWLOC_MACHINES", "").split(":") if folder]
        paths = [path for folder in folders for path in sorted(folder.rglob("*.xml"))]
        if not paths:
            self.skipTest("HWLOC_MACHINES names no folder with XML files")
        unread = []
        for path in paths:
            with self.subTest(machine=str(path)):
                said = self.describe(HWLOC_XMLFILE=str(path), HWLOC_XML_VERBOSE="0")
                if said is None:
                    unread.append(path.name)
                    continue
                self.assertEqual([], Plan(Machine(path), said).faults())
        print(f"{len(paths) - len(unread)} machines; hwloc does not read: {' '.join(unread) or 'none'}")
        self.assertLess(len(unread), len(paths))


if __name__ == "__main__":
    lockbench.main()
