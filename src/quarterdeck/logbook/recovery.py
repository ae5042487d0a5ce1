"""Opening a session: verify both recorders, let their union count, repair each from the other, and say so.

A fork or a hole that neither can fill opens read-only. A folder that was copied or restored from a backup continues
under a new replica id, since the old one may have gone on elsewhere. Must never throw a byte away: what is damaged
is set aside.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from quarterdeck.errors import LogbookError
from quarterdeck.logbook import sqlite
from quarterdeck.logbook.agreement import agree
from quarterdeck.logbook.chain import Problem, Verified, verify
from quarterdeck.logbook.disk import Disk
from quarterdeck.logbook.event_store import EventStore
from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.protocol import DamageError, Head, Logbook, NewerFormatError, RecorderError, StoredEvent
from quarterdeck.logbook.read_only import Weighed, collector_paused, copy_database, weigh
from quarterdeck.logbook.recorder import LINE_OVERHEAD, FlightRecorder, Scan, scan
from quarterdeck.logbook.salvage import damaged, salvage_batches, salvage_events, set_aside
from quarterdeck.logbook.samples import batch_hash, named_by
from quarterdeck.logbook.sqlite import SqliteLogbook
from quarterdeck.logbook.writer import OK
from quarterdeck.regular_files import read_regular
from quarterdeck.session.event import Event, digest
from quarterdeck.session.events import FactNoted, Payload, RecorderChanged, ReplicaBurned, payload
from quarterdeck.session.fold import Folding

__all__ = ["Opened", "Taken", "open_recorders"]


_AT_A_TIME = 200
"""Batches of samples that are appended together."""


class Taken:
    """What is kept of the events, each of which is decoded once."""

    def __init__(self) -> None:
        self.store = EventStore()
        self.folding = Folding(everything=self.store.events)
        self.named: Counter[str] = Counter()
        """Batches of samples that each replica's events name."""

    def take(self, event: Event, raw: bytes) -> None:
        """The next one."""
        self.store.append(event, raw)
        self.folding.add(event)
        if batches := named_by(event):
            self.named[event.replica] += batches


class Opened(Struct):
    """A session whose recorders are open and agree."""

    taken: Taken
    verified: Verified
    """Its events stand in `taken`."""
    book: SqliteLogbook
    recorder: FlightRecorder
    states: dict[str, str]
    """`logbook` and `recorder`: `ok`, or why it cannot be written."""
    replica: str
    news: list[Payload]
    """What was found and done, to be written as the first events of this opening."""
    read_only: str = ""
    """Why nothing may be written; empty: it may."""
    problems: list[Problem] = field(default_factory=list)


class _Source(Struct):
    """What one recorder held."""

    lines: list[tuple[str, bytes]] = field(default_factory=list)
    state: str = OK
    newer: str = ""
    repaired: list[str] = field(default_factory=list)
    """What was wrong with the file, in words."""
    aside: Path | None = None
    """The file that was set aside: the one that is open now is new and holds nothing of `lines`."""


def open_recorders(
    folder: SessionFolder,
    session: str,
    *,
    new_replica: Callable[[], str],
    disk: Disk,
    connector: Callable[[Path], Any] = sqlite.connect,
) -> Opened:
    """Open both recorders of a session; a session that is new is made. LogbookError where neither can be opened."""
    book = SqliteLogbook(folder.database, session, connector=connector)
    recorder = FlightRecorder(folder.recorder, session, samples=folder.recorder_samples, disk=disk)
    with collector_paused():
        logbook_source = _Source()
        _tried(book, folder, logbook_source, book.open)
        taken = Taken()
        agreed = _agreed(book, folder, session, taken) if logbook_source.state == OK else None
        recorder_source = _open_recorder(recorder, folder.recorder, agreed[1] if agreed else None)
        if agreed:
            verified, weighed = Verified([], agreed[0], [], []), Weighed({}, set(), set())
        else:
            _tried(book, folder, logbook_source, lambda: _read(book, logbook_source))
            weighed = weigh(logbook_source.lines, recorder_source.lines)
            verified = verify(session, weighed.good, folder.marks("burned"))
            taken = Taken()
            for event, raw in verified.events:
                taken.take(event, raw)
    if weighed.logbook_damaged and logbook_source.state == OK:
        logbook_source.repaired.append(f"{weighed.logbook_damaged} rows were damaged")
        _replace_logbook(book, folder, logbook_source)
    if logbook_source.aside:
        weighed.in_logbook = set()
    opened = Opened(
        taken,
        verified,
        book,
        recorder,
        {"logbook": logbook_source.state, "recorder": recorder_source.state},
        replica="",
        news=[],
        problems=list(verified.problems),
    )
    if OK not in opened.states.values() and not len(taken.store):
        raise LogbookError(
            f"The session can be written nowhere: {logbook_source.state}; {recorder_source.state}",
            where=str(folder.path),
            hint="free some space or set QUARTERDECK_HOME to another folder",
        )
    opened.read_only = _why_read_only(opened, logbook_source, recorder_source)
    opened.replica = _replica(opened, folder, new_replica, lost=_lost_its_end(weighed, verified, logbook_source))
    if opened.read_only:
        book.close()
        recorder.close()
        return opened
    _repair(opened, weighed, logbook_source, recorder_source)
    _introduce(opened)
    return opened


