# SPDX-License-Identifier: MIT
"""lockbench survives what it is started from: closed descriptors, ignored signals, full devices, narrow terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import signal
import struct
import subprocess
import termios
from typing import Any

import lockbench

N_TRIALS = 8
RUN = ["run", "--locks", "ticket,futex", "--no-twin", "--threads", "1", "--duration", "0.01", "--warmup", "0",
       "--repetitions", str(N_TRIALS // 2), "--seed", "5", "--out", "out"]
COMMANDS = ("run", "seed", "stress", "exec", "list", "topology")
SHORT = {"run": RUN[1:], "seed": ["--duration", "0.05"], "stress": ["--locks", "ticket", "--duration", "0.01"]}


class Surroundings(lockbench.Case):
    def check_whole(self) -> None:
        """The run's files hold what belongs there and nothing else."""
        done = [row["order_index"] for row in self.kept_rows()]
        self.assertEqual(sorted(map(str, range(N_TRIALS))), sorted(done))
        self.assertTrue((self.out / "results.csv").read_text().startswith("run_id,started_at,"))
        self.assertEqual(N_TRIALS, json.loads((self.out / "host.json").read_text())["run"]["n_trials"])

    def test_closed_descriptors_are_not_those_of_its_files(self) -> None:
        for closed in ((0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)):
            with self.subTest(closed=closed):
                def close(numbers: tuple[int, ...] = closed) -> None:
                    for number in numbers:
                        os.close(number)
                self.out = self.folder / "out-{}".format("".join(map(str, closed)))
                result = self.run_program(*RUN[:-1], str(self.out), preexec_fn=close)
                self.check_whole()
                # Without standard output its text is lost, which is an error; without the others nothing is.
                self.assertEqual(1 if 1 in closed else 0, result.returncode, result.stderr)
                if closed == (1,):
                    self.assertIn("cannot write to standard output", result.stderr)

    def test_a_full_device_is_an_error(self) -> None:
        for command in COMMANDS:
            if command == "exec":
                continue  # it prints nothing itself
            with self.subTest(command=command), open("/dev/full", "wb") as full:
                result = subprocess.run([lockbench.PROGRAM, command, *SHORT.get(command, [])], cwd=self.folder,
                                        stdout=full, stderr=subprocess.PIPE, check=False, text=True, timeout=60)
                self.assertEqual(1, result.returncode, result.stderr)
                self.assertIn("lockbench: cannot write to standard output", result.stderr)
        self.check_whole()

    def test_a_report_that_does_not_fit_is_an_error(self) -> None:
        """A limit on the size of files stands in for the disk: the report has more bytes for a trial than the CSV."""
        first = self.run_program(*RUN, "--benchmark_out=whole.json")
        self.assertEqual(0, first.returncode, first.stderr)
        size = (self.folder / "whole.json").stat().st_size
        csv = max(path.stat().st_size for path in self.out.iterdir())
        more = [*RUN[:-1], "out-2", "--repetitions", str(N_TRIALS // 2 * (csv // size + 4))]
        limit = 3 * csv // 2 + size * (csv // size + 1)
        result = self.run_program(*more, "--benchmark_out=cut.json", preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))
        if "earlier rows are safe" in result.stderr:
            self.fail("the CSV was cut first: the test's sizes are wrong")
        self.assertEqual((self.folder / "cut.json").stat().st_size, limit, "the report was not cut")
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertIn("--benchmark_out could not be written", result.stderr)

    def test_arguments_that_are_not_utf8_are_refused(self) -> None:
        for arguments in ([b"run", b"--locks", b"ticket", b"--out", b"x\xff"], [b"list", b"\xc3"],
                          [b"run", b"--benchmark_filter=\x80"], [b"\xfe"]):
            with self.subTest(arguments=arguments):
                result = subprocess.run([os.fsencode(lockbench.PROGRAM), *arguments], cwd=self.folder, check=False,
                                        capture_output=True, timeout=60)
                self.assertEqual((2, b""), (result.returncode, result.stdout))
                self.assertRegex(result.stderr, rb"\Alockbench: the argument '.*\\x[0-9a-f]{2}' is not UTF-8; .*\n\Z")
                self.assertEqual([], list(self.folder.iterdir()))
        out = self.folder / "größer"
        measured = self.run_program(*RUN[:-1], str(out))
        self.assertEqual(0, measured.returncode, measured.stderr)
        self.assertEqual(0, self.run_program("run", "--resume", str(out)).returncode)

    def test_rows_of_another_seed_are_not_resumed(self) -> None:
        self.assertEqual(0, self.run_program(*RUN).returncode)
        path = self.out / "host.json"
        host = json.loads(path.read_text())
        host["run"]["arguments"] = ["6" if word == "5" else word for word in host["run"]["arguments"]]
        path.write_text(json.dumps(host))
        before = (self.out / "results.csv").read_bytes()
        result = self.run_program("run", "--resume", "out")
        self.assertEqual(2, result.returncode, result.stderr)
        self.assertRegex(result.stderr, r"\Alockbench: .* the row at byte \d+ is not one of this run .*seed 6\)\n\Z")
        self.assertEqual(before, (self.out / "results.csv").read_bytes())

    def test_ignored_signals_stay_ignored(self) -> None:
        def ignore() -> None:
            for number in (signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
        process = subprocess.Popen([lockbench.PROGRAM, *RUN], cwd=self.folder, text=True, start_new_session=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=ignore)
        self.addCleanup(self.stop, process)
        lockbench.wait_until(lambda: self.count_rows() > 0, "the first row")
        for number in (signal.SIGHUP, signal.SIGINT):
            os.killpg(process.pid, number)
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(0, process.returncode, errors)
        self.assertNotIn("interrupted", errors)
        self.check_whole()

    def test_a_reader_that_has_gone_tells_how_to_resume(self) -> None:
        process = self.start(*RUN)
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=lockbench.DEADLINE_S)
        self.assertEqual(-signal.SIGPIPE, process.returncode, errors)
        self.assertIn("lockbench run --resume out", errors)
        self.assertEqual(0, self.run_program("run", "--resume", "out").returncode)
        self.check_whole()

    def test_help_is_everywhere(self) -> None:
        for command in COMMANDS:
            texts = []
            for arguments in ((command, "--help"), (command, "-h"), (command, *SHORT.get(command, []), "-h")):
                result = self.run_program(*arguments)
                self.assertEqual((0, ""), (result.returncode, result.stderr))
                texts.append(result.stdout)
            self.assertEqual(1, len(set(texts)))
            self.assertTrue(texts[0].startswith(f"Usage: lockbench {command} [OPTION...]\n"))
        self.assertEqual([], list(self.folder.iterdir()))


class Terminal(lockbench.Case):
    def on_terminal(self, width: int, term: str, *arguments: str) -> str:
        """What a run writes to a terminal of that width on standard output and standard error."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        options: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
        process = subprocess.Popen([lockbench.PROGRAM, *arguments], cwd=self.folder, start_new_session=True,
                                   env={**os.environ, "TERM": term}, **options)
        self.addCleanup(self.stop, process)
        os.close(theirs)
        text = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # EIO: the last one that had the terminal open has closed it
                break
            if not chunk:
                break
            text += chunk
        os.close(ours)
        process.wait(lockbench.DEADLINE_S)
        return text.decode()

    def test_progress_fits_the_terminal(self) -> None:
        for width in (20, 44, 200):
            with self.subTest(width=width):
                text = self.on_terminal(width, "xterm", *RUN[:-1], f"out-{width}")
                shown = re.findall(r"\r\x1b\[K([^\r\n]+)", text)
                progress = [line for line in shown if line.startswith("[")]
                self.assertGreaterEqual(len(progress), N_TRIALS)
                self.assertEqual(min(width - 1, max(map(len, progress))), max(map(len, progress)))
                self.assertEqual(width == 200, any(line.endswith("/placement:compact") for line in progress))

    def test_a_dumb_terminal_gets_no_codes(self) -> None:
        text = self.on_terminal(80, "dumb", *RUN)
        self.assertNotIn("\x1b", text)
        self.assertEqual([], re.findall(r"\r(?!\n)", text))
        self.assertIn("8 of 8 trials done", text)


if __name__ == "__main__":
    lockbench.main()
