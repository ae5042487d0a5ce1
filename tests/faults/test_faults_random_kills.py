"""Random kills of every process of a session: nothing acknowledged is lost, nothing runs twice, no line after a stop.

Every step notes in a ledger, by its run, that it began; its child notes that it was told to stop, and then exits in
the ordinary way; the line after it notes that it ran. `QUARTERDECK_SEED` draws other kills.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from faultkit import Night, gone, wait_until
from machine import needs, seed_of_run

from quarterdeck.errors import StationError
from quarterdeck.session import intents
from quarterdeck.session.event import Event
from quarterdeck.session.events import CommandEnded, payload

TARGETS = ("station", "runner", "observer", "console")
STEPS = 6
HEAD = """
quarterdeck: 1
id: kills
title: Random kills
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
targets:
  here: {type: local, every: 1s}
stages:
  - id: work
    title: Work
    steps:
"""
STEP = """
      - id: s{number}
        title: Step {number}
        kind: command
        duration: 5s
        after: []
        command: [bash, "${{quarterdeck.home}}/step", "${{quarterdeck.home}}/ledger"]
        on_halt: {{action: terminate, grace: 5s}}
        undo: {{none: It only writes into a ledger}}
"""
SCRIPT = """
echo "$QUARTERDECK_RUN began" >> "$1"
perl -e 'my ($ledger, $run) = @ARGV;
  $SIG{INT} = $SIG{TERM} = sub { open(my $to, ">>", $ledger); print $to "$run stopped\\n"; close $to; exit 0 };
  select(undef, undef, undef, 0.05) for 1 .. 20' "$1" "$QUARTERDECK_RUN"