# ---------------------------------------------------------------- opening each


def _tried(book: SqliteLogbook, folder: SessionFolder, source: _Source, what: Callable[[], None]) -> None:
    """Let the logbook do something with its file; what cannot be read of it is taken from elsewhere."""
    try:
        what()
    except DamageError as error:
        source.repaired.append(error.message)
        _replace_logbook(book, folder, source)
    except NewerFormatError as error:
        source.newer, source.state = str(error), error.message
    except RecorderError as error:
        source.state = error.message
        with contextlib.suppress(LogbookError, OSError), tempfile.TemporaryDirectory() as temporary:
            source.lines = _salvaged(copy_database(folder.database, Path(temporary)))


def _agreed(
    book: SqliteLogbook, folder: SessionFolder, session: str, taken: Taken
) -> tuple[dict[str, Head], Scan] | None:
    """What both hold, where that is the same and nothing else is to be known."""
    if folder.marks("burned"):
        return None
    try:
        return agree(session, book.found(), folder.recorder, taken.take)
    except LogbookError:
        return None  # the long way meets it again


def _read(book: SqliteLogbook, source: _Source) -> None:
    if source.state == OK and not source.aside:
        source.lines = book.rows()


def _replace_logbook(book: SqliteLogbook, folder: SessionFolder, source: _Source) -> None:
    """Set a damaged logbook aside, take from it what can be read, and begin a new one."""
    book.close()
    aside = set_aside(folder.database)
    source.lines = source.lines or _salvaged(aside)
    source.aside = aside
    source.repaired.append(f"kept as {aside.name}")
    try:
        book.open()
    except (RecorderError, DamageError) as error:
        source.state = error.message


def _salvaged(path: Path) -> list[tuple[str, bytes]]:
    with damaged(path) as connection:
        return [(event.hash, event.raw) for event in salvage_events(connection)]


def _open_recorder(recorder: FlightRecorder, path: Path, known: Scan | None) -> _Source:
    source = _Source()
    found = Scan(lines=[])
    try:
        recorder.open(known=known)
        found, recorder.found = recorder.found, Scan(lines=[])
        if recorder.cut:
            source.repaired.append(f"an unfinished last line of {recorder.cut} bytes was cut")
    except NewerFormatError as error:
        source.newer, source.state = str(error), error.message
        found = _look(path)
    except LogbookError as error:
        source.state = error.message
        found = _look(path)
    if found.damaged:
        source.repaired.append(f"{found.damaged} lines were damaged")
    source.lines = found.lines
    return source


def _look(path: Path) -> Scan:
    try:
        return scan(read_regular(path))
    except OSError:
        return Scan(lines=[])


# ---------------------------------------------------------------- judging


def _why_read_only(opened: Opened, *sources: _Source) -> str:
    for source in sources:
        if source.newer:
            return source.newer
    for problem in opened.problems:
        if problem.what == "fork":
            return f"{problem.text}: this copy does not fit. Nothing can be written to it; export still works"
        if problem.what == "gap":
            return f"{problem.text} in both recorders. Nothing can be written; export still works"
        if problem.what in ("newer", "unreadable"):
            return problem.text
    return ""


def _lost_its_end(weighed: Weighed, verified: Verified, logbook: _Source) -> bool:
    """Whether there were events at the end that both recorders lost: their ids must not be used again.

    What is damaged at one recorder's end has to be something that the other one holds and this one does not. Of a
    damaged logbook file nobody knows what it held, so the flight recorder has to be whole up to the last event.
    """
    for here, there, after in (
        (weighed.in_logbook, weighed.in_recorder, weighed.hurt_ends[0]),
        (weighed.in_recorder, weighed.in_logbook, weighed.hurt_ends[1]),
    ):
        if after and after > sum(LINE_OVERHEAD + len(weighed.good[link]) for link in there - here):
            return True
    is_last = weighed.last_in_recorder in {head.hash for head in verified.chains.values()}
    return bool(logbook.repaired) and (bool(weighed.hurt_ends[1]) or not is_last)


