# SPDX-License-Identifier: MIT
"""`lockbench simulate` as its users call it: the same bytes for a seed, bad input, and locks that are broken."""

from __future__ import annotations

import json

import lockbench


class Simulate(lockbench.Case):
    def simulate(self, *arguments: str, out: str = "out", code: int = 0) -> str:
        result = self.run_program("simulate", "--out", out, *arguments)
        self.assertEqual(code, result.returncode, result.stderr)
        return result.stdout + result.stderr

    def test_the_same_seed_gives_the_same_bytes(self) -> None:
        files = ("results.csv", "counts.csv")
        for out in ("a", "b", "c"):
            self.simulate("--machine", "icelake2", "--locks", "ticket,mcs,futex,twa", "--threads", "1,12", "--seeds",
                          "2", "--duration", "0.00005", "--seed", "8" if out == "c" else "7", out=out)
        a, b, c = ([(self.folder / out / name).read_bytes() for name in files] for out in "abc")
        self.assertEqual(a, b)
        self.assertNotEqual(a[1], c[1])

    def test_rows_say_that_they_are_simulated(self) -> None:
        output = self.simulate("--machine", "graviton3", "--locks", "mcs", "--threads", "4", "--seeds", "1",
                               "--latency")
        self.assertIn("simulated: graviton3 ", output)
        number = "[0-9.e+-]+"
        self.assertRegex(output, rf"note: simulated {number} M events in {number} s of CPU time: {number} M a second\n")
        host = json.loads((self.out / "host.json").read_text())
        self.assertEqual("graviton3", host["simulated"]["name"])
        rows = self.rows()
        self.assertEqual(2, len(rows))
        for row in rows:
            self.assertEqual(f"graviton3 {host['simulated']['hash']} v{host['simulated']['version']}", row["simulated"])
            self.assertEqual(("ok", "graviton3", "", ""),
                             tuple(row[name] for name in ("status", "host", "started_at", "steal_pct")))
            self.assertGreater(int(row["ops"]), 100)
        self.assertEqual(["", "yes"], ["yes" if row["wait_p50_ns"] else "" for row in rows])

    def test_threads_take_turns_on_their_cpus(self) -> None:
        self.simulate("--machine", "graviton3", "--placement", "list:0,1", "--locks", "futex,pi_futex,ticket",
                      "--threads", "5", "--seeds", "1")
        by_lock = {row["lock"]: row for row in self.rows()}
        for lock, row in by_lock.items():
            self.assertEqual("ok", row["status"], row)
            self.assertGreater(float(row["ctx_involuntary"]) + float(row["ctx_voluntary"]), 5, lock)
            self.assertLessEqual(float(row["cpu_s"]), 2 * float(row["duration_s"]) * 1.001)
        # Who is next in line has no CPU most of the time: three orders of magnitude.
        self.assertLess(100 * float(by_lock["ticket"]["ops_per_s"]), float(by_lock["pi_futex"]["ops_per_s"]))

    def test_a_folder_that_exists_is_left_alone(self) -> None:
        self.out.mkdir()
        output = self.simulate("--machine", "icelake2", "--locks", "mcs", "--threads", "2", code=2)
        self.assertEqual("lockbench: 'out' exists; name a new folder with --out\n", output)  # it has no --resume
        self.assertEqual([], list(self.out.iterdir()))

    def test_a_lock_that_does_not_exclude_is_caught(self) -> None:
        output = self.simulate("--machine", "icelake2", "--locks", "test_broken", "--threads", "4", "--seeds", "1",
                               code=1)
        self.assertIn("the lock did not exclude", output)
        self.assertEqual(["broken"], [row["status"] for row in self.rows()])

    def test_what_hangs_is_told_with_who_is_where(self) -> None:
        output = self.simulate("--machine", "icelake2", "--locks", "test_hangs", "--threads", "2", "--seeds", "1",
                               "--duration", "1", code=1)
        self.assertRegex(output, r"timeout: no operation ended in .*: thread \d+ is at byte \d+ of the lock")
        self.assertEqual(["timeout"], [row["status"] for row in self.rows()])
        output = self.simulate("--machine", "graviton3", "--locks", "test_hangs", "--threads", "3", "--placement",
                               "list:0", "--seeds", "1", out="turns", code=1)
        self.assertRegex(output, r"thread \d is at byte 0 of the lock\b")
        self.assertRegex(output, r"thread \d waits for a CPU at byte 0 of the lock\b")

    def test_a_trace_is_written_for_people(self) -> None:
        self.simulate("--machine", "graviton3", "--locks", "mcs", "--threads", "3", "--seeds", "2", "--trace", "200")
        text = (self.out / "trace-0-mcs-3.txt").read_text().splitlines()
        self.assertEqual(202, len(text))
        self.assertEqual("simulated: graviton3; mcs, 3 threads", text[0])
        self.assertRegex("\n".join(text), r"read-modify-write +byte 0 of the lock +owned by core \d")
        picture = (self.out / "trace-0-mcs-3.svg").read_text()
        self.assertIn("simulated: graviton3; mcs, 3 threads", picture)
        self.assertIn("core 2 has it, thread 2", picture)

    def test_only_what_all_draws_agree_on_is_ranked(self) -> None:
        arguments = ("--machine", "genoa2", "--locks", "mcs,ticket,clh", "--threads", "64", "--duration", "0.00005")
        self.assertRegex(self.simulate(*arguments, "--seeds", "5"), r"threads:64/.*: (mcs|clh) [=>] (mcs|clh) > ticket")
        self.assertNotIn("fastest first", self.simulate(*arguments, "--seeds", "4", out="few"))

    def test_what_cannot_be_simulated_is_refused_by_name(self) -> None:
        refused: list[tuple[list[str], str]] = [
            (["--machine", "icelake2", "--locks", "pthread_mutex,mcs"], "'pthread_mutex' cannot be simulated"),
            (["--machine", "icelake2", "--locks", "twin"], "'twin' cannot be simulated: it is a twin"),
            (["--machine", "icelake2", "--locks", "system"], "none of these locks can be simulated: pthread_mutex"),
            (["--machine", "icelake2", "--placement", "none"], "'none' cannot be simulated"),
            (["--machine", "nowhere"], "unknown machine 'nowhere'; allowed: genoa2,"),
            (["--machine", "no.json"], "the profile 'no.json'"),
            (["--machine", "icelake2", "--seeds", "0"], "--seeds: '0' is not a whole number"),
            ([], "--machine is missing")]
        for arguments, told in refused:
            with self.subTest(told):
                output = self.simulate(*arguments, code=2)
                self.assertIn(told, output)
                self.assertEqual(1, output.count("\n"), output)
                self.assertFalse(self.out.exists())
        self.assertIn("cannot be simulated: pthread_mutex",
                      self.simulate("--machine", "icelake2", "--locks", "mutex", "--threads", "2", "--seeds", "1",
                                    "--duration", "1e-5", "--locks", "park"))


if __name__ == "__main__":
    lockbench.main()
