# SPDX-License-Identifier: MIT
"""Machines to log in to: real sshd on loopback, each with a home of its own. For the tests of scripts/fleet."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "scripts" / "fleet"
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


class Case(lockbench.Case):
    """A test with two machines and a file that names them."""

    def fleet(self, *arguments: str | Path, program: Path = FLEET,
              timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], cwd=self.folder, text=True, capture_output=True, timeout=timeout,
                              env=self.environment(), check=False)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.folder)}

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


def main() -> None:
    """Runs the tests of the module that calls it, or skips them."""
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
