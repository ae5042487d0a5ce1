"""A session in which processes are killed at random, while notes are taken, steps run, and halts and stops come.

Everything random comes from one `Random`, so that a seed repeats the choices; the machine's own timing stays its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from faultkit import Night, gone, wait_until
from ledger import faults, out_of_reach, read_ledger
from ptyterminal import Terminal

from quarterdeck.errors import StationError
from quarterdeck.session import intents
from quarterdeck.session.state import Session
from quarterdeck.station.halt_files import file_halt, halt_names, new_nonce
from quarterdeck.station.wire.blocking_client import ask_once
from quarterdeck.station.wire.protocol import Answered

__all__ = ["VICTIMS", "Soak", "Victim"]

Victim = Literal["station", "runner", "observer", "console"]
VICTIMS: tuple[Victim, ...] = ("station", "runner", "observer", "console")
STEPS = 40
PATIENCE = 60.0
"""Seconds that a loaded machine may take for anything."""
F9 = "\x1b[20~"
SPAN = 1.2
"""Seconds of a round in which the kill and whatever people do come."""
PAUSE = 0.03
"""Seconds between two notes."""

WORKER = """
import os, signal, sys, time
def interrupted(*_):
    with open(sys.argv[1], "a") as ledger:
        ledger.write(f"{os.environ['QUARTERDECK_RUN']} interrupted {time.time():.6f}\\n")
    sys.exit(0)
signal.signal(signal.SIGINT, interrupted)
time.sleep(float(sys.argv[2]))
"""
"""A line's command that cleans up when it is interrupted and ends in the ordinary way, as psql and rsync do."""
SAY = 'say() { echo "$QUARTERDECK_RUN $1 $EPOCHREALTIME" >> "$0"; }\n'
LINES = """say begun
"$1" -ISc "$2" "$0" "$3"
say second
"$1" -ISc "$2" "$0" "$4"
say third
"$1" -ISc "$2" "$0" "$5"
say ended"""
NESTED = f"""say begun
bash -c '{SAY}"$1" -ISc "$2" "$0" "$3"
say inner' "$@"
say second
"$1" -ISc "$2" "$0" "$4"
say ended"""
HEAD = """
quarterdeck: 1
id: soak
title: A session in which everything dies
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
targets:
  here: {type: local, title: This host, every: 1s}
stages:
  - id: work
    title: Work
    steps:
"""


def procedure(ledger: Path, chance: random.Random) -> str:
    """Steps of several lines each, all of which write to the ledger."""
    text = HEAD
    for number in range(STEPS):
        naps = [f"{chance.uniform(0.1, 0.6):.2f}" for _ in range(3)]
        script = SAY + (NESTED.replace('"$@"', '"$0" "$@"') if number % 2 else LINES)
        step = {
            "id": f"s{number}", "title": f"Step {number}", "kind": "command", "duration": "2s", "after": [],
            "command": ["bash", "-c", script, str(ledger), sys.executable, WORKER, *naps],
            "on_halt": {"action": "terminate", "grace": "5s"}, "undo": {"none": "A line in a ledger stays"},
        }  # fmt: skip
        text += f"      - {json.dumps(step)}\n"
    return text


