# SPDX-License-Identifier: MIT
"""scripts/fleet.sbatch under a real Slurm of one node, which this test starts with keys and folders of its own.

Exit code 77, a skipped test, unless LOCKBENCH_DEEP is set (scripts/test --deep), and without Slurm, munge or root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import lockbench

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(lockbench.PROGRAM).resolve())
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo")
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/sbin"))
MATRIX = ["--locks", "ticket,futex", "--threads", "1", "--duration", "0.01", "--warmup", "0", "--repetitions", "6",
          "--no-twin"]
CONFIG = """ClusterName=lockbench
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/linear
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no Slurm here, in a few words; empty if there can."""
    if "LOCKBENCH_DEEP" not in os.environ:
        return "not asked for (scripts/test --deep)"
    for tool in TOOLS:
        if shutil.which(tool, path=PATH) is None:
            return f"no {tool}"
    return "" if os.geteuid() == 0 else "not root"


def free_ports(n: int) -> list[int]:
    sockets = [socket.socket() for _ in range(n)]
    for free in sockets:
        free.bind(("127.0.0.1", 0))
    ports = [int(free.getsockname()[1]) for free in sockets]
    for free in sockets:
        free.close()
    return ports


class Slurm(lockbench.Case):
    def setUp(self) -> None:
        super().setUp()
        self.environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(self.folder / "slurm.conf"),
                            "LOCKBENCH": PROGRAM}
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        self.folder.chmod(0o755)  # munged's clients may be any user
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            host=socket.gethostname().partition(".")[0], ports=free_ports(2), folder=self.folder,
            n_cpus=os.cpu_count()))
        self.daemon("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self.folder}/munge.socket",
                    f"--pid-file={self.folder}/munged.pid", f"--seed-file={self.folder}/munged.seed",
                    f"--log-file={self.folder}/munged.log")
        lockbench.wait_until(lambda: (self.folder / "munge.socket").exists(), "munged")
        self.daemon("slurmctld", "-D")
        self.daemon("slurmd", "-D")
        lockbench.wait_until(lambda: "idle" in self.call("sinfo", "-h", "-o", "%T").stdout, "an idle node")

    def daemon(self, *command: str) -> None:
        with open(self.folder / f"{command[0]}.out", "wb") as log:
            process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment, cwd=self.folder, text=True, capture_output=True,
                              timeout=lockbench.DEADLINE_S, check=False)

    def submit(self, *arguments: str) -> None:
        """Hands the array to Slurm and waits until it has left the queue."""
        done = self.call("sbatch", "--array=0-1", str(ROOT / "scripts" / "fleet.sbatch"), *arguments)
        self.assertEqual(0, done.returncode, done.stderr)
        lockbench.wait_until(lambda: self.call("squeue", "-h").stdout == "", "the end of the array")

    def outputs(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("slurm-*.out"))

    def test_an_array_leaves_what_fleet_reports_and_goes_on_when_submitted_again(self) -> None:
        self.submit("out", *MATRIX)
        folders = sorted(self.out.glob("0[01]-*"))
        self.assertEqual(2, len(folders), self.outputs())
        for folder in folders:
            self.assertEqual(12, len(self.kept_rows(folder)))
        report = subprocess.run([ROOT / "scripts" / "fleet", "--report", self.out], text=True, capture_output=True,
                                check=False)
        self.assertEqual(0, report.returncode, report.stderr)
        self.assertRegex(report.stdout, r"(?s)00-.*01-.*in two runs or more: 1; ")

        csv = folders[1] / "results.csv"
        whole = csv.read_text().splitlines(keepends=True)
        csv.write_text("".join(whole[:5]))
        self.submit("out", *MATRIX)
        again = csv.read_text().splitlines(keepends=True)
        self.assertEqual((whole[:5], len(whole)), (again[:5], len(again)), self.outputs())

    def test_bad_usage_is_told_in_the_output_of_the_task(self) -> None:
        self.submit("out", "--locks", "tickt")
        self.assertIn("did you mean ticket?", self.outputs())
        self.assertEqual([], list(self.out.glob("*/results.csv")))


if __name__ == "__main__":
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    lockbench.main()
