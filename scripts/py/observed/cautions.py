# SPDX-License-Identifier: MIT
"""What to think of before a profile's figures are believed."""

from __future__ import annotations

from common.units import rough
from observed.groups import Nesting
from observed.profile import Profile

DEAR_PCT = 5


def cautions(profile: Profile, nested: list[Nesting]) -> list[str]:
    whole, cost = profile.whole, profile.whole["cost"]
    found = []
    if whole["lost_events"]:
        found.append(f"{whole['lost_events']} acquisitions found no room in the recording and are in none of the "
                     "figures")
    if whole["unmatched_unlocks"]:
        found.append(f"{whole['unmatched_unlocks']} unlocks were by threads that had not taken the lock: those "
                     "sections have no length")
    if whole["ended"] == "runs":
        found.append("the program was still running when this was written")
    elif whole["ended"] != "exit 0":
        found.append(f"the program ended with {whole['ended']}")
    if whole["threads"] > whole["cpus"]:
        found.append(f"{whole['threads']} threads on {whole['cpus']} CPUs: long waits and sections have time slices of "
                     "others in them")
    if isinstance(cost.get("share_pct"), (int, float)) and cost["share_pct"] > DEAR_PCT:
        found.append(f"observing took {rough(cost['share_pct'])} % of the program's CPU time: sections and waits seem "
                     "longer than they are")
    found += [f"locks of {pair.outer} and of {pair.inner} are taken each under the other: threads that do so at once "
              "wait for each other for ever" for pair in nested if pair.is_both_ways and pair.outer <= pair.inner]
    return found
