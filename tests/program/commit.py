# SPDX-License-Identifier: MIT
"""The commit that a build records is that of its own sources: never that of a repository which they merely lie in."""

from __future__ import annotations

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACE = Path("src/machine")
NAMES = ("build_commit.sh", "archive_commit.txt")


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    return subprocess.run(["git", "-C", str(folder), *identity, *arguments], text=True, check=True,
                          stdout=subprocess.PIPE).stdout.strip()


def make_repository(folder: Path) -> str:
    """With one commit; returns its hash."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


class Commit(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="lockbench-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.project = self.folder / "project"
        (self.project / PLACE).mkdir(parents=True)
        for name in NAMES:
            (self.project / PLACE / name).write_bytes((ROOT / PLACE / name).read_bytes())
        (self.project / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
        # What an archive of this project turns into its commit, before one is made.
        (self.project / PLACE / NAMES[1]).write_text("$Format:%H$\n")

    def commit_of(self, folder: Path, **environment: str) -> str:
        return subprocess.run(["sh", str(folder / PLACE / NAMES[0])], cwd="/", env={**os.environ, **environment},
                              text=True, check=True, stdout=subprocess.PIPE).stdout.strip()

    def unpack_inside_another(self) -> Path:
        """As in a project that keeps the archive's contents among its own sources."""
        other = self.folder / "other"
        inside = other / "vendor" / "lockbench"
        inside.mkdir(parents=True)
        archive = subprocess.run(["git", "-C", str(self.project), "archive", "HEAD"], check=True,
                                 stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(inside)], input=archive, check=True)
        self.other_commit = make_repository(other)
        return inside

    def test_in_its_own_repository(self) -> None:
        commit = make_repository(self.project)
        self.assertEqual(commit, self.commit_of(self.project))
        (self.project / PLACE / NAMES[1]).write_text("changed")
        self.assertEqual(commit + "-dirty", self.commit_of(self.project))

    def test_under_a_hook_of_another_repository(self) -> None:
        commit = make_repository(self.project)
        inside = self.unpack_inside_another()
        self.assertEqual(commit, self.commit_of(self.project, GIT_DIR=str(inside.parents[1] / ".git")))

    def test_an_archive_inside_another_repository_has_its_own_commit(self) -> None:
        commit = make_repository(self.project)
        self.assertEqual(commit, self.commit_of(self.unpack_inside_another()))

    def test_a_plain_copy_is_unknown_wherever_it_lies(self) -> None:
        self.assertEqual("unknown", self.commit_of(self.project))
        make_repository(self.folder)
        self.assertEqual("unknown", self.commit_of(self.project))

    def test_a_build_of_an_archive_records_it(self) -> None:
        """The whole way: the project's files, an archive of them in another repository, and what its build writes."""
        if git(ROOT, "rev-parse", "--show-toplevel") != str(ROOT):
            self.skipTest("these sources are no repository of their own")
        listed = git(ROOT, "ls-files", "--cached").splitlines()
        for name in listed:
            source, target = ROOT / name, self.project / name
            if source.is_symlink():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(source.readlink())
            elif source.is_file() and not name.startswith("results/"):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
                target.chmod(source.stat().st_mode)
        commit = make_repository(self.project)
        inside = self.unpack_inside_another()
        peers = [f"-Dpeer_{name}=disabled" for name in ("absl", "ck", "nsync", "parking_lot", "std", "tbb")]
        for command in (["meson", "setup", *peers, "build"], ["ninja", "-C", "build", "build_info.h"]):
            result = subprocess.run(command, cwd=inside, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    check=False)
            self.assertEqual(0, result.returncode, result.stdout)
        self.assertIn(f'"{commit}"', (inside / "build" / "build_info.h").read_text())
        self.assertNotEqual(self.other_commit, commit)


if __name__ == "__main__":
    unittest.main(verbosity=2)
