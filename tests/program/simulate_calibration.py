# SPDX-License-Identifier: MIT
"""A run's machine as a profile, and what no ruler tells fitted to its rows: a made-up machine is found again."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import lockbench

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "py"))

import verb  # noqa: E402

RULERS = {"host": "box", "cpu_model": "Test CPU 3000", "pause_ns": 20.0, "futex_wake_without_waiter_ns": 160.0,
          "clocks": {"system": {"read_ns": 25.0}},
          "park_transfers": [{"distance": "same_cpu", "one_way_ns": 2000.0}, {"distance": "llc", "one_way_ns": 6000.0}]}
WAY_NS = 95.0  # of the ball between two cores of a cache


class Calibration(lockbench.Case):
    def simulate(self, machine: str | Path, out: str, *arguments: str) -> dict[str, Any]:
        """The run's host.json."""
        result = self.run_program("simulate", "--machine", str(machine), "--seeds", "1", "--out", out, *arguments)
        self.assertEqual(0, result.returncode, result.stderr)
        return json.loads((self.folder / out / "host.json").read_text())  # type: ignore[no-any-return]

    def host(self, **given: Any) -> Path:
        """host.json of a machine with two cores that share a cache."""
        (self.folder / "two.json").write_text(json.dumps({
            "name": "two", "topology": "pack:1 [numa] l3:1 core:2 pu:1",
            "transfers": {"source": "made up", "llc": {"ns": 50}}}))
        xml = self.simulate(self.folder / "two.json", "shape", "--threads", "1", "--locks", "tas")["topology_xml"]
        path = self.folder / "host.json"
        path.write_text(json.dumps({**RULERS, "topology_xml": xml, **given, "line_transfers": [
            {"cpu_a": 0, "cpu_b": 1, "distance": "llc", "one_way_ns": WAY_NS}]}))
        return path

    def test_the_rulers_of_a_run_make_a_profile(self) -> None:
        host = self.simulate(self.host(), "out", "--locks", "mcs", "--threads", "2")
        self.assertEqual(("box", "box"), (host["host"], host["simulated"]["name"]))
        parameters = host["simulated"]["parameters"]
        self.assertEqual((20, 25, 160), tuple(parameters[name] for name in ("pause_ns", "clock_ns", "syscall_ns")))
        self.assertEqual(6000 - 800 - 160, parameters["wake_ns"])
        line_ns = float(self.rows(self.folder / "out")[0]["line_ns"])
        self.assertLess(abs(line_ns / WAY_NS - 1), 0.1, "the ruler comes out of the model again")

    def test_rulers_that_are_missing_are_named(self) -> None:
        path = self.host()
        host = json.loads(path.read_text())
        host["line_transfers"][0]["one_way_ns"] = None
        path.write_text(json.dumps(host))
        result = self.run_program("simulate", "--machine", str(path), "--out", "none")
        self.assertEqual(2, result.returncode)
        self.assertIn("does not tell what a transfer takes between cores that share a cache ('llc')", result.stderr)

    def test_a_made_up_machine_is_found_again(self) -> None:
        self.host()
        host = self.simulate(self.folder / "host.json", "base", "--locks", "mcs", "--threads", "1")
        profile = host["simulated"]["profile"]
        usual = host["simulated"]["parameters"]
        true = {"rmw_ns": 9.0, "hit_ns": 1.3 * usual["hit_ns"], "access_ns": 1.3 * usual["access_ns"],
                "store_ns": 1.3 * usual["store_ns"], "futex_check_ns": 150.0}
        profile["parameters"].update({name: {"value": value, "source": "made up"} for name, value in true.items()})
        profile["transfers"] = {"source": "made up", "llc": {"ns": 70}}
        (self.folder / "true.json").write_text(json.dumps(profile))
        self.simulate(self.folder / "true.json", "run", "--locks", "empty,counter,mcs,ticket,clh,futex", "--threads",
                      "1,2", "--duration", "0.0005", "--placement", "compact")
        run = self.folder / "run"
        rows = self.rows(run)
        with (run / "results.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "simulated": ""} for row in rows)
        (run / "host.json").write_text((self.folder / "host.json").read_text())

        found = self.folder / "found.json"
        self.assertEqual(0, verb.run("calibrate-simulation", [lockbench.PROGRAM, str(run), "--seeds", "1", "--out",
                                                              str(found)]))
        fitted = json.loads(found.read_text())
        self.assertLess(abs(fitted["transfers"]["llc"]["ns"] / 70 - 1), 0.1)
        for name, value in true.items():
            self.assertLess(abs(fitted["parameters"][name]["value"] / value - 1), 0.15, name)
            self.assertIn("fitted to", fitted["parameters"][name]["source"])
        self.simulate(found, "again", "--locks", "mcs,ticket,clh", "--threads", "2", "--placement", "compact",
                      "--duration", "0.0005")
        measured = {row["lock"]: float(row["ops_per_s"]) for row in rows if row["threads"] == "2"}
        for row in self.rows(self.folder / "again"):
            self.assertLess(abs(float(row["ops_per_s"]) / measured[row["lock"]] - 1), 0.05, row["lock"])

    def test_a_run_that_tells_nothing_is_refused(self) -> None:
        self.simulate(self.host(), "busy", "--locks", "mcs", "--threads", "2")
        self.assertEqual(2, verb.run("calibrate-simulation", [lockbench.PROGRAM, str(self.folder / "busy")]))


if __name__ == "__main__":
    lockbench.main()
