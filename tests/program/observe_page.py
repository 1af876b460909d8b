# SPDX-License-Identifier: MIT
"""From a program to the page about its locks: what lockbench observe records, scripts/report shows."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import lockbench

CC = shlex.split(os.environ.get("CC_COMMAND", "cc"))
VERB = Path(__file__).resolve().parents[2] / "scripts" / "py" / "verb.py"


class ObservePage(lockbench.Case):
    def report(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, str(VERB), "report", *arguments], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_what_is_recorded_is_shown(self) -> None:
        program = str(self.folder / "observed")
        subprocess.run([*CC, "-g", "-O1", "-pthread", str(Path(__file__).with_name("observed.c")), "-o", program],
                       check=True)
        done = self.run_program("observe", "--out", str(self.out), "--", program, "wrapped", "nest", "crowd")
        self.assertEqual(0, done.returncode, done.stderr)
        profile = json.loads((self.out / "profile.json").read_text())
        done = self.report(str(self.out))
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        self.assertEqual(f"report: {self.out / 'profile.html'}", done.stdout.splitlines()[0])
        page = (self.out / "profile.html").read_text()
        self.assertEqual({"profile.json", "profile.html"}, {path.name for path in self.out.iterdir()})

        wait, = profile["waits"]
        worst = profile["locks"][0]
        data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
        assert data is not None
        shown = json.loads(data[1])
        self.assertEqual([[0, wait["thread"], wait["holder"], wait["start_ns"], wait["wait_ns"]]], shown["waits"])
        self.assertEqual([worst["name"]], shown["locks"])
        self.assertIn(worst["sites"][0]["site"], page)
        self.assertIn(f"waited for {worst['name']}\n", done.stdout)
        self.assertIn("200 locks: lock_in_crowd", page)
        self.assertRegex(page, rf"<rect class=waited [^>]*><title>thread {wait['thread']}, ")
        if shutil.which("addr2line"):
            self.assertRegex(page, r"nest \(observed.c:\d+\)</td><td class=name>nest \(observed.c:\d+\)</td><td>7</td>")


if __name__ == "__main__":
    lockbench.main()
