# SPDX-License-Identifier: MIT
"""Machines that do not exist, as XML of hwloc 2: trees of uneven width, in every order of levels that machines have."""

from __future__ import annotations

import itertools
import random
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ORDERS = (("Package", "NUMANode", "L3Cache"), ("NUMANode", "Package", "L3Cache"), ("Package", "L3Cache", "NUMANode"),
          ("NUMANode", "L3Cache"), ("Package", "NUMANode"), ("Package", "L2Cache"))
MAX_WIDTH = {"Core": 3, "PU": 2}


def words(bits: int) -> str:
    """As hwloc writes a set: words of 32 bits, the highest first."""
    parts: list[str] = []
    while bits or not parts:
        parts.append(f"0x{bits & 0xffffffff:08x}")
        bits >>= 32
    return ",".join(reversed(parts))


class RandomMachine:
    """`node_less`: some of the CPUs are beside no NUMA node.

    `slow_memory`: each package has a node of its own beside those that are in it.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = {kind: itertools.count() for kind in ("Machine", "Package", "NUMANode", "Core", "PU")}
        self.place = itertools.count(1)
        order = tuple(level for level in self.chance.choice(ORDERS) if self.chance.random() < 0.85)
        self.node_less = self.chance.random() < 0.2 and "NUMANode" in order
        self.slow_memory = self.chance.random() < 0.2
        has_cache = any(level.endswith("Cache") for level in order)
        inside_core = ("L2Cache",) if not has_cache and self.chance.random() < 0.6 else ()  # cores of several modules
        self.top = self.grow("Machine", order + ("Core", *inside_core, "PU"))
        if all(one.get("type") != "NUMANode" for one in self.top.iter("object")):  # hwloc wants one at least
            self.top.insert(0, self.node(int(self.top.get("cpus", "0"))))
        self.set_nodes(self.top, 0)
        self.finish()

    def grow(self, kind: str, below: tuple[str, ...]) -> ElementTree.Element:
        one = ElementTree.Element("object", type="Group" if kind == "NUMANode" else kind,
                                  gp_index=str(next(self.place)))
        if kind in self.number and kind != "NUMANode":
            one.set("os_index", str(next(self.number[kind])))
        if kind.endswith("Cache"):
            one.attrib.update(cache_size="1048576", depth=kind[1], cache_linesize="64", cache_associativity="0",
                              cache_type="0")
        if kind == "PU":
            cpus = 1 << int(one.get("os_index", "0"))
        else:
            for _ in range(self.chance.randint(1, MAX_WIDTH.get(below[0], 3))):
                one.append(self.grow(below[0], below[1:]))
            cpus = sum(int(child.get("cpus", "0")) for child in one)
        if kind == "Package" and self.slow_memory:
            one.insert(0, self.node(cpus))
        if kind == "NUMANode" and not (self.node_less and self.chance.random() < 0.5):
            one.insert(0, self.node(cpus))
        one.set("cpus", str(cpus))
        return one

    def node(self, cpus: int) -> ElementTree.Element:
        number = next(self.number["NUMANode"])
        return ElementTree.Element("object", type="NUMANode", os_index=str(number), cpus=str(cpus),
                                   gp_index=str(next(self.place)), local_memory="4096")

    def set_nodes(self, one: ElementTree.Element, above: int) -> int:
        """An object is near the nodes beside it and below it, or else those above. Returns them as bits."""
        if one.get("type") == "NUMANode":
            nodes = 1 << int(one.get("os_index", "0"))
        else:
            beside = sum(1 << int(child.get("os_index", "0")) for child in one if child.get("type") == "NUMANode")
            nodes = beside
            for child in one:
                nodes |= self.set_nodes(child, beside or above)
            nodes = nodes or above
        one.set("nodes", str(nodes))
        return nodes

    def finish(self) -> None:
        cpus = int(self.top.get("cpus", "0"))
        allowed = sum(1 << n for n in range(cpus.bit_length()) if self.chance.random() < 0.7) or 1
        if self.chance.random() < 0.6:
            allowed = cpus
        self.top.set("allowed_cpuset", words(allowed))
        self.top.set("allowed_nodeset", words(int(self.top.get("nodes", "0"))))
        for one in self.top.iter("object"):
            for own, name in (("cpus", "cpuset"), ("nodes", "nodeset")):
                text = words(int(one.attrib.pop(own)))
                one.set(name, text)
                one.set("complete_" + name, text)

    def write(self, path: Path) -> None:
        root = ElementTree.Element("topology", version="2.0")
        root.append(self.top)
        path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n'
                        + ElementTree.tostring(root, encoding="unicode"))
