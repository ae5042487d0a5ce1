"""Reading a session without owning it, for export and status.

While a process owns the session only the flight recorder is read: a second connection could damage the logbook of a
living station. Where nobody owns it both are read, the logbook from a copy, so that reading changes nothing. Must
never write into a session's folder.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct, field

from quarterdeck.errors import DocumentError, LogbookError
from quarterdeck.logbook.agreement import agree
from quarterdeck.logbook.chain import Problem, Verified, verify
from quarterdeck.logbook.folder import SessionFolder
from quarterdeck.logbook.lock import Lock, is_held
from quarterdeck.logbook.protocol import Head, SampleBatch
from quarterdeck.logbook.recorder import Scan, sample_lines, scan
from quarterdeck.logbook.sample_files import Read, Samples, line_reader, row_reader, sound_batches
from quarterdeck.regular_files import open_regular, read_regular
from quarterdeck.session.event import Event

__all__ = ["SessionCopy", "Weighed", "collector_paused", "copy_database", "read_session", "weigh"]


_EVENTS = "SELECT hash, raw FROM events ORDER BY position"


class SessionCopy(Struct):
    """What is known of a session by its files."""

    id: str
    events: list[Event]
    """In order; those that can be relied on."""
    raws: list[bytes]
    """Their bytes, verbatim."""
    samples: Samples
    """By replica and number; each one's hash fitted. Read where they lie, as long as this is there."""
    blobs: Path
    """The folder of the files that events name."""
    halts: Path
    problems: list[Problem]
    held: list[tuple[Event, bytes]]
    """Behind a gap or a fork: kept, not applied."""
    chains: dict[str, Head]
    owned: bool
    """A process owns the session now: a station lives."""


class Weighed(Struct):
    """Both recorders' events held against each other."""

    good: dict[str, bytes]
    """Hash to bytes of every event that proves itself, from either."""
    in_logbook: set[str]
    in_recorder: set[str]
    logbook_damaged: int = 0
    """Rows whose bytes do not fit their hash."""
    lost: int = 0
    """Events that neither holds undamaged."""
    bad: set[str] = field(default_factory=set)
    hurt_ends: tuple[int, int] = (0, 0)
    """Bytes after the last good event of the logbook, and of the flight recorder, that prove nothing."""
    last_in_recorder: str = ""
    """Hash of its last good event."""


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Without it the collector walks a hundred thousand fresh events again and again, none of which is garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def weigh(logbook: Iterable[tuple[str, bytes]], recorder: Iterable[tuple[str, bytes]]) -> Weighed:
    """Check each event's bytes against its hash, once where both recorders hold the same."""
    good: dict[str, bytes] = {}
    found = Weighed(good, set(), set())
    in_logbook_after = in_recorder_after = 0
    for link, raw in logbook:
        if sha256(b"qd1\0" + raw).hexdigest() == link:
            good[link] = raw
            in_logbook_after = 0
        else:
            found.bad.add(link)
            found.logbook_damaged += 1
            in_logbook_after += len(raw)
    found.in_logbook = set(good)
    in_recorder = found.in_recorder
    for link, raw in recorder:
        known = good.get(link)
        if known == raw or (known is None and sha256(b"qd1\0" + raw).hexdigest() == link):
            in_recorder.add(link)
            good[link] = raw
            found.last_in_recorder, in_recorder_after = link, 0
            continue
        in_recorder_after += len(raw)
        if known is None and link:
            found.bad.add(link)
    found.hurt_ends = in_logbook_after, in_recorder_after
    found.lost = len(found.bad - good.keys())
    return found


def copy_database(database: Path, folder: Path) -> Path:
    """Copy a logbook file with its log; raises OSError."""
    for ending in ("", "-wal", "-journal"):
        part = database.with_name(database.name + ending)
        if part.exists():
            with os.fdopen(open_regular(part), "rb") as source, (folder / part.name).open("wb") as copy:
                shutil.copyfileobj(source, copy, 2**20)
    return folder / database.name


def read_session(folder: Path, *, recorder_dir: Path | None = None, samples: bool = True) -> SessionCopy:
    """Read a session's events, samples and what is wrong with them. LogbookError where there is nothing to read.

    `samples`: False leaves them out, for who asks how the session is.
    """
    problems: list[Problem] = []
    place = _place(folder, recorder_dir, problems)
    if not folder.is_dir():
        raise LogbookError("There is no such session", where=str(folder))
    held: Verified | list[tuple[str, bytes]] = []
    batches: dict[tuple[str, int], Read] = {}
    damaged = 0
    with contextlib.ExitStack() as opened, collector_paused():
        with contextlib.ExitStack() as stack:
            owned = not _hold(place, stack)
            if not owned and place.database.exists():
                held, batches, damaged = _read_database(place, problems, opened, samples=samples)
            verified = held if isinstance(held, Verified) else _weighed(place, held, problems, owned=owned)
        kept = _samples(place.recorder_samples, batches, opened) if samples else Samples()
        weakref.finalize(kept, opened.pop_all().close)
    if damaged:
        problems.append(Problem("damaged", f"{damaged} batches of samples are damaged"))
    return SessionCopy(
        id=place.id,
        events=[event for event, _ in verified.events],
        raws=[raw for _, raw in verified.events],
        samples=kept,
        blobs=place.blobs,
        halts=place.halts,
        problems=problems + verified.problems,
        held=verified.held,
        chains=verified.chains,
        owned=owned,
    )


