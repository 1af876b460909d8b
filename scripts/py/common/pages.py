# SPDX-License-Identifier: MIT
"""Pages that work offline: what they are made of, and how they are written."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from string import Template
from typing import Any

from common.program import UserError

WEB = Path(__file__).resolve().parents[2] / "web"


def fill(template: str, programs: tuple[str, ...], data: dict[str, Any], **parts: str) -> str:
    """A template of web/ with the style, its data, its programs, and what else it asks for, which is HTML."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Template(_read(template)).substitute(parts, css=_read("report.css"), data=text,
                                                program="\n".join(map(_read, programs)))


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
