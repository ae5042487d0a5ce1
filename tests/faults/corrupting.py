"""A session whose station dies and whose files are damaged at random, again and again, while it is worked in.

Everything random comes from one `Random`, so that a seed repeats it.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faultkit import Night, gone, wait_until
from ledger import faults, read_ledger

from quarterdeck.session import intents
from quarterdeck.session.events import ReplicaBurned, payload
from quarterdeck.station.halt_files import halt_names
from quarterdeck.station.wire.blocking_client import Told, ask_once, history_of

__all__ = ["FILES", "Corruptions"]

FILES = ("database", "wal", "recorder")
ROUNDS = 12
"""In one session."""
PATIENCE = 60.0
"""Seconds that a loaded machine may take for anything."""
HEAD = """
quarterdeck: 1
id: corruptions
title: A session whose files are damaged
revision: 1
roles:
  lead: {title: Lead, backup: dba}
  dba: {title: DBA}
stages:
  - id: work
    title: Work
    steps:
"""
SCRIPT = 'say() { echo "$QUARTERDECK_RUN $1 $(date +%s.%N)" >> "$0"; }; say begun; say ended'
REFUSING = """
import os
from quarterdeck.logbook import disk, sqlite
from quarterdeck.logbook.protocol import RecorderError

def refuses(now=None):
    if os.path.exists({flag!r}) if now is None else now:
        raise OSError(5, "Input/output error")

class Disk(disk.Disk):
    def sync(self, fd):
        refuses()
        super().sync(fd)

class Connection:
    def __init__(self, path):
        refuses()
        self._inner = connect(path)
    def execute(self, statement, values=()):
        refused = statement == "COMMIT" and os.path.exists({flag!r})
        done = self._inner.execute(statement, values)
        refuses(refused)
        return done
    def __getattr__(self, name):
        return getattr(self._inner, name)

connect = sqlite.connect
from quarterdeck.logbook import session_log
whole = session_log.SessionLog.open.__func__
def opened(cls, folder, **options):
    return whole(cls, folder, **options, seams=session_log.Seams(disk=Disk(), connector=Connection))
