# SPDX-License-Identifier: MIT
"""One run of a program: started, watched, ended at its limit, and told as a row of the CSV."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from programs.catalogue import Program

SYSTEM, PASS, TWIN = "system", "none", "twin"
# What `lockbench exec` tells at the end, and what is 0 where it says nothing of it.
COUNTS = {
    "acquisitions": r"lockbench exec: \S+: (\d+) acquisitions of mutexes",
    "contended_pct": r"acquisitions of mutexes, ([\d.]+) % found it held",
    "trylocks": r"[;,] (\d+) trylocks?[;,]",
    "timed_locks": r"[;,] (\d+) locks? with a deadline[;,]",
    "cond_waits": r"[;,] (\d+) waits? for (?:a condition|conditions)[;,]",
    "reads": r"(\d+) acquisitions to read",
    "writes": r"acquisitions to read,.* (\d+) to write",
    "rw_contended_pct": r"to write; ([\d.]+) % found a writer inside",
    "kept_by_system": r"lockbench exec: stayed with the system: (\d+)",
    "most_threads": r"at most (\d+) threads in a process",
    "processes": r"threads in a process, (\d+) process",
}
OFTEN_ABSENT = ("trylocks", "timed_locks", "cond_waits", "kept_by_system")
COLUMNS = ["run_id", "started_at", "status", "program", "lock", "kind", "fifo", "waits", "twin_of", "threads", "cpus",
           "repetition", "order_index", "ops_per_s", "operation", "duration_s", "cpu_s", "foreign_cpu_s", *COUNTS,
           "exit_code", "why", "host", "git_sha"]
STATUSES = ("ok", "timeout", "crashed", "failed")
GRACE_S = 3.0


@dataclass(frozen=True)
class Lock:
    """What a program runs under. `kind`: mutex, rw, or any for what can stand for both."""

    name: str
    kind: str
    fifo: str = ""
    waits: str = ""

    @property
    def collapses(self) -> bool:
        """With more threads than CPUs: it hands over to a thread that has none, and nobody else may go on."""
        return self.waits == "spin" and self.fifo != "no"

    def command(self, lockbench: str, arguments: list[str]) -> list[str]:
        name = PASS if self.name == TWIN else self.name
        return arguments if name == SYSTEM else [lockbench, "exec", "--lock", name, "--", *arguments]


# Beside the locks of ours: the program as it is, and exec without a lock of ours, under two names.
REFERENCES = (Lock(SYSTEM, "any"), Lock(PASS, "any"), Lock(TWIN, "any"))


def run(program: Program, lock: Lock, threads: int, lockbench: str, data: Path, limit_s: float) -> dict[str, Any]:
    """The columns that the run itself tells; empty ones are left out."""
    started_at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    busy_s, own_s, begin = _busy_s(), _own_s(), time.monotonic()
    process = subprocess.Popen(lock.command(lockbench, program.arguments(threads, data)), cwd=data, text=True,
                               errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    try:
        out, err, is_late = wait(process, limit_s)
    finally:
        end_session(process)
    duration_s, cpu_s = time.monotonic() - begin, _own_s() - own_s
    row = {"started_at": started_at, "duration_s": round(duration_s, 6), "exit_code": process.returncode,
           **read_counts(err)}
    ops_per_s = program.operations_per_s(out + err, threads, duration_s)
    row["status"], row["why"] = _verdict(process.returncode, is_late, ops_per_s, limit_s, err)
    if row["status"] == "ok":
        # Of what was killed nobody knows the CPU time, since nobody has waited for it.
        row.update(ops_per_s=f"{ops_per_s:.9g}", cpu_s=round(cpu_s, 6),
                   foreign_cpu_s=round(max(0.0, _busy_s() - busy_s - cpu_s), 2))
    return row


def wait(process: subprocess.Popen[str], limit_s: float) -> tuple[str, str, bool]:
    """What it has printed, and whether it had to be ended. lockbench passes the signal on, and tells its counts."""
    try:
        return *process.communicate(timeout=limit_s), False
    except subprocess.TimeoutExpired:
        process.terminate()
    try:
        return *process.communicate(timeout=GRACE_S), True
    except subprocess.TimeoutExpired:
        end_session(process)
        return *process.communicate(), True


def end_session(process: subprocess.Popen[str]) -> None:
    """Also what a program has left behind."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _verdict(exit_code: int, is_late: bool, ops_per_s: float | None, limit_s: float, err: str) -> tuple[str, str]:
    """Status and why."""
    number = -exit_code if exit_code < 0 else exit_code - 128
    if is_late:
        return "timeout", f"not done after {limit_s:g} s"
    if 0 < number < 65:
        return "crashed", f"died of signal {number} ({signal.strsignal(number)})"
    if exit_code != 0:
        own = [line for line in err.splitlines() if line.strip() and not line.startswith("lockbench exec: ")]
        return "failed", f"exit code {exit_code}" + (f": {own[-1].strip()[:200]}" if own else "")
    if ops_per_s is None or ops_per_s <= 0:
        return "failed", "did not print how fast it was"
    return "ok", ""


def read_counts(err: str) -> dict[str, str]:
    found = {name: match[1] for name, pattern in COUNTS.items() if (match := re.search(pattern, err))}
    if "acquisitions" in found:
        found = {**dict.fromkeys(OFTEN_ABSENT, "0"), **found}
    if f"lockbench exec: {PASS}: " in err:
        del found["kept_by_system"]  # as all of them are
    return found


def _busy_s() -> float:
    """CPU time of all programs on this machine."""
    user, nice, system, _, _, irq, soft_irq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft_irq) / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
