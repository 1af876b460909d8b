# SPDX-License-Identifier: MIT
"""What cannot be done is refused: one line on standard error, exit code 2, nothing written."""

from __future__ import annotations

import os

import lockbench

SHORT = ["--locks", "ticket", "--threads", "1", "--duration", "0.005", "--warmup", "0", "--repetitions", "1"]


class BadInput(lockbench.Case):
    def refuse(self, *arguments: str, names: str, environment: dict[str, str] | None = None) -> None:
        with self.subTest(arguments=arguments):
            before = sorted(self.folder.rglob("*"))
            result = self.run_program(*arguments, env=environment or {})
            self.assertEqual(2, result.returncode, result.stdout + result.stderr)
            self.assertEqual("", result.stdout)
            lines = result.stderr.splitlines()
            self.assertEqual(1, len(lines), result.stderr)
            self.assertTrue(lines[0].startswith("lockbench: "), lines[0])
            self.assertIn(names, lines[0])
            self.assertEqual(before, sorted(self.folder.rglob("*")), "it wrote something")

    def test_commands(self) -> None:
        self.refuse(names="run, seed, stress, exec, observe, list, topology")
        self.refuse("bench", names="'bench'")
        self.refuse("list", "--xml", names="--json")
        self.refuse("topology", "--threads", "0", names="'0'")
        self.refuse("topology", "--threads", names="--threads needs a value: N")
        self.refuse("topology", "--threads=1.5", names="whole number")
        self.refuse("topology", "--placement", "near", names="'near'")
        self.refuse("seed", "--locks", "pthread", names="pthread_mutex")
        self.refuse("seed", "--lock", "mcs", names="did you mean --locks?")
        self.refuse("seed", "--locks", names="--locks")
        self.refuse("seed", "--locks", "empty", names="only baselines")
        self.refuse("seed", "--duration", "0", names="--duration")

    def test_locks(self) -> None:
        self.refuse("run", "--locks", "tickt", names="did you mean ticket?")
        self.refuse("run", "--locks", "ticket,", names="unknown lock ''")
        self.refuse("run", "--locks", "TICKET" * 500, names="unknown lock")

    def test_numbers(self) -> None:
        for option in ("threads", "keys", "locks-count", "repetitions", "duration", "timeout"):
            for value in ("0", "-1", "99999999999999999999", "1e400", "nan", "ten", ""):
                self.refuse("run", f"--{option}", value, names=f"--{option}")
        self.refuse("run", "--threads", "100000", names="4096")
        self.refuse("run", "--readers", "0", "--writers", "0", names="0 threads")
        self.refuse("run", "--threads", "4096", "--locks-count", "100000", names="1 GiB")
        self.refuse("run", "--threads=1,2", "--read-pct=101", names="--read-pct")

    def test_options(self) -> None:
        self.refuse("run", "--thread", "2", names="--thread")
        self.refuse("run", "--readers", "1", "--threads", "1", names="--threads")
        self.refuse("run", "--think", "sleep", names="--think-ns")
        for layouts in ("near", "apart,", ",together", "apart|together", ""):
            self.refuse("run", "--layout", layouts, names="apart|together")
        self.refuse("run", "--threads", names="--threads")
        self.refuse("run", "--rate", "1000", "--think", "spin", "--think-ns", "10", names="--rate and --think")
        self.refuse("run", "--rate", "0,1000", "--trylock", names="--rate and --trylock")
        self.refuse("run", "--rate", "1e8", "--duration", "60", names="--rate: 100000000/s for 60.01 s")
        for rate in ("-1", "1e10", "fast", "1000,1000"):
            self.refuse("run", "--rate", rate, names="--rate")
        self.refuse("seed", "--rate", "1000", names="--rate")

    def test_placements(self) -> None:
        allowed = os.sched_getaffinity(0)
        outside = next(cpu for cpu in range(max(allowed) + 2) if cpu not in allowed)
        self.refuse("run", "--placement", "near", names="same-llc")
        self.refuse("run", "--placement", f"list:{outside}", names=f"CPU {outside}")
        self.refuse("run", "--placement", "list:", names="list:0,2,4-7")
        self.refuse("run", "--placement", "list:0-99999999999", names="list:0,2,4-7")

    def test_machines_that_are_not_this_one(self) -> None:
        for command in (["run", *SHORT], ["seed"]):
            self.refuse(*command, names="not this machine's", environment={"HWLOC_SYNTHETIC": "core:4 pu:2"})

    def test_machines_that_cannot_be_read(self) -> None:
        """hwloc alone would fall back to this machine without a word."""
        newer = self.folder / "newer.xml"
        newer.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE topology SYSTEM "hwloc3.dtd">\n'
                         '<topology version="3.0">\n <object type="Machine"/>\n</topology>\n')
        (self.folder / "none.xml").write_text("<?xml?><html></html>")
        for environment, names in (
                ({"HWLOC_SYNTHETIC": "no such thing"}, "'no such thing' is not a machine"),
                ({"HWLOC_XMLFILE": "nowhere.xml"}, "cannot read HWLOC_XMLFILE 'nowhere.xml': No such file"),
                ({"HWLOC_XMLFILE": "none.xml"}, "HWLOC_XMLFILE 'none.xml' is not a topology"),
                ({"HWLOC_XMLFILE": os.devnull}, f"HWLOC_XMLFILE '{os.devnull}' is not a topology"),
                ({"HWLOC_XMLFILE": "newer.xml"}, "'newer.xml' is of hwloc 3, and this is hwloc 2")):
            for command in (["topology"], ["run", *SHORT], ["run", "--benchmark_list_tests"], ["seed"]):
                self.refuse(*command, names=names, environment=environment)

    def test_folders(self) -> None:
        (self.folder / "there").mkdir()
        (self.folder / "file").write_text("keep me")
        self.refuse("run", *SHORT, "--out", "there", names="exists")
        self.refuse("run", *SHORT, "--out", "file", names="exists")
        self.refuse("run", *SHORT, "--out", "file/below", names="file/below")
        self.refuse("run", *SHORT, "--out", "no/such/parent", names="no/such/parent")
        self.refuse("run", *SHORT, "--out", "/proc/lockbench", names="/proc/lockbench")
        self.refuse("run", *SHORT, "--out", "x" * 300, names="xxx")
        self.refuse("run", *SHORT, "--out", "x/" * 3000, names="longer than")
        self.refuse("run", *SHORT, "--out", "", names="--out")
        self.assertEqual("keep me", (self.folder / "file").read_text())

    def test_the_default_folder(self) -> None:
        (self.folder / "results").write_text("a file where the folder should be")
        self.refuse("run", *SHORT, names="results")

    def test_resuming_what_is_no_run(self) -> None:
        (self.folder / "empty").mkdir()
        self.refuse("run", "--resume", "nowhere", names="nowhere")
        self.refuse("run", "--resume", "empty", names="empty")
        self.refuse("run", "--resume", names="--resume")
        self.refuse("run", "--resume", "empty", "--threads", "2", names="no other option")
        self.refuse("run", "--resume=empty", "--latency", names="no other option")
        (self.folder / "empty" / "host.json").write_text('{"run": {"arguments": []}}')
        self.refuse("run", "--resume", "empty", names="start a new run")

    def test_google_benchmarks_options(self) -> None:
        self.refuse("run", *SHORT, "--benchmark_filter=(", names="--benchmark_filter")
        self.refuse("run", *SHORT, "--benchmark_filter=no_such_lock", names="--benchmark_filter")
        self.refuse("run", *SHORT, "--benchmark_format=csv", names="results.csv")
        self.refuse("run", *SHORT, "--benchmark_format=yaml", names="console, json")
        self.refuse("run", *SHORT, "--benchmark_repetitions=0", names="repetitions")
        self.refuse("run", *SHORT, "--benchmark_nonsense", names="--benchmark_nonsense")
        self.refuse("run", *SHORT, "--benchmark_out=no/such/parent.json", names="no/such/parent.json")
        self.refuse("run", *SHORT, "--benchmark_min_time=long", names="--benchmark_min_time")


if __name__ == "__main__":
    lockbench.main()
