"""Corruptions at random places of database, log and flight recorder: 200 in the soak, a few in the suite.

Each time the same choices, others with `QUARTERDECK_SEED`; each run says its seed and its counts at the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from corrupting import FILES, Corruptions
from faultkit import Night
from machine import needs, seed_of_run

SHARES = 2
BOTH_EVERY = 5
"""In every so manieth round recorder and logbook are damaged together: what is lost then has to be said."""
SOAK = pytest.mark.soak, pytest.mark.timeout(900)


@pytest.mark.parametrize(
    ("share", "corruptions"), [(0, 8), *(pytest.param(share, 100, marks=SOAK) for share in range(1, SHARES + 1))]
)
def test_random_corruptions_lose_nothing_acknowledged_run_nothing_twice_and_let_nothing_refused_come_true(
    night: Night, share: int, corruptions: int, record_property: Callable[[str, object], None]
) -> None:
    needs("bash")
    seed = seed_of_run()
    chance = random.Random(f"{seed} {share}")
    soak, began = Corruptions(night, chance), time.monotonic()
    number = 0
    try:
        while sum(soak.counts[name] for name in FILES) < corruptions:
            number += 1
            other = chance.choice(["database", "wal"])
            soak.corrupt(*(("recorder", other) if number % BOTH_EVERY == 0 else (chance.choice(FILES),)))
        soak.finish()
    finally:
        done = sum(soak.counts[name] for name in FILES)
        counts = ", ".join(f"{name} {count}" for name, count in sorted(soak.counts.items()))
        said = f"share {share} of {SHARES}, QUARTERDECK_SEED={seed}: {done} corruptions in"
        record_property("soak", f"{said} {time.monotonic() - began:.0f} s; {counts}; {len(soak.faults)} faults")
    assert soak.counts["notes"] > number
    assert not soak.faults, f"QUARTERDECK_SEED={seed}\n" + "\n".join(soak.faults)
