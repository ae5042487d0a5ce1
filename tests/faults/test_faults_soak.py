"""200 random kills of station, runner, observer and console, in shares that run side by side.

Each time the same choices, others with `QUARTERDECK_SEED`; each share says its seed and its counts at the end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from faultkit import Night
from killing import VICTIMS, Soak
from machine import needs, seed_of_run

SHARES = 4
KILLS = 50
"""In each share."""


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("share", range(SHARES))
def test_random_kills_lose_nothing_acknowledged_run_nothing_twice_and_let_no_line_follow_a_stop(
    night: Night, share: int, record_property: Callable[[str, object], None]
) -> None:
    needs("bash")
    seed = seed_of_run()
    chance = random.Random(f"{seed} {share}")
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(KILLS)]
    chance.shuffle(victims)
    soak, began = Soak(night, chance), time.monotonic()
    try:
        soak.open()
        for victim in victims:
            soak.kill(victim)
        soak.finish()
    finally:
        kills = sum(soak.counts[victim] for victim in VICTIMS)
        counts = ", ".join(f"{name} {count}" for name, count in sorted(soak.counts.items()))
        said = f"share {share} of {SHARES}, QUARTERDECK_SEED={seed}: {kills} kills in"
        record_property("soak", f"{said} {time.monotonic() - began:.0f} s; {counts}; {len(soak.faults)} faults")
    assert soak.counts["notes"] > KILLS
    assert soak.counts["lines"] > KILLS
    assert not soak.faults, "\n".join(soak.faults)
    assert not soak.counts["lines out of reach"]
