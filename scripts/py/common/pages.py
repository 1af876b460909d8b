# SPDX-License-Identifier: MIT
"""Pages that work offline: what they are made of, and how they are written."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from common.program import UserError

WEB = Path(__file__).resolve().parents[2] / "web"


class Head(NamedTuple):
    """What is above a page's body, and below where there is no JavaScript. All of it is HTML."""

    title: str
    heading: str
    provenance: str
    without_program: str


def fill(head: Head, body: str, programs: tuple[str, ...], data: dict[str, Any], library: str = "",
         **parts: str) -> str:
    """The page: the frame that all have, and in it a template of web/ with the parts for which it asks, which are
    HTML; its data, and the programs that show it, before them their library."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Template(_read("frame.html")).substitute(
        head._asdict(), css=_read("report.css"), main=Template(_read(body)).substitute(parts).rstrip("\n"), data=text,
        library=f"<script>{library}</script>\n" if library else "", program="\n".join(map(_read, programs)))


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def write(text: str, path: Path) -> None:
    """Whole or not at all: a report that is open in a browser is not torn."""
    part = ""
    try:
        handle, part = tempfile.mkstemp(dir=path.parent)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except OSError as error:
        if part:
            os.unlink(part)
        raise UserError(f"{path}: {error.strerror}; give a file that can be written by --out") from None
