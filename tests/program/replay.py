# SPDX-License-Identifier: MIT
"""lockbench run --profile: what a program did with its locks is what the trials do, and no profile is a line."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import lockbench

SAMPLE = Path(__file__).with_name("profiles") / "sample.json"
QUICK = ["run", "--no-twin", "--duration", "0.03", "--warmup", "0.01", "--seed", "7"]
AS_RECORDED = ["--cs-lines", "0"]  # and nothing is calibrated


def profile(events: list[list[Any]], threads: int = 2, kind: str = "rwlock", n_locks: int = 1,
            seconds: float = 0.1) -> dict[str, Any]:
    """Of a program whose threads all do that, one run after another."""
    locks = [{"id": i + 1, "name": f"lock {i}", "kind": kind, "instances": 1, "acquisitions": 1000, "contended": 100,
              "wait_total_ns": 5000, "hold_total_ns": 100000} for i in range(n_locks)]
    runs = [{"thread": thread, "start_ns": 1000 * thread + 1000000 * i, "events": events}
            for thread in range(threads) for i in range(4)]
    return {"schema": 1, "program": ["/opt/a/server", "-x"], "threads": threads, "cpus": 2, "seconds": seconds,
            "locks": locks, "runs": runs}


class Replay(lockbench.Case):
    def write(self, content: dict[str, Any]) -> str:
        path = self.folder / "profile.json"
        path.write_text(json.dumps(content))
        return str(path)

    def measure(self, path: str, *arguments: str) -> list[lockbench.Row]:
        result = self.run_program(*QUICK, "--profile", path, *arguments, "--out", str(self.out))
        self.assertEqual(0, result.returncode, result.stderr)
        self.said = result.stderr
        return self.kept_rows()

    def test_the_sample_under_every_lock(self) -> None:
        rows = self.measure(str(SAMPLE), *AS_RECORDED, "--locks", "all", "--threads", "2", "--repetitions", "1")
        self.assertIn("replays db_bench-", self.said)
        self.assertRegex(self.said, r"[0-9.]+ % of the profile's acquisitions are of readers/writer locks, and count")
        self.assertEqual({"ok"}, {row["status"] for row in rows})
        self.assertEqual({("2", "0", "", "", "", "1", "1")}, {tuple(row[name] for name in (
            "threads", "read_pct", "cs_ns", "think", "think_ns", "hold_scale", "gap_scale")) for row in rows})
        name, = {row["profile"] for row in rows}
        self.assertRegex(name, r"^db_bench-[0-9a-f]{8}$")
        self.assertEqual(SAMPLE.read_bytes(), (self.out / "profile.json").read_bytes())

    def test_threads_and_shares_are_the_programs(self) -> None:
        """One in four writes; and nothing is done faster than by the clock of the sections and the gaps."""
        path = self.write(profile([[1, "r", 2000, 1000, 0], [2, "r", 1000, 500, 0], [1, "r", 0, 0, 0],
                                   [2, "w", 3000, 2500, 0]], threads=3, n_locks=2))
        for row in self.measure(path, *AS_RECORDED, "--locks", "pthread_rwlock,rw_futex,futex", "--repetitions", "2",
                                "--latency"):
            ops, duration_ns = float(row["ops"]), 1e9 * float(row["duration_s"])
            with self.subTest(lock=row["lock"], waits=row["wait_max_ns"] != ""):
                self.assertEqual(("3", "2", "75"), tuple(row[name] for name in ("threads", "locks", "read_pct")))
                self.assertLessEqual(ops, 3 * (4 * duration_ns / 10000 + 5))
                if ops > 400:  # else another process had the CPUs
                    self.assertAlmostEqual(0.75, float(row["reads"]) / ops, delta=0.02)

    def test_scales_and_lines_are_cells_of_their_own(self) -> None:
        path = self.write(profile([[1, "w", 1000, 1000, 0]], threads=1, kind="mutex"))
        rows = self.measure(path, "--locks", "futex", "--repetitions", "2", "--hold-scale", "1,50", "--gap-scale",
                            "0.5,20", "--cs-lines", "0,3")
        cells = {(row["hold_scale"], row["gap_scale"], row["cs_lines"]) for row in rows}
        self.assertEqual({(h, g, lines) for h in ("1", "50") for g in ("0.5", "20") for lines in "03"}, cells)
        for row in rows:
            around_ns = 1000 * (float(row["hold_scale"]) + float(row["gap_scale"]))
            self.assertLessEqual(float(row["ops"]), 1e9 * float(row["duration_s"]) / around_ns + 3)

    def test_who_sleeps_does_not_burn_the_cpu_or_hold_up_the_end(self) -> None:
        """A gap of an hour, which 32 bits of ns cannot hold, and a section of 20 ms."""
        path = self.write(profile([[1, "w", 3600e9, 100, 0]], threads=2, kind="mutex", seconds=3600 * 500))
        for row in self.measure(path, *AS_RECORDED, "--locks", "futex", "--repetitions", "1", "--duration", "0.2"):
            self.assertEqual("0", row["ops"])
            self.assertLess(float(row["cpu_s"]), 0.5 * float(row["duration_s"]))
            self.assertLess(float(row["duration_s"]), 2)
        self.out = self.folder / "long"
        path = self.write(profile([[1, "w", 0, 20e6, 0]], threads=1, kind="mutex"))
        for row in self.measure(path, *AS_RECORDED, "--locks", "futex", "--repetitions", "1", "--duration", "0.2"):
            self.assertLessEqual(float(row["ops"]), 50 * float(row["duration_s"]) + 2)
            self.assertLess(float(row["cpu_s"]), 0.7 * float(row["duration_s"]))

    def test_who_yields_in_a_section_leaves_the_cpu_to_others(self) -> None:
        """A call of the kernel's takes 30 ns at least. Where it takes much longer, the end is kept all the same."""
        n = 60000
        path = self.write(profile([[1, "w", 0, 0, 0, {"yields": n}]], threads=2, kind="mutex"))
        for row in self.measure(path, *AS_RECORDED, "--locks", "pthread_mutex,futex", "--repetitions", "1"):
            self.assertLessEqual(float(row["ops"]), 1e9 * float(row["duration_s"]) / (30 * n) + 2)

    def test_what_is_calibrated_is_told_and_an_interrupted_run_goes_on_with_it(self) -> None:
        path = self.write(profile([[1, "w", 2000, 1000, 0]], kind="mutex"))
        whole = self.measure(os.path.relpath(path, self.folder), "--locks", "futex,ticket", "--repetitions", "2",
                             "--duration", "0.01", "--warmup", "0.003")
        found = json.loads((self.out / "host.json").read_text())["calibration"]
        self.assertEqual(("pthread_mutex", 2, 0.1), (found["lock"], found["threads"], found["recorded"]["contended"]))
        self.assertAlmostEqual(2e9 / 3005, found["recorded"]["acquisitions_per_s"], delta=1)
        self.assertEqual((0, 1, 1), tuple(found["steps"][0][name] for name in ("cs_lines", "hold_scale", "gap_scale")))
        self.assertIn(f"misfit {100 * found['misfit']:.1f} %", self.said)
        settings = ("cs_lines", "hold_scale", "gap_scale")
        self.assertEqual({tuple(format(found[name], "g") for name in settings)},
                         {tuple(row[name] for name in settings) for row in whole})
        csv = self.out / "results.csv"
        csv.write_text("".join(csv.read_text().splitlines(keepends=True)[:3]))
        Path(path).write_text("{}")
        moved = self.folder / "elsewhere"
        shutil.move(self.out, moved)
        result = self.run_program("run", "--resume", str(moved))
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertNotIn("calibrat", result.stderr)
        names = ("lock", "threads", "profile", "hold_scale", "repetition", "order_index", "seed")
        self.assertEqual(sorted([row[name] for name in names] for row in whole),
                         sorted([row[name] for name in names] for row in self.kept_rows(moved)))

    def test_a_folder_that_exists_is_told_before_anything_is_measured(self) -> None:
        self.out.mkdir()
        result = self.run_program("run", "--profile", str(SAMPLE), "--out", str(self.out))
        self.assertEqual((2, 1), (result.returncode, result.stderr.count("\n")), result.stderr)

    def test_the_plan(self) -> None:
        result = self.run_program("run", "--no-twin", "--locks", "pthread_mutex,mcs", "--profile", str(SAMPLE),
                                  "--hold-scale", "1,1.5", "--benchmark_list_tests")
        self.assertEqual(0, result.returncode, result.stderr)
        listed = [re.sub("-[0-9a-f]{8}/", "-HASH/", name) for name in result.stdout.splitlines()]
        what = "threads:4/profile:db_bench-HASH"
        self.assertEqual([f"mutex/{lock}/{what}{scale}/placement:none/iterations:1/manual_time"
                          for scale in ("", "/hold_scale:1.5") for lock in ("pthread_mutex", "mcs")], listed)

    def test_what_cannot_be_replayed_is_one_line_and_leaves_nothing(self) -> None:
        broken = profile([[1, "w", 1, 1, 0]])
        broken["runs"][3]["events"] = [[9, "w", 1, 1, 0]]
        cut = self.folder / "cut.json"
        cut.write_bytes(SAMPLE.read_bytes()[:-2000])
        given = self.write(broken)
        before = sorted(self.folder.rglob("*"))
        for arguments, told in (
                (["--profile", "nowhere.json"], "cannot read 'nowhere.json': No such file"),
                (["--profile", str(self.folder)], "Is a directory"),
                (["--profile", str(cut)], "'" + str(cut) + "': line "),
                (["--profile", given], "event 1 of run 4 is of a lock that is not in the list of locks"),
                (["--profile", os.devnull], "`lockbench observe` writes such files"),
                (["--profile", ""], "--profile: the value is empty"),
                (["--profile", str(SAMPLE), "--cs-ns", "5"], "--profile has roles, locks, sections"),
                (["--profile", str(SAMPLE), "--readers", "1"], "it excludes --readers"),
                (["--profile", str(SAMPLE), "--trylock"], "--trylock"),
                (["--profile", str(SAMPLE), "--think", "none"], "--think"),
                (["--profile", str(SAMPLE), "--rate", "100"], "--rate"),
                (["--profile", str(SAMPLE), "--gap-scale", "-1"], "--gap-scale: '-1'"),
                (["--hold-scale", "2"], "--hold-scale and --gap-scale need --profile")):
            with self.subTest(arguments=arguments):
                result = self.run_program("run", "--locks", "futex", *arguments, "--out", str(self.out))
                self.assertEqual((2, "", 1), (result.returncode, result.stdout, result.stderr.count("\n")),
                                 result.stderr)
                self.assertIn(told, result.stderr)
                self.assertEqual(before, sorted(self.folder.rglob("*")))


if __name__ == "__main__":
    lockbench.main()
