# SPDX-License-Identifier: MIT
"""scripts/fleet against real sshd on loopback: two of them, each a machine with a home of its own.

Exit code 77, a skipped test, without GNU Parallel, OpenSSH's server, or the modules that the report needs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import lockbench
import sshd

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("profiles") / "sample.json"
PROGRAM = str(Path(lockbench.PROGRAM).resolve())
# On one CPU, where nothing waits for a thread that a busy machine does not run.
MATRIX = ["--no-twin", "--locks", "ticket,futex", "--threads", "1",
          "--placement", f"list:{min(os.sched_getaffinity(0))}", "--duration", "0.01", "--warmup", "0",
          "--repetitions", "6"]


class Fleet(sshd.Case):
    def gathered(self) -> dict[str, bytes]:
        return {path.parent.name[:2]: path.read_bytes() for path in self.out.glob("*/results.csv")}

    def test_a_machine_that_is_down_costs_its_own_results_and_is_run_later(self) -> None:
        up, down = self.machines()
        self.start_machine(up)
        done = self.fleet("--out", "out", "--program", PROGRAM, "hosts", "--", *MATRIX)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, r"02-.* failed: .*refused")
        self.assertIn("scripts/fleet --resume", done.stderr)
        before = self.gathered()
        self.assertEqual(["01"], list(before))
        self.assertGreaterEqual(before["01"].count(b"\n"), 1 + 2 * 6)
        self.assertTrue(list(up.home.glob(".cache/lockbench-fleet/*/01-*/host.json")), "it ran over there")

        self.start_machine(down)
        done = self.fleet("--resume", "out")
        self.assertEqual(0, done.returncode, done.stderr)
        after = self.gathered()
        self.assertEqual({"01", "02"}, set(after))
        self.assertEqual(before["01"], after["01"], "what was done is not done again")
        self.assertRegex(done.stdout, r"compared in two runs or more: 1; \d flip")
        self.assertEqual(done.stdout, self.fleet("--report", "out").stdout)

    def test_a_run_that_was_cut_off_over_there_is_finished(self) -> None:
        up, _ = self.machines()
        self.start_machine(up)
        hosts = self.folder / "hosts"
        hosts.write_text(up.login + "\n")
        self.assertEqual(0, self.fleet("--out", "out", "--program", PROGRAM, "hosts", "--", *MATRIX).returncode)
        csv = next(up.home.glob(".cache/lockbench-fleet/*/01-*/results.csv"))
        whole = csv.read_text().splitlines(keepends=True)
        csv.write_text("".join(whole[:5]))
        joblog = self.out / "joblog"  # as if ssh had been cut off too
        joblog.write_text(re.sub(r"\t0\t0\tbash", "\t255\t0\tbash", joblog.read_text()))
        done = self.fleet("--resume", "out")
        self.assertEqual(0, done.returncode, done.stderr)
        text = self.gathered()["01"].decode().splitlines(keepends=True)
        self.assertEqual((whole[:5], len(whole)), (text[:5], len(text)))
        self.assertNotEqual(whole, text, "the rest was measured anew")

    def test_arguments_arrive_as_they_were_given(self) -> None:
        """A word that the program refuses comes back in its message, spaces, quotes, dollars and all."""
        up, _ = self.machines()
        self.start_machine(up)
        (self.folder / "hosts").write_text(up.login + "\n")
        done = self.fleet("--out", "out", "--program", PROGRAM, "hosts", "--", "--locks", "a 'b\" $HOME;x")
        self.assertEqual(2, done.returncode)
        self.assertIn("unknown lock 'a 'b\" $HOME;x'", done.stderr)

    def test_a_profile_is_copied_to_the_machines(self) -> None:
        up, _ = self.machines()
        self.start_machine(up)
        (self.folder / "hosts").write_text(up.login + "\n")
        shutil.copy(SAMPLE, self.folder / "a profile.json")
        done = self.fleet("--out", "out", "--program", PROGRAM, "hosts", "--", "--profile", "a profile.json",
                          "--gap-scale", "1", "--locks", "futex", "--no-twin", "--threads", "1", "--duration", "0.01",
                          "--repetitions", "1")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn(b",db_bench-", self.gathered()["01"])
        [copy] = self.out.glob("01-*/profile.json")
        self.assertEqual(SAMPLE.read_bytes(), copy.read_bytes())

    def test_bad_usage_is_one_line_and_leaves_nothing(self) -> None:
        (self.folder / "empty").write_text("# no machine\n")
        (self.folder / "hosts").write_text("somewhere\n")
        (self.folder / "there").mkdir()
        for line, word in {
                "--out out": "no file of machines", "--out out nosuch": "cannot read", "there": "cannot read",
                "--out out empty": "names no machine", "--nosuch": "unknown option", "--out": "takes a value",
                "--out there empty": "exists", "empty another": "one file", "empty -- --out x": "fleet's own",
                "--out out hosts -- --profile nosuch": "--profile: cannot read",
                "--out out hosts -- --profile": "--profile takes a value",
                "--out=out": "no file of machines", "--nosuch=x": "unknown option --nosuch;",
                "--resume there": "not the folder of a fleet", "--report there": "no results"}.items():
            with self.subTest(line):
                done = self.fleet(*line.split())
                self.assertEqual((2, "", 1), (done.returncode, done.stdout, done.stderr.count("\n")), done.stderr)
                self.assertIn(word, done.stderr)
                self.assertFalse(self.out.exists())


# In place of scripts/bench: "builds" a program that marks its results with the source that it came from, once it may.
BUILD = r"""#!/usr/bin/env bash
set -e
cd "$(dirname "$0")/.."
mark=$(cat mark)
touch "{barrier}/$mark.builds"
deadline=$((SECONDS + 60))
until [[ -e {barrier}/$mark.may ]]; do ((SECONDS < deadline)) || exit 2; sleep 0.01; done
mkdir -p build/release/bench
echo "built $mark" >>build/builds
cat >build/release/bench/lockbench <<PROGRAM
#!/usr/bin/env bash
'{program}' "\$@"
code=\$?
echo $(cat mark) >"\${{@: -1}}/mark"
exit \$code
PROGRAM
chmod +x build/release/bench/lockbench
"""
GIT = ("git", "-c", "user.name=x", "-c", "user.email=x@x", "-C")


class Shipping(sshd.Case):
    """Checkouts of two commits, and one home, as machines that share it have."""

    def checkout(self, mark: str) -> Path:
        """A repository with the fleet's own scripts; its commit differs from another's in the mark."""
        root = self.folder / f"checkout-{mark}"
        (root / "scripts").mkdir(parents=True)
        for name in ("fleet", "lib.sh"):
            shutil.copy(ROOT / "scripts" / name, root / "scripts" / name)
        shutil.copytree(ROOT / "scripts" / "py", root / "scripts" / "py",
                        ignore=shutil.ignore_patterns("__pycache__"))
        bench = root / "scripts" / "bench"
        bench.write_text(BUILD.format(barrier=self.folder, program=PROGRAM))
        bench.chmod(0o755)
        subprocess.run([*GIT, root, "init", "-q"], check=True)
        self.commit(root, mark)
        return root

    def commit(self, root: Path, mark: str) -> None:
        (root / "mark").write_text(mark)
        for command in (["add", "."], ["commit", "-q", "-m", mark]):
            subprocess.run([*GIT, root, *command], check=True)

    def may_build(self, *marks: str) -> None:
        for mark in marks:
            (self.folder / f"{mark}.may").touch()

    def marks(self, out: str) -> list[str]:
        return [path.read_text().strip() for path in sorted((self.folder / out).glob("*/mark"))]

    @staticmethod
    def stop_first(process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            process.kill()
            process.communicate()

    def test_two_fleets_at_once_build_and_report_their_own_commits(self) -> None:
        """The other one ships, builds and runs while the first one is about to build."""
        up, _ = self.machines()
        self.start_machine(up)
        (self.folder / "hosts").write_text(up.login + "\n")
        one, other = self.checkout("one"), self.checkout("other")
        first = subprocess.Popen([one / "scripts" / "fleet", "--out", "first-out", "hosts", "--", *MATRIX],
                                 cwd=self.folder, env=self.environment(), text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.addCleanup(self.stop_first, first)
        lockbench.wait_until((self.folder / "one.builds").exists, "the first build")
        self.may_build("other")
        done = self.fleet("--out=other-out", "hosts", "--", *MATRIX, program=other / "scripts" / "fleet")
        self.assertEqual(0, done.returncode, done.stderr)
        self.may_build("one")
        _, complaint = first.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(0, first.returncode, complaint)
        self.assertEqual((["one"], ["other"]), (self.marks("first-out"), self.marks("other-out")))

        done = self.fleet("--out", "again", "hosts", "--", *MATRIX, program=other / "scripts" / "fleet")
        self.assertEqual((["other"], 0), (self.marks("again"), done.returncode), done.stderr)
        builds = sorted(path.read_text() for path in up.home.glob(".cache/lockbench-fleet/*/build/builds"))
        self.assertEqual(["built one\n", "built other\nbuilt other\n"], builds, "none was deleted")

    def test_what_is_resumed_is_the_commit_that_was_begun(self) -> None:
        up, down = self.machines()
        self.start_machine(up)
        root = self.checkout("one")
        self.may_build("one", "two")
        done = self.fleet("--out", "out", "hosts", "--", *MATRIX, program=root / "scripts" / "fleet")
        self.assertEqual(1, done.returncode, done.stderr)
        self.commit(root, "two")
        self.start_machine(down)
        done = self.fleet("--resume", "out", program=root / "scripts" / "fleet")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(["one"] * 2, self.marks("out"))


class Slurm(lockbench.Case):
    def task(self, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As slurmd starts it; there is no Slurm here."""
        copy = self.folder / "slurm_script"
        shutil.copy(ROOT / "scripts" / "fleet.sbatch", copy)
        environment = {**os.environ, "SLURM_SUBMIT_DIR": str(self.folder), "SLURM_ARRAY_TASK_ID": str(number),
                       "SLURMD_NODENAME": f"node{number}", "LOCKBENCH": PROGRAM}
        return subprocess.run(["bash", copy, *arguments], cwd="/", env=environment, text=True, capture_output=True,
                              timeout=150, check=False)

    def test_an_array_leaves_what_fleet_reports(self) -> None:
        for number in (0, 1):
            done = self.task(number, "out", *MATRIX)
            self.assertEqual(0, done.returncode, done.stderr)
        csv = self.out / "01-node1" / "results.csv"
        whole = csv.read_text().splitlines(keepends=True)
        csv.write_text("".join(whole[:5]))
        self.assertEqual(0, self.task(1, "out", *MATRIX).returncode, "requeued")
        self.assertEqual(len(whole), len(csv.read_text().splitlines()))
        report = subprocess.run([sshd.FLEET, "--report", self.out], text=True, capture_output=True, check=False)
        self.assertEqual(0, report.returncode, report.stderr)
        self.assertRegex(report.stdout, r"(?s)00-node0: .*01-node1: .*in two runs or more: 1; ")

    def test_bad_usage(self) -> None:
        done = self.task(0)
        self.assertEqual((2, 1), (done.returncode, done.stderr.count("\n")))


if __name__ == "__main__":
    sshd.main()
