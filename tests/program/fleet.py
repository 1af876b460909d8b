# SPDX-License-Identifier: MIT
"""scripts/fleet against real sshd on loopback: two of them, each a machine with a home of its own.

Exit code 77, a skipped test, without GNU Parallel, OpenSSH's server, or the modules that the report needs.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "scripts" / "fleet"
PROGRAM = str(Path(lockbench.PROGRAM).resolve())
# On one CPU, where nothing waits for a thread that a busy machine does not run.
MATRIX = ["--no-twin", "--locks", "ticket,futex", "--threads", "1",
          "--placement", f"list:{min(os.sched_getaffinity(0))}", "--duration", "0.01", "--warmup", "0",
          "--repetitions", "6"]
SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def missing() -> str:
    """What is not here, in a word."""
    for tool in ("parallel", "ssh", "ssh-keygen", SSHD):
        if shutil.which(tool) is None:
            return tool
    modules = [[python, "-c", "import numpy, pandas, scipy"] for python in ("/usr/bin/python3", "python3")
               if shutil.which(python)]
    if not any(subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0 for command in modules):
        return "a Python with numpy, pandas and scipy"
    return ""


class Machine:
    """An sshd of our own on a free port, with keys of its own and HOME in the test's folder."""

    def __init__(self, folder: Path, client_key: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host_key"], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {client_key}.pub\nPasswordAuthentication no\nUsePAM no\nSetEnv HOME={self.home}\n")
        self.login = (f"ssh -p {self.port} -i {client_key} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
                      f"-o UserKnownHostsFile={folder}/known_hosts -o LogLevel=ERROR {getpass.getuser()}@127.0.0.1")

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=subprocess.DEVNULL)
        lockbench.wait_until(self.answers, "sshd")
        return process

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Fleet(lockbench.Case):
    def fleet(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([FLEET, *arguments], cwd=self.folder, text=True, capture_output=True, timeout=120,
                              env={**os.environ, "HOME": str(self.folder)}, check=False)

    def machines(self) -> list[Machine]:
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        machines = [Machine(self.folder / name, key) for name in ("first", "second")]
        (self.folder / "hosts").write_text("# ours\n\n" + "".join(f"{m.login}  # one\n" for m in machines))
        return machines

    def start_machine(self, machine: Machine) -> None:
        process = machine.start()
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

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

    def test_bad_usage_is_one_line_and_leaves_nothing(self) -> None:
        (self.folder / "empty").write_text("# nobody\n")
        (self.folder / "there").mkdir()
        for line, word in {
                "--out out": "no file of machines", "--out out nosuch": "cannot read", "there": "cannot read",
                "--out out empty": "names no machine", "--nosuch": "unknown option", "--out": "takes a value",
                "--out there empty": "exists", "empty another": "one file", "empty -- --out x": "fleet's own",
                "--resume there": "not the folder of a fleet", "--report there": "no results"}.items():
            with self.subTest(line):
                done = self.fleet(*line.split())
                self.assertEqual((2, "", 1), (done.returncode, done.stdout, done.stderr.count("\n")), done.stderr)
                self.assertIn(word, done.stderr)
                self.assertFalse(self.out.exists())


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
        report = subprocess.run([FLEET, "--report", self.out], text=True, capture_output=True, check=False)
        self.assertEqual(0, report.returncode, report.stderr)
        self.assertRegex(report.stdout, r"(?s)00-node0: .*01-node1: .*in two runs or more: 1; ")

    def test_bad_usage(self) -> None:
        done = self.task(0)
        self.assertEqual((2, 1), (done.returncode, done.stderr.count("\n")))


def main() -> None:
    what = missing()
    if what:
        print(f"skipped: no {what}")
        sys.exit(77)
    separation = Path("/run/sshd")  # where sshd, as root, jails its unprivileged half; boot scripts make it
    is_ours = os.geteuid() == 0 and not separation.exists()
    if is_ours:
        separation.mkdir()
    try:
        lockbench.main()
    finally:
        if is_ours:
            separation.rmdir()


if __name__ == "__main__":
    main()
