"""Nothing that a command, a person or another program leaves lying about makes a station wait for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from stationkit import SMALL

from quarterdeck.session import intents

Attach = Callable[..., Awaitable[Any]]
Opened = Callable[..., Path]

LINE = "a" * 90 + "b"
ENDLESS = "^((?:a|aa)+)$"


async def test_a_record_pattern_that_takes_for_ever_finds_nothing_and_says_so(opened: Opened, attach: Attach) -> None:
    slow = SMALL.replace("hello 42", LINE).replace("hello (\\\\d+)", ENDLESS)
    lead = await attach(opened(slow))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: bool(lead.session.steps["hello"].proofs), 30)
    hello = lead.session.steps["hello"]
    assert hello.state == "verifying"
    assert hello.values == {}
    assert [(proof.ok, proof.read) for proof in hello.proofs] == [
        (None, "not searched: the pattern took longer than 1 s")
    ]
    await lead.do(intents.Halt(nonce="stop"))
    await lead.until(lambda: bool(lead.session.live_halts()))


async def test_a_verification_that_takes_for_ever_is_unknown_and_the_station_answers_meanwhile(
    opened: Opened, attach: Attach
) -> None:
    slow = SMALL.replace(
        'record: [{name: n, type: integer, pattern: "hello (\\\\d+)"}]',
        f'verify: [{{command: [echo, {LINE}], expect: {{matches: "{ENDLESS}"}}, within: 1s}}]',
    )
    lead = await attach(opened(slow))
    await lead.do(intents.StartSession())
    await lead.do(intents.StartStep(step="hello"))
    await lead.until(lambda: lead.state("hello") == "verifying", 30)
    await lead.do(intents.AddNote(text="it answers"))
    await lead.until(lambda: bool(lead.session.steps["hello"].proofs), 30)
    (proof,) = lead.session.steps["hello"].proofs
    assert proof.ok is None
    assert proof.read.startswith("not searched: the pattern took longer than 1 s")
