# SPDX-License-Identifier: MIT
"""The machine of a run as HTML: what hwloc saw of it, drawn as boxes in boxes, and the rest of its provenance."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from html import escape
from typing import Any, Iterator

from results.reading import Run

# Levels worth a box; the others are passed through. A NUMA node is a leaf beside what it belongs to.
NAMES = {"Machine": "machine", "Package": "package", "Die": "die", "Group": "group", "NUMANode": "NUMA node",
         "L3Cache": "L3", "L2Cache": "L2", "Core": "core", "PU": "CPU"}
CACHES = ("L3Cache", "L2Cache")


def topology(run: Run) -> str:
    """Nested lists, which a style sheet draws as boxes and a screen reader reads as a tree. "" if it is not known."""
    text = run.host.get("topology_xml")
    if not isinstance(text, str):
        return ""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return ""
    allowed = set(run.host.get("allowed_cpus") or [])
    return '<ul class="topology">' + "".join(_boxes(root, allowed)) + "</ul>"


def _boxes(element: ElementTree.Element, allowed: set[int]) -> Iterator[str]:
    for child in element.findall("object"):
        kind = child.get("type", "")
        inner = "".join(_boxes(child, allowed))
        if kind not in NAMES:
            yield inner
            continue
        label = f"{NAMES[kind]} {_what(child, kind)}".strip()
        off = kind == "PU" and allowed and int(child.get("os_index", -1)) not in allowed
        label += " (not allowed)" * bool(off)
        yield (f'<li class="{kind.lower()}{" off" if off else ""}"><span>{escape(label)}</span>'
               f"{f'<ul>{inner}</ul>' if inner else ''}</li>")


def _what(element: ElementTree.Element, kind: str) -> str:
    if kind in CACHES:
        return _size(int(element.get("cache_size", 0)))
    if kind == "NUMANode":
        return f"{element.get('os_index', '')} {_size(int(element.get('local_memory', 0)))}"
    return "" if kind == "Machine" else element.get("os_index", "")


def _size(n_bytes: int) -> str:
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return ""


def provenance(run: Run) -> str:
    """All of host.json but the topology, as a table; what the kernel did not tell says so."""
    rows = "".join(f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
                   for name, value in _flat(run.host))
    return f"<table>{rows}</table>" if rows else "<p>There was no host.json beside the CSV.</p>"


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("topology_xml", "warnings"):
                yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{i}]")
    else:
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield name, "not known" if value is None else text


def command(run: Run) -> str:
    """What to type to measure the same again. "" if it is not known."""
    build, ran = run.host.get("build", {}), run.host.get("run", {})
    if not ran:
        return ""
    lines = []
    if build.get("git_sha"):
        lines.append(f"git checkout {str(build['git_sha']).removesuffix('-dirty')}")
    lines.append(" ".join(["scripts/bench", *map(str, ran.get("arguments", []))]))
    return "\n".join(lines)
