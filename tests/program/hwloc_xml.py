# SPDX-License-Identifier: MIT
"""Reads hwloc's XML, of versions 1 and 2, without hwloc: what each CPU is near to. Standard library only."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Optional

LEVELS = ("core", "llc", "node", "package")
INSTRUCTIONS = "2"  # the type of a cache that holds no data


@dataclass(frozen=True)
class Cpu:
    """`domain`: what it is in at each level, as something that is equal for CPUs in the same one."""

    number: int
    domain: dict[str, object]
    kind: Optional[int]  # its place in the XML's list


def cpuset(text: Optional[str]) -> set[int]:
    """hwloc writes a set as words of 32 bits, the highest first; an empty word is 0, and 0xf...f means all above."""
    if text is None:
        return set()
    words = text.split(",")
    if words[0] == "0xf...f":
        raise ValueError(f"an endless set: {text}")
    numbers = set()
    for position, word in enumerate(reversed(words)):
        bits = int(word, 16) if word else 0
        numbers |= {32 * position + bit for bit in range(32) if bits >> bit & 1}
    return numbers


def is_data_cache(thing: ElementTree.Element) -> bool:
    kind = thing.get("type", "")
    named = kind == "Cache" or kind in ("L1Cache", "L2Cache", "L3Cache", "L4Cache", "L5Cache")
    return named and thing.get("cache_type", "0") != INSTRUCTIONS


Way = tuple[ElementTree.Element, ...]


def walk(thing: ElementTree.Element, above: Way) -> Iterator[Way]:
    """Each object with what is above it, outermost first."""
    path = above + (thing,)
    yield path
    for child in thing.findall("object"):
        yield from walk(child, path)


class Machine:
    def __init__(self, path: Path) -> None:
        root = ElementTree.parse(path).getroot()
        top = root.find("object")
        if top is None:
            raise ValueError(f"{path}: no machine")
        paths = list(walk(top, ()))
        self.nodes = [(number, cpuset(one[-1].get("cpuset"))) for number, one in enumerate(paths)
                      if one[-1].get("type") in ("NUMANode", "Node")]
        if not self.nodes:  # version 1 could leave them out; hwloc 2 then makes one of the whole machine
            self.nodes = [(-1, cpuset(top.get("cpuset")))]
        kinds = [cpuset(kind.get("cpuset")) for kind in root.findall("cpukind")]
        allowed = cpuset(top.get("allowed_cpuset") or top.get("cpuset"))
        self.cpus = [self.cpu(one, kinds) for one in paths
                     if one[-1].get("type") == "PU" and int(one[-1].get("os_index", "-1")) in allowed]

    def cpu(self, path: Way, kinds: list[set[int]]) -> Cpu:
        number = int(path[-1].get("os_index", "-1"))

        def inside(*types: str) -> Optional[ElementTree.Element]:
            return next((thing for thing in reversed(path) if thing.get("type") in types), None)

        package = inside("Package", "Socket")
        near = self.nearest_node(number)
        node: object = near if near is not None else ("beside", id(package))
        caches = [thing for thing in path if is_data_cache(thing)]
        llc: object = id(caches[0]) if caches else self.instead_of_cache(near, package)
        core = inside("Core")
        return Cpu(number, {"core": id(core if core is not None else path[-1]), "llc": llc, "node": node,
                            "package": id(package)},
                   next((kind for kind, cpus in enumerate(kinds) if number in cpus), None))

    def nearest_node(self, number: int) -> Optional[int]:
        """Of the nodes that a CPU is local to the smallest: a package can have slow memory of its own beside them."""
        local = [(len(cpus), place, node) for place, (node, cpus) in enumerate(self.nodes) if number in cpus]
        return min(local)[2] if local else None

    def instead_of_cache(self, node: Optional[int], package: Optional[ElementTree.Element]) -> object:
        """Of node and package the smaller: to call near what is far would be worse than the opposite."""
        if node is None or package is None:
            return ("node", node) if node is not None else ("package", id(package))
        n_in_node = len(dict(self.nodes)[node])
        return ("node", node) if n_in_node < len(cpuset(package.get("cpuset"))) else ("package", id(package))


def partition(cpus: list[Cpu], level: str) -> set[frozenset[int]]:
    """The CPUs' numbers, together those that share a domain."""
    def by(cpu: Cpu) -> str:
        return str(cpu.domain[level])

    return {frozenset(cpu.number for cpu in group) for _, group in itertools.groupby(sorted(cpus, key=by), by)}