def _place(folder: Path, recorder_dir: Path | None, problems: list[Problem]) -> SessionFolder:
    """Its parts; settings that cannot be read hide at most a flight recorder that lies elsewhere."""
    try:
        folder.name.encode()
    except UnicodeEncodeError as error:
        raise LogbookError("The folder's name is not UTF-8: no session of ours", where=repr(folder.name)) from error
    try:
        return SessionFolder.of(folder, recorder_dir)
    except DocumentError as error:
        text = f"Settings cannot be read, so the flight recorder is looked for in its usual place: {error}"
        problems.append(Problem("missing", text))
        return SessionFolder(folder, folder.parent.parent / "recorder")


def _hold(place: SessionFolder, stack: contextlib.ExitStack) -> bool:
    """Keep owners out while the files are copied; False where there is one already."""
    if is_held(place.lock):
        return False
    if place.lock.exists():
        try:
            stack.callback(Lock.take(place.lock, patience=0.0, owns=False).release)
        except LogbookError:
            return not is_held(place.lock)  # a folder that may only be read has no owner who could write
    return True


def _read_database(
    place: SessionFolder, problems: list[Problem], opened: contextlib.ExitStack, *, samples: bool
) -> tuple[Verified | list[tuple[str, bytes]], dict[tuple[str, int], Read], int]:
    """Its events; where its batches lie in a copy that is open until `opened` is closed; how many are damaged.

    The events are verified already where the flight recorder agrees. The copy has no name any more when this returns,
    so that nothing of it stays behind whatever ends its reader.
    """
    from quarterdeck.logbook import sqlite
    from quarterdeck.logbook.salvage import are_sound, salvage_batches, salvage_events

    try:
        with tempfile.TemporaryDirectory(prefix="quarterdeck-") as temporary:
            connection = sqlite.connect(copy_database(place.database, Path(temporary)))
            opened.callback(connection.close)
            reader = row_reader(connection)
            try:
                if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
                    problems.append(Problem("missing", "The logbook holds nothing yet"))
                    return [], {}, 0
                burned = place.marks("burned")
                events = list[tuple[Event, bytes]]()
                found = connection.execute(_EVENTS)
                agreed = (
                    None if burned else agree(place.id, found, place.recorder, lambda *event: events.append(event))
                )
                rows = [] if agreed else list(connection.execute(_EVENTS))
                if not are_sound(rows):
                    raise sqlite3.DatabaseError("a value has another type")
                sound, damaged = sound_batches(_batches(connection) if samples else (), reader)
                return Verified(events, agreed[0], [], []) if agreed else rows, sound, damaged
            except sqlite.SQLError as error:
                problems.append(Problem("damaged", f"The logbook is damaged: {error}"))
                rows = [(event.hash, event.raw) for event in salvage_events(connection)]
                sound, damaged = sound_batches(salvage_batches(connection) if samples else (), reader)
            return rows, sound, damaged
    except OSError as error:
        problems.append(Problem("missing", f"The logbook cannot be read: {error.strerror}"))
        return [], {}, 0


def _batches(connection: sqlite3.Connection) -> Iterator[tuple[int, SampleBatch]]:
    from quarterdeck.logbook.salvage import are_sound

    for number, *batch in connection.execute("SELECT rowid, replica, number, hash, raw FROM samples"):
        if not are_sound([tuple(batch[2:])]):
            raise sqlite3.DatabaseError("a value has another type")
        yield number, SampleBatch(*batch)


def _weighed(
    place: SessionFolder, rows: Sequence[tuple[str, bytes]], problems: list[Problem], *, owned: bool
) -> Verified:
    """What of the logbook's rows and the flight recorder's lines can be relied on."""
    found = _read_recorder(place.recorder, problems, owned=owned)
    weighed = weigh(rows, found.lines)
    if found.damaged:
        problems.append(Problem("damaged", f"{found.damaged} lines of the flight recorder cannot be read"))
    if weighed.bad:
        text = f"{len(weighed.bad)} events are damaged in one recorder, {weighed.lost} of them in both"
        problems.append(Problem("damaged", text))
    return verify(place.id, weighed.good, place.marks("burned"))


def _read_recorder(path: Path, problems: list[Problem], *, owned: bool) -> Scan:
    try:
        found = scan(read_regular(path))
    except OSError as error:
        text = f"The flight recorder cannot be read: {error.strerror}"
        if owned:
            raise LogbookError(text, where=str(path), hint="attach to the session instead") from error
        problems.append(Problem("missing", text))
        return Scan(lines=[])
    if found.tail and not owned:
        problems.append(Problem("torn", "The flight recorder's last line is unfinished"))
    return found


def _samples(path: Path, found: dict[tuple[str, int], Read], opened: contextlib.ExitStack) -> Samples:
    """The logbook's batches, and those that only the file beside the recorder has."""
    with contextlib.suppress(OSError):
        file = opened.enter_context(os.fdopen(open_regular(path), "rb"))
        new = ((at, batch) for at, batch in sample_lines(file) if (batch.replica, batch.number) not in found)
        found = sound_batches(new, line_reader(file))[0] | found
    return Samples([found[key] for key in sorted(found)])
