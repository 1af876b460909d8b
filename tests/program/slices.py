# SPDX-License-Identifier: MIT
"""`lockbench run --slice-extension`: off without a word where the system has no such thing, and on where it has.

The second by a library that stands for the kernel (fake_kernel.c), since few systems have it yet.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import struct
import unittest
from typing import Any

import lockbench

FAKE_KERNEL = os.environ.get("FAKE_KERNEL")
RUN = ["--no-twin", "--slice-extension", "--repetitions", "1", "--warmup", "0", "--seed", "5", "--placement", "none"]
PR_RSEQ_SLICE_EXTENSION, GET = 79, 1
STATES = {"available", "not in the kernel", "turned off in the kernel", "not in the C library"}


def kernel_knows_it() -> bool:
    """Asked past lockbench."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.prctl(PR_RSEQ_SLICE_EXTENSION, *map(ctypes.c_ulong, (GET, 0, 0, 0)))
    return bool(done >= 0 or ctypes.get_errno() != errno.EINVAL)


class Slices(lockbench.Case):
    def host(self) -> dict[str, Any]:
        return json.loads((self.out / "host.json").read_text())  # type: ignore[no-any-return]

    def test_this_system_is_told_as_it_is(self) -> None:
        result = self.run_to_the_end(*RUN, "--locks", "ticket,rw_futex", "--threads", "2", "--duration", "0.02")
        self.assertEqual(0, result.returncode, result.stderr)
        host = self.host()
        self.assertIn(host["slice_extension"], STATES)
        if not kernel_knows_it():
            self.assertEqual("not in the kernel", host["slice_extension"])
        is_on = host["slice_extension"] == "available"
        self.assertIs(is_on, host["run"]["slice_extension"])
        self.assertEqual(is_on, "/slice_extension" in result.stdout)
        self.assertNotIn("slice", result.stderr)

    def test_it_is_not_asked_for_by_default(self) -> None:
        listed = self.run_program("run", "--benchmark_list_tests", "--locks", "ticket", "--threads", "1")
        self.assertNotIn("slice", listed.stdout)

    @unittest.skipIf(FAKE_KERNEL is None, "needs the library that stands for the kernel")
    def test_a_kernel_that_has_it_is_asked_and_paid_back(self) -> None:
        counts = self.folder / "counts"
        counts.write_bytes(bytes(24))
        given = {"env": {"LD_PRELOAD": str(FAKE_KERNEL), "FAKE_KERNEL_COUNTS": str(counts)}}
        locks = ["ttas_backoff", "mcs_park", "rw_futex", "seqlock"]
        result = self.run_to_the_end(*RUN, "--locks", ",".join(locks), "--threads", "2", "--cs-ns", "100000",
                                     "--duration", "0.2", "--latency", **given)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertEqual(sorted(locks * 2), sorted(row["lock"] for row in self.kept_rows() if row["status"] == "ok"))
        host = self.host()
        self.assertEqual(("available", True), (host["slice_extension"], host["run"]["slice_extension"]))
        names = [line.split()[0] for line in result.stdout.splitlines() if line.startswith(("mutex/", "rw/"))]
        self.assertEqual(2 * len(locks), sum("/slice_extension" in name for name in names), result.stdout)
        n_enabled, n_granted, n_yielded = struct.unpack("3Q", counts.read_bytes())
        self.assertGreaterEqual(n_enabled, 2 * len(locks))
        self.assertGreater(n_granted, 0)
        self.assertEqual(n_granted, n_yielded, "each grant is paid back by a yield, as soon as the lock is free")

        # What was measured with it is not finished without it.
        resumed = self.resume()
        self.assertEqual(2, resumed.returncode, resumed.stderr)
        self.assertRegex(resumed.stderr, r"another slice extension \(on, now off\); start a new run\n\Z")


if __name__ == "__main__":
    lockbench.main()