def _replica(opened: Opened, folder: SessionFolder, new_replica: Callable[[], str], *, lost: bool) -> str:
    """The id to go on under. Another one than before where the old one may live on elsewhere, or lost its end."""
    header = opened.recorder.header
    about = opened.book.about
    known = [name for name in (about.replica, header.replica if header else "") if name]
    gone = {
        getattr(payload(event), "old", "") for event, _ in opened.verified.events if event.kind == "replica.burned"
    }
    burned = folder.marks("burned")
    for name in [name for name in opened.verified.chains if name in burned and name not in gone]:
        why = "what came after that could not be recorded and was refused"
        opened.news.append(ReplicaBurned(old=name, why=why, last=burned[name]))
    gone |= burned.keys()
    known = [name for name in known if name not in gone] or [
        name for name in opened.verified.chains if name not in gone and not known
    ]
    if not known:
        return new_replica()
    replica = known[0]
    why = ""
    if opened.states["logbook"] == OK and about.identity and about.identity != opened.book.called:
        why = "the logbook was copied or restored from a backup"
    elif opened.states["recorder"] == OK and header is not None and header.identity != opened.recorder.identity_now():
        why = "the flight recorder was copied or restored from a backup"
    head = opened.verified.chains.get(replica, Head(0, ""))
    unsaved = folder.marks("shown").get(replica, 0) > head.aseq
    if opened.read_only or not (why or lost or unsaved):
        return replica
    if lost or unsaved:
        what = "what came after that is damaged in both recorders" if lost else "what was shown after that is lost"
        why = f"{why}; {what}" if why else what
    opened.news.append(ReplicaBurned(old=replica, why=why, last=head.aseq if lost or unsaved else None))
    return new_replica()


# ---------------------------------------------------------------- repairing


def _repair(opened: Opened, weighed: Weighed, logbook: _Source, recorder: _Source) -> None:
    """Give each recorder what only the other one had."""
    everything = weighed.good.keys()
    if weighed.in_recorder >= everything and not opened.verified.held:
        opened.recorder.adopt_whole(opened.verified.chains)
    else:
        opened.recorder.adopt([event for event in _stored(opened.verified) if event.hash in weighed.in_recorder])
    for name, book, source, there in (
        ("logbook", opened.book, logbook, weighed.in_logbook),
        ("recorder", opened.recorder, recorder, weighed.in_recorder),
    ):
        missing = (
            [] if there >= everything else [event for event in _stored(opened.verified) if event.hash not in there]
        )
        if opened.states[name] != OK:
            opened.news.append(RecorderChanged(recorder=name, state="lost", detail=opened.states[name]))
            continue
        try:
            if missing:
                book.append(missing)
            samples = _append_samples(book, source.aside) if source.aside else 0
        except LogbookError as error:
            opened.states[name] = error.message
            continue
        if missing or samples or any("cut" in what for what in source.repaired):
            taken = f"events written into it again: {len(missing)}" if missing else ""
            detail = "; ".join([*source.repaired, *([taken] if taken else [])])
            opened.news.append(RecorderChanged(recorder=name, state="repaired", detail=detail))
    if any(problem.what == "foreign" for problem in opened.problems):
        opened.news.append(FactNoted(text="Events of another session lie here; they are ignored", level="alarm"))


def _append_samples(book: Logbook, aside: Path) -> int:
    """Append the batches that are still whole in the file that was set aside, some at a time; their number."""
    count = 0
    with damaged(aside) as connection:
        found = (batch for _, batch in salvage_batches(connection) if batch_hash(batch.raw) == batch.hash)
        while batches := list(islice(found, _AT_A_TIME)):
            book.append((), batches)
            count += len(batches)
    return count


def _stored(verified: Verified) -> list[StoredEvent]:
    unique = {raw: event for event, raw in verified.events + verified.held}
    return [StoredEvent(event.replica, event.aseq, digest(raw), raw) for raw, event in unique.items()]


def _introduce(opened: Opened) -> None:
    """Write down who writes here from now on."""
    opened.book.replica = opened.recorder.replica = opened.replica
    header = opened.recorder.header
    steps: list[tuple[str, bool, Callable[[str], None]]] = [
        (
            "logbook",
            opened.book.about[1:] == (opened.replica, opened.book.called),
            opened.book.rename_replica,
        ),
        (
            "recorder",
            header is not None
            and opened.states["recorder"] == OK
            and (header.replica, header.identity) == (opened.replica, opened.recorder.identity_now()),
            opened.recorder.rename_replica,
        ),
    ]
    for name, known, rename in steps:
        if opened.states[name] == OK and not known:
            try:
                rename(opened.replica)
            except LogbookError as error:
                opened.states[name] = error.message