session_log.SessionLog.open = classmethod(opened)
"""
"""Disks that refuse while a file is there; a commit that they refuse has come through all the same."""


class Corruptions:
    """Sessions of one night, one after the other."""

    def __init__(self, night: Night, chance: random.Random) -> None:
        self.faults: list[str] = []
        """What was found wrong, in words, with the damage before it."""
        self.counts: Counter[str] = Counter()
        """What was damaged (`FILES`), and what happened besides."""
        self._night, self._chance = night, chance
        self._flag = night.scratch / "refuses"
        self._damage: list[str] = []
        self._open()

    def _open(self) -> None:
        """Begin a session."""
        self.counts["sessions"] += 1
        self._ledger = self._night.scratch / f"ledger-{self.counts['sessions']}"
        self._ledger.touch()
        steps = [
            {"id": f"s{number}", "title": f"Step {number}", "kind": "command", "duration": "2s", "after": [],
             "command": ["bash", "-c", SCRIPT, str(self._ledger)], "undo": {"none": "A line stays"}}
            for number in range(ROUNDS)
        ]  # fmt: skip
        self._night.open(HEAD + "".join(f"      - {json.dumps(step)}\n" for step in steps))
        self._notes: dict[str, str] = {}
        self._refused: set[str] = set()
        self._ids: dict[str, bytes] = {}
        self._round = 0
        self._holed = self._cut = False
        self._start()
        self._night.do(intents.StartSession())

    def _start(self) -> None:
        self._night.start_station(REFUSING.format(flag=str(self._flag)))

    # -- one round -------------------------------------------------------------------------------------------------

    def corrupt(self, *files: str) -> None:
        """Work, end the station, damage files, start it again, and look what is left."""
        if self._round == ROUNDS:
            self.finish()
            self._open()
        self._work()
        self._round += 1
        if "wal" not in files and self._chance.random() < 0.3:
            self._end_well()
        else:
            self._night.kill_station()
        self._flag.unlink(missing_ok=True)
        self._damage = [self._hurt(name) for name in files]
        self._start()
        self._look(both=len(files) > 1)

    def _work(self) -> None:
        """A step and notes; sometimes something is refused, and sometimes it is killed while it refuses."""
        night, chance = self._night, self._chance
        session = night.session()
        if session.state == "paused":
            night.do(intents.GoOn())
        step = f"s{self._round}"
        night.do(intents.StartStep(step=step))
        night.until(step, "done", PATIENCE)
        for _ in range(chance.randrange(1, 4)):
            self._note()
        self._settle()
        if chance.random() < 0.5:
            self._flag.touch()
            for number in range(chance.randrange(1, 3)):
                said = f"refused {self._round} {number}"
                answered = ask_once(night.folder, intents.AddNote(text=said), timeout=PATIENCE)
                if not answered.refusal:
                    self._wrong(f"it is not refused: {said}")
                self._refused.add(said)
                self.counts["refused"] += 1
            if chance.random() < 0.5:
                self._flag.unlink()
                self._note()
                self._settle()

    def _note(self) -> None:
        said = f"note {self._round} {self._chance.getrandbits(32):x} {'x' * self._chance.randrange(400)}"
        (event,) = self._night.do(intents.AddNote(text=said)).events
        self._notes[event] = said
        self.counts["notes"] += 1

    def _settle(self) -> None:
        """Until both recorders hold the last note: what only one had may be lost with it."""
        last = list(self._notes.values())[-1].encode()
        files = [self._path(name) for name in FILES]

        def both() -> bool:
            database, wal, recorder = (path.read_bytes() if path.exists() else b"" for path in files)
            return last in recorder and (last in wal or last in database)

        wait_until(both, PATIENCE, "both recorders")

    def _end_well(self) -> None:
        """As on a machine that goes down: the log goes into the database."""
        pid = self._night.station()
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: gone(pid), PATIENCE, "the station's end")

    # -- damage ----------------------------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        night = self._night
        paths = {"database": night.folder / "logbook.db", "wal": night.folder / "logbook.db-wal"}
        return paths.get(name, night.home / "recorder" / f"{night.folder.name}.jsonl")

    def _hurt(self, name: str) -> str:
        """Damage a file at a random place, in a random way; in words."""
        path, chance = self._path(name), self._chance
        data = path.read_bytes() if path.exists() else b""
        if not data:
            return f"{name} is empty"
        at = chance.randrange(min(len(data), 4096) if chance.random() < 0.3 else len(data))
        ways: dict[str, Callable[[], bytes]] = {
            "flipped": lambda: data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
            "noise": lambda: data[:at] + chance.randbytes(min(64, len(data) - at)) + data[at + 64 :],
            "zeros": lambda: data[:at] + bytes(min(512, len(data) - at)) + data[at + 512 :],
            "cut": lambda: data[:at],
        }
        way = chance.choice(["flipped", "flipped", *ways])
        path.write_bytes(ways[way]())
        self.counts[name] += 1
        return f"{name}: {way} at {at} of {len(data)}"

    # -- looking ---------------------------------------------------------------------------------------------------

    def _wrong(self, what: str) -> None:
        self.faults.append(
            f"session {self.counts['sessions']}, round {self._round}, {'; '.join(self._damage)}: {what}"
        )

    def _look(self, *, both: bool) -> None:
        told = history_of(self._night.folder, timeout=PATIENCE)
        kept = {event.id: bytes(event.data) for event in told.events}
        lost = [id_ for id_ in self._notes if id_ not in kept]
        if lost and both:
            self._was_said(told)
        elif lost:
            self._wrong(f"acknowledged and lost: {lost}")
        for id_ in lost:
            del self._notes[id_]
        self.counts["lost with both"] += len(lost)
        if lost:  # its plan may be among it: what is left is exported, and another session begins
            self._round, self._cut = ROUNDS, True
        for id_, data in kept.items():
            if self._ids.setdefault(id_, data) != data:
                self._wrong(f"the id {id_} was used again")
        texts = [data.decode() for data in kept.values()]
        if came_true := [said for said in self._refused if any(f'"{said}"' in text for text in texts)]:
            self._wrong(f"refused and in force: {came_true}")
        self._read_ledger(told)
        if told.welcome.read_only:
            self.counts["read-only"] += 1
            if not both:
                self._wrong(f"read-only: {told.welcome.read_only}")
            self._round, self._holed = ROUNDS, True

    def _was_said(self, told: Told) -> None:
        burned = [what for event in told.events if isinstance(what := payload(event), ReplicaBurned)]
        if not told.welcome.read_only and not any(what.last is not None for what in burned):
            self._wrong("events are lost and nothing says so")

    def _read_ledger(self, told: Told) -> None:
        """Nothing ran twice, nothing unknown ran; steps that were lost with both files are not looked for."""
        known = {event.id: self._notes[event.id] for event in told.events if event.id in self._notes}
        found = faults(read_ledger(self._ledger.read_text()), told.events, known, halt_names(self._night.folder))
        for what in found:
            if not (what.startswith("the record does not know") and self.counts["lost with both"]):
                self._wrong(what)

    def finish(self) -> None:
        """The record of the session is exported and verified, and nothing that was said holds a traceback."""
        night = self._night
        record = str(night.scratch / f"record-{self.counts['sessions']}")
        for words in (("export", night.folder.name, "-o", record), ("verify", record), ("status", night.folder.name)):
            said = night.verb(*words)
            wrong = words[0] == "verify" and self._holed  # it has to say that events are missing
            if ((said.returncode != 0) is not wrong and not self._cut) or "Traceback" in said.stdout + said.stderr:
                self._wrong(f"{words[0]}: {said.stdout[-500:]}{said.stderr[-500:]}")
        for log in night.folder.glob("*.log"):
            if "Traceback" in (text := log.read_text()) or "a beat broke" in text:
                self._wrong(f"{log.name}: {text[-500:]}")
        night.kill_station()