echo "$QUARTERDECK_RUN went-on" >> "$1"
"""


class Wrong(NamedTuple):
    """What must not be, and for what."""

    what: str
    which: object


def wrongs(ledger: Iterable[str], events: Iterable[Event], acknowledged: set[str]) -> list[Wrong]:
    """Hold a ledger and a history against each other."""
    events, found = list(events), []
    lines: dict[str, list[str]] = {}
    for line in ledger:
        run, _, what = line.partition(" ")
        lines.setdefault(run, []).append(what)
    known = {payload(event).run for event in events if event.kind == "step.started"}  # type: ignore[attr-defined]
    if lost := acknowledged - {event.id for event in events}:
        found.append(Wrong("acknowledged and lost", sorted(lost)))
    found += [Wrong("ran twice", run) for run, said in lines.items() if said.count("began") > 1]
    found += [Wrong("ran, and the record does not know", run) for run in lines if run not in known]
    for run, said in lines.items():
        if "stopped" in said and "went-on" in said[said.index("stopped") :]:
            found.append(Wrong("a line after a stop", run))
    for replica in {event.replica for event in events}:
        chain = [event.aseq for event in events if event.replica == replica]
        if chain != list(range(1, len(chain) + 1)):
            found.append(Wrong("a chain with a hole", replica))
    return found


class Round:
    """One session, and what is done to it."""

    def __init__(self, night: Night, chance: random.Random) -> None:
        self.night, self.chance = night, chance
        self.acknowledged: set[str] = set()
        self.killed: Counter[str] = Counter()
        self._next = 1
        night.open(HEAD + "".join(STEP.format(number=number) for number in range(1, STEPS + 1)))
        (night.home / "step").write_text(SCRIPT)
        night.do(intents.StartSession())
        self.console = night.attach()

    def ask(self, intent: intents.Intent) -> None:
        """Ask; what was acknowledged is remembered. A station that died in the middle of an answer said nothing."""
        try:
            self.acknowledged.update(self.night.do(intent).events)
        except (StationError, AssertionError):
            return

    def forward(self) -> None:
        """Bring the session back to where steps start."""
        session = self.night.session()
        if session.live_halts():
            wait_until(lambda: self.night.session().state == "halted", 20, "the halt to be over")
            self.ask(intents.GoOn(halts=session.live_halts(), reason="on with it"))
        if self.night.session().paused:
            self.ask(intents.GoOn(reason="on with it", accept="known", override="known"))

    def kill(self) -> None:
        """One act, and one kill in the middle of it."""
        self.forward()
        self.ask(intents.StartStep(step=f"s{self._next}"))
        self._next += 1
        for number in range(3):
            self.ask(intents.AddNote(text=f"note {number}"))
        halts = self.chance.random() < 0.5
        acts: list[Callable[[], None]] = [self._kill_something]
        if halts:
            nonce = secrets.token_hex(8)
            acts.append(lambda: self.ask(intents.Halt(nonce=nonce, reason="enough")))
        self.chance.shuffle(acts)
        for act in acts:
            signal.sigtimedwait([], self.chance.uniform(0.0, 0.3))  # the moment is what is random here
            act()
        self.ask(intents.AddNote(text="it is there"))

    def _kill_something(self) -> None:
        kind = self.chance.choice(TARGETS)
        pids = self._pids(kind)
        if not pids:  # nothing of it is alive at this moment
            kind, pids = "station", self._pids("station")
        os.kill(pids[0], signal.SIGKILL)
        wait_until(partial(gone, pids[0]), what=f"the end of the {kind}")
        self.killed[kind] += 1
        if kind == "console":
            self.console = self.night.attach()

    def _pids(self, kind: str) -> list[int]:
        if kind == "console":
            return [self.console.pid]
        if kind == "station":
            return [pid for pid in [self.night.station()] if pid]
        return self.night.named(f"quarterdeck.{kind}")

    def end(self) -> list[Wrong]:
        """Let everything come to an end, and look."""
        wait_until(lambda: not self.night.session().running() or self.night.session().live_halts())
        events = self.night.events()
        ledger = (self.night.home / "ledger").read_text().splitlines()
        found = wrongs(ledger, events, self.acknowledged)
        exported = self.night.verb("export", self.night.folder.name, "-o", str(self.night.scratch / "record"))
        verified = self.night.verb("verify", str(self.night.scratch / "record"))
        if exported.returncode or verified.returncode:
            found.append(Wrong("the record does not verify", exported.stderr + verified.stdout))
        return found


def test_random_kills_lose_nothing_repeat_nothing_and_run_no_line_after_a_stop(night: Night) -> None:
    needs("bash", "perl")
    kills = 4
    seed = seed_of_run()
    act = Round(night, random.Random(seed))
    for _ in range(kills):
        act.kill()
    found = act.end()
    stopped = (night.home / "ledger").read_text().count("stopped")
    counts = f"killed {dict(act.killed)}, {len(act.acknowledged)} events acknowledged, {stopped} steps stopped"
    print(f"seed {seed}: {counts}")  # noqa: T201 - the counts are the result of a soak
    assert not found, f"seed {seed}: {found}"
    assert sum(act.killed.values()) == kills


def test_the_check_of_random_kills_sees_what_it_is_for(night: Night) -> None:
    night.open()
    night.begin()
    events, run = night.events(), night.run_of("long")
    ids = {event.id for event in events}
    assert wrongs([f"{run} began", f"{run} went-on"], events, ids) == []
    assert wrongs([f"{run} began", f"{run} stopped"], events, ids) == []
    assert [w.what for w in wrongs([f"{run} began"], events, ids | {"r:99"})] == ["acknowledged and lost"]
    assert [w.what for w in wrongs([f"{run} began"] * 2, events, ids)] == ["ran twice"]
    assert [w.what for w in wrongs(["other began"], events, ids)] == ["ran, and the record does not know"]
    after = [f"{run} began", f"{run} stopped", f"{run} went-on"]
    assert [w.what for w in wrongs(after, events, ids)] == ["a line after a stop"]
    assert [w.what for w in wrongs([], events[:1] + events[2:], set())] == ["a chain with a hole"]
    assert CommandEnded.kind in {event.kind for event in events}
