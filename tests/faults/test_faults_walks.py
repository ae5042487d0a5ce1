"""Random walks against a second model of the rollback list; `QUARTERDECK_SEED` draws others."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

import pytest
from faultkit import Night
from machine import needs, seed_of_run
from walking import Walk

SHARES = 2
LENGTH = 25
"""Acts of a walk, before its rollback."""


@pytest.mark.parametrize(
    ("share", "walks"),
    [
        (0, 2),
        *[pytest.param(n, 50, marks=[pytest.mark.soak, pytest.mark.timeout(900)]) for n in range(1, SHARES + 1)],
    ],
)
def test_random_walks_list_undo_and_record_what_the_rule_says(
    night: Night, share: int, walks: int, record_property: Callable[[str, object], None]
) -> None:
    needs("bash")
    seed = seed_of_run()
    counts: Counter[str] = Counter()
    faults: list[str] = []
    began = time.monotonic()
    for number in range(walks):
        walk = Walk(night, random.Random(f"{seed} {share} {number}"))
        try:
            walk.run(LENGTH)
        finally:
            counts += walk.counts
            faults += [f"walk {number}: {fault}" for fault in walk.faults]
    said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    record_property(
        "soak",
        f"walks, share {share}, QUARTERDECK_SEED={seed}: {walks} walks in {time.monotonic() - began:.0f} s; {said}; "
        f"{len(faults)} faults",
    )
    assert counts["compared"] > walks * LENGTH
    assert counts["undone"]
    assert not faults, "\n".join(faults)
