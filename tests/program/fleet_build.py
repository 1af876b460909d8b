# SPDX-License-Identifier: MIT
"""scripts/fleet ships this commit to a machine, which builds it, runs it and sends back its results: all for real.

Exit code 77, a skipped test, unless LOCKBENCH_DEEP is set (scripts/test --deep), as a build takes minutes, and without
what fleet.py needs.
"""

from __future__ import annotations

import os
import subprocess
import sys

import sshd

TIMEOUT_S = 1500


class Build(sshd.Case):
    def test_the_rows_name_the_commit_that_was_shipped(self) -> None:
        up, _ = self.machines()
        self.start_machine(up)
        (self.folder / "hosts").write_text(up.login + "\n")
        commit = subprocess.run(["git", "-C", sshd.ROOT, "rev-parse", "HEAD"], text=True, capture_output=True,
                                check=True).stdout.strip()
        done = self.fleet("--out", "out", "hosts", "--", "--no-twin", "--locks", "ticket,futex", "--threads", "1",
                          "--duration", "0.01", "--warmup", "0", "--repetitions", "6", timeout=TIMEOUT_S)
        self.assertEqual(0, done.returncode, done.stderr)
        [folder] = [path.parent for path in self.out.glob("*/results.csv")]
        rows = self.rows(folder)
        self.assertEqual({commit}, {row["git_sha"] for row in rows})
        self.assertEqual({"ticket", "futex"}, {row["lock"] for row in rows})
        self.assertTrue((folder / "host.json").exists())


if __name__ == "__main__":
    if "LOCKBENCH_DEEP" not in os.environ:
        print("skipped: not asked for (scripts/test --deep)")
        sys.exit(77)
    sshd.main()
