# SPDX-License-Identifier: MIT
"""THE list of the programs: what is run, what it prints, and what one operation of it is."""

from __future__ import annotations

import math
import random
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from common.program import UserError

TEXT_BYTES = 32_000_000
# Mutexes and conditions of the queue, and those of the interpreter's own lock.
ITEMS = """\
import queue, sys, threading, time
n_threads, n_items = int(sys.argv[1]), 80000
q = queue.Queue(1)
def work():
    for _ in range(n_items):
        q.put(None)
        q.get()
threads = [threading.Thread(target=work) for _ in range(n_threads)]
begin = time.monotonic()
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(n_threads * n_items / (time.monotonic() - begin), "items/s")
"""


@dataclass(frozen=True)
class Program:
    """`command` has {threads} and {data}, a folder that `prepare` has filled and that is the program's own.

    figures: finds in what the program prints the groups `rate`, operations per second, or `operations` and `seconds`.
             Where it has no such group, the operations are `work`, of which {threads} may be a factor, and the time is
             that from start to end.
    locks: which of its locks are replaced, `mutex` or `rw`.
    folder: where it runs; None: in that of its own.
    is_control: it hardly waits for locks, so that every lock should leave it as fast as it is.
    """

    name: str
    package: str
    needs: str  # a program on the PATH, or a file
    command: str
    operation: str
    figures: str = ""
    work: str = ""
    locks: str = "mutex"
    is_control: bool = False
    folder: Path | None = None
    prepare: Callable[[Path], None] | None = None

    @property
    def is_there(self) -> bool:
        return shutil.which(self.needs) is not None or (self.needs.startswith("/") and Path(self.needs).exists())

    def arguments(self, threads: int, data: Path) -> list[str]:
        return [word.format(threads=threads, data=data) for word in shlex.split(self.command)]

    def operations_per_s(self, printed: str, threads: int, duration_s: float) -> float | None:
        """None: the program has not printed what it prints."""
        found = re.search(self.figures, printed, re.DOTALL)
        if found is None:
            return None
        figures = {name: float(value) for name, value in found.groupdict().items()}
        if "rate" in figures:
            return figures["rate"]
        work = math.prod(float(factor) for factor in self.work.format(threads=threads).split("*") if factor)
        seconds = figures.get("seconds", duration_s)
        return figures.get("operations", work) / seconds if seconds > 0 else None


def do(command: list[str]) -> None:
    """Raises UserError where it fails."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, errors="replace", check=False)
    if done.returncode != 0:
        told = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise UserError(f"cannot prepare the programs: {command[0]}: exit code {done.returncode}: {told[:200]}")


def _database(data: Path) -> None:
    do(["db_bench", f"--db={data}/db", "--benchmarks=fillseq,compact", "--num=500000", "--value_size=100",
        "--compression_type=none"])


def _leveldb(data: Path) -> None:
    """Our own program, compiled, with a database."""
    source = Path(__file__).resolve().parents[2] / "cc" / "leveldb.cc"
    do(["c++", "-O2", "-pthread", str(source), "-o", str(data / "leveldb"), "-lleveldb"])
    do([str(data / "leveldb"), "fill", str(data / "db")])


def _script(data: Path) -> None:
    (data / "items.py").write_text(ITEMS)


def _text(data: Path) -> None:
    """Words, the same each time."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 10))) for _ in range(5000)]
    text = " ".join(rng.choices(words, k=TEXT_BYTES // 6))
    (data / "text").write_text(text[:TEXT_BYTES])


PROGRAMS = (
    Program("rocksdb-get", "rocksdb-tools", "db_bench",
            "db_bench --db={data}/db --use_existing_db=1 --num=500000 --value_size=100 --compression_type=none "
            "--readonly=1 --benchmarks=readrandom --threads={threads} --duration=1 --cache_size=268435456 "
            "--cache_numshardbits=0",
            "read", figures=r"readrandom *: [^\n]* (?P<rate>\d+) ops/sec", prepare=_database),
    Program("rocksdb-cache", "rocksdb-tools", "cache_bench",
            "cache_bench -threads={threads} -cache_size=8388608 -num_shard_bits=0 -ops_per_thread=100000 -skewed=1",
            "look-up or insertion", figures=r"parallel ops/sec = (?P<rate>\d+)"),
    Program("leveldb-get", "libleveldb-dev", "/usr/include/leveldb/db.h", "{data}/leveldb get {data}/db {threads}",
            "read", figures=r"(?P<rate>\d+) operations/s", prepare=_leveldb),
    Program("leveldb-put", "libleveldb-dev", "/usr/include/leveldb/db.h", "{data}/leveldb put {data}/put {threads}",
            "write", figures=r"(?P<rate>\d+) operations/s", prepare=_leveldb),
    Program("sysbench-threads", "sysbench", "sysbench",
            "sysbench threads --threads={threads} --thread-locks=1 --thread-yields=1 --time=1 run",
            "event", figures=r"total time: *(?P<seconds>[\d.]+)s.*events: *(?P<operations>\d+)"),
    Program("sysbench-mutex", "sysbench", "sysbench",
            "sysbench mutex --threads={threads} --mutex-num=1 --mutex-locks=8000000 --mutex-loops=0 run",
            "acquisition", figures=r"total time: *(?P<seconds>[\d.]+)s", work="{threads}*8000000"),
    Program("kyoto-cache", "kyotocabinet-utils", "kccachetest", "kccachetest wicked -th {threads} -it 1 200000",
            "record", figures=r"time: (?P<seconds>[\d.]+)", work="{threads}*200000", locks="rw"),
    Program("python-queue", "python3", "/usr/bin/python3", "/usr/bin/python3 {data}/items.py {threads}",
            "item", figures=r"(?P<rate>[\d.]+) items/s", prepare=_script),
    Program("zstd", "zstd", "zstd", "zstd -q -f -9 -T{threads} {data}/text -o {data}/text.zst",
            "byte", work=str(TEXT_BYTES), prepare=_text),
    Program("pigz", "pigz", "pigz", "pigz -f -k -p {threads} {data}/text",
            "byte", work=str(TEXT_BYTES), is_control=True, prepare=_text),
)