class Soak:
    """Sessions of one night, one after the other."""

    def __init__(self, night: Night, chance: random.Random) -> None:
        self.faults: list[str] = []
        """What was found wrong, in words."""
        self.counts: Counter[str] = Counter()
        """What was done (the victims by their names), and what is no fault and worth knowing:

        `left frozen`: processes whose runner was killed while it ended them; `lines out of reach`: see `ledger`.
        """
        self._night, self._chance = night, chance
        self._console: Terminal | None = None
        self._notes: dict[str, str] = {}
        self._steps: list[str] = []
        self._ledger = Path()

    # -- one session -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Begin a session with a console on it."""
        self.counts["sessions"] += 1
        self._ledger = self._night.scratch / f"ledger-{self.counts['sessions']}"
        self._night.open(procedure(self._ledger, self._chance))
        self._notes = {}
        self._steps = [f"s{number}" for number in range(STEPS)]
        self._console = self._night.attach()
        self._night.do(intents.StartSession())

    def finish(self) -> None:
        """Let everything come to its end, and hold the ledger against the record."""
        night = self._night
        self._settle()
        wait_until(lambda: not self._declared().running(), PATIENCE, "the last command")
        wait_until(lambda: not self._at_work(), PATIENCE, "the end of what killed runners left")
        self.counts["left frozen"] += len(night.commands())
        night.end_commands()
        events, lines = night.events(), read_ledger(self._ledger.read_text())
        self.counts["runs"] += sum(event.kind == "step.started" for event in events)
        self.counts["lines"] += len(lines)
        self.counts["lines out of reach"] += len(out_of_reach(lines, events))
        self.faults += faults(lines, events, self._notes, halt_names(night.folder))
        record = str(night.scratch / f"record-{self.counts['sessions']}")
        for words in (("export", night.folder.name, "-o", record), ("verify", record)):
            said = night.verb(*words)
            if said.returncode:
                self.faults.append(f"{words[0]}: {said.stdout}{said.stderr}")
        self._leave_console()
        night.kill_station()

    def _at_work(self) -> list[int]:
        """Commands that go on; one whose runner was killed in the middle of ending it may stay frozen."""
        found = []
        for pid in self._night.commands():
            with contextlib.suppress(OSError):
                state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
                found += [pid] * (state not in {b"T", b"Z", b"X"})
        return found

    def _leave_console(self) -> None:
        if self._console is not None:
            self._night.terminals.remove(self._console)
            self._console.close()
            self._console = None

    # -- one kill --------------------------------------------------------------------------------------------------

    def kill(self, victim: Victim) -> None:
        """Kill one process at a random time, in the middle of notes, steps, halts and stops."""
        struck = False
        while not struck:  # it may be that nothing of that kind runs just then
            if len(self._steps) < 2:
                self.finish()
                self.open()
            struck = self._strike(victim)
        self.counts[victim] += 1
        if victim == "console":
            self._leave_console()
            self._console = self._night.attach()

    def _strike(self, victim: Victim) -> bool:
        """One try; whether there was something to kill."""
        session = self._settle()
        for _ in range(len(session.running()), min(2, len(self._steps))):
            self._start_step()
        struck: list[int] = []
        strike = threading.Timer(self._chance.uniform(0.0, SPAN), lambda: struck.append(self._end(victim)))
        acts: list[Callable[[], None]] = [self._halt, self._halt_from_the_console, self._stop]
        act = self._chance.choice([*acts, *([self._do_nothing] * len(acts))])
        when = time.monotonic() + self._chance.uniform(0.0, SPAN)
        acted = False
        strike.start()
        while not (struck and acted):
            self._note(f"until the {victim} is killed")
            if not acted and time.monotonic() >= when:
                act()
                acted = True
            strike.join(PAUSE)
        (pid,) = struck
        wait_until(lambda: not pid or gone(pid), PATIENCE, f"the {victim}'s end")
        return bool(pid)

    def _end(self, victim: Victim) -> int:
        """Kill it; its number, 0 where it is not there."""
        pid = self._find(victim)
        try:
            if pid:
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it has just ended by itself
            return 0
        return pid

    def _find(self, victim: Victim) -> int:
        night = self._night
        match victim:
            case "station":
                return night.station()
            case "console":
                return self._console.pid if self._console is not None else 0
            case "observer":
                return next(iter(night.named("quarterdeck.observer")), 0)
            case "runner":
                return next(iter(night.named(f"quarterdeck.runner {night.folder}")), 0)

    # -- what people do --------------------------------------------------------------------------------------------

    def _ask(self, intent: intents.Intent) -> Answered | None:
        """Ask; None where no answer came, and nothing is known."""
        with contextlib.suppress(StationError):
            return ask_once(self._night.folder, intent, timeout=PATIENCE)
        return None

    def _note(self, text: str) -> None:
        answered = self._ask(intents.AddNote(text=text))
        if answered is not None and not answered.refusal:
            self._notes[answered.events[0]] = text
            self.counts["notes"] += 1

    def _start_step(self) -> None:
        answered = self._ask(intents.StartStep(step=self._steps[0]))
        if answered is None or not answered.refusal:  # without an answer it may have begun
            self._steps.pop(0)

    def _halt(self) -> None:
        """File it, as everybody does who halts, then ask."""
        nonce = new_nonce()
        file_halt(self._night.folder, nonce, reason="a random halt")
        self._ask(intents.Halt(nonce=nonce, reason="a random halt"))
        self.counts["halts"] += 1

    def _halt_from_the_console(self) -> None:
        console = self._console
        before = halt_names(self._night.folder)
        if console is None or console.poll() is not None:
            return
        with contextlib.suppress(OSError):  # it is being killed
            console.send(F9)
        wait_until(
            lambda: console.poll() is not None or halt_names(self._night.folder) != before,
            PATIENCE,
            "the halt's file",
        )
        self.counts["halts"] += halt_names(self._night.folder) != before

    def _do_nothing(self) -> None:
        """Let the commands work."""

    def _stop(self) -> None:
        for run in self._session().running():
            self._ask(intents.StopCommand(step=run.id, reason="a random stop"))
            self.counts["stops"] += 1

    # -- going on --------------------------------------------------------------------------------------------------

    def _session(self) -> Session:
        """The state; a station that was killed comes back for it."""
        while True:
            self._note("how is it")
            with contextlib.suppress(StationError):
                return self._night.session()

    def _declared(self) -> Session:
        """The state; what could not be proven gone is declared gone."""
        session = self._session()
        for run in session.steps.values():
            if run.unproven:
                self._ask(intents.DeclareGone(step=run.id, note="it ends by itself"))
        return session

    def _settle(self) -> Session:
        """Answer halts and pauses until the forward plan runs."""
        until = time.monotonic() + PATIENCE
        while (session := self._declared()).state != "running":
            if session.state == "halted":
                self._ask(intents.GoOn(halts=session.live_halts(), reason="go on with it"))
            elif session.state == "paused":
                self._ask(intents.GoOn())
            else:
                time.sleep(0.05)  # commands are being ended
            if time.monotonic() > until:
                raise AssertionError(f"it stays {session.state}: {[run.id for run in session.running()]}")
        return session
